/**
 * `npm run bench -- flood [PER_SECOND] [SECONDS]`: how late the heartbeats of others are while one source floods the group by
 * multicast, or a server's unicast socket, with and without a key, on real sockets and processes.
 */
import * as Effect from "effect/Effect"
import * as Os from "node:os"
import * as Flood from "../test/network/Flood.ts"

export const flood = async ([perSecond = "20000", seconds = "8"]: ReadonlyArray<string>): Promise<void> => {
  process.stdout.write(
    "| group | towards | datagrams a second | heartbeats late by at most | CPU of the server | dropped as | load |\n"
  )
  for (const keyed of [false, true]) {
    const all = Effect.gen(function*() {
      const { measure } = yield* Flood.group({ keyed, memberTimeout: 1_600 })
      for (
        const [rate, towards] of [[1, "group"], [Number(perSecond), "group"], [Number(perSecond), "server"]] as const
      ) {
        const { cpu, dropped, late, removed, sent } = yield* measure(rate, Number(seconds), towards)
        const reasons = Object.entries(dropped).filter(([, count]) => count > 10).map((pair) => pair.join(" ")).join(
          ", "
        )
        const name = keyed ? "with a key" : "without"
        process.stdout.write(
          `| ${name} | ${towards} | ${Math.round(sent / Number(seconds))} | ${late} ms, ${removed} removed | ${
            cpu.toFixed(2)
          } cores | ${reasons} | ${Os.loadavg()[0]?.toFixed(0)} |\n`
        )
      }
    })
    await Effect.runPromise(Effect.scoped(all))
  }
}
