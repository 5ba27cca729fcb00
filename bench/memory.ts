/**
 * `npm run bench -- memory [MINUTES] [INTERVAL]`: whether the memory of a server that has nothing to do stays what it is. One process of the
 * program among twenty servers, the others of which are in this process, with a heartbeat each INTERVAL (1s) for so many minutes (60).
 *
 * Memory is that of the one process in MiB, twenty looks, each the least of the seconds since the last: before a collection it is always more.
 * Needs Linux.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { setTimeout as sleep } from "node:timers/promises"
import * as NodeServer from "../src/NodeServer.ts"
import * as Server from "../src/server/Server.ts"
import { environment, freePort } from "./loopback.ts"
import * as Usage from "./usage.ts"

const size = 20
const looks = 20

const others = (port: number, interval: string) =>
  Effect.forEach(
    Array.from({ length: size - 1 }, (_, priority) => priority),
    (priority) =>
      Server.make({
        group: environment(port).BELLWETHER_GROUP,
        port,
        interfaces: ["lo"],
        ttl: 0,
        priority,
        heartbeatInterval: interval as Duration.Input
      }),
    { discard: true }
  )

const watch = async (port: number, minutes: number, interval: string): Promise<void> => {
  const child = Usage.start(["serve", "--json"], {
    env: { ...environment(port), BELLWETHER_HEARTBEAT_INTERVAL: interval },
    stdio: ["ignore", "ignore", "inherit"]
  })
  console.log("| minute | memory, MiB | its own |\n| --- | --- | --- |")
  const seconds = minutes * 60 / looks
  for (let look = 1; look <= looks; look++) {
    let [resident, own] = [Infinity, Infinity]
    for (let at = 0; at < seconds; at++) {
      await sleep(1_000)
      const usage = Usage.of(child.pid!)
      resident = Math.min(resident, usage.resident)
      own = Math.min(own, usage.own)
    }
    console.log(`| ${(look * seconds / 60).toFixed(1)} | ${resident.toFixed(1)} | ${own.toFixed(1)} |`)
  }
  await Usage.end([child])
}

/** Prints a table as it goes. */
export const memory = async (args: ReadonlyArray<string>): Promise<void> => {
  const [minutes = "60", interval = "1s"] = args
  if (!(Number(minutes) > 0)) throw new Error(`minutes are ${minutes}; allowed: a number above 0`)
  const run = Effect.gen(function*() {
    const port = yield* freePort
    yield* others(port, interval)
    yield* Effect.promise(() => watch(port, Number(minutes), interval))
  })
  await Effect.runPromise(Effect.scoped(Effect.provide(run, NodeServer.layerDatagrams)))
}
