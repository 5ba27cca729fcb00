/**
 * The example of a dashboard: on a simulated network, and once as its users run it.
 */
import { assert, describe, it } from "@effect/vitest"
import { Observer } from "bellwether"
import { SimulatedGroup } from "bellwether/testing"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { dashboard } from "../../examples/dashboard/Dashboard.ts"
import * as Process from "./Process.ts"

describe("the example of a dashboard", () => {
  it.effect("shows a group and each change, and gives the alarm for a server that is killed", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const shown = () => lines.findLast((line) => !line.startsWith("ALARM")) ?? ""
      const group = yield* SimulatedGroup.make({ servers: 3, seed: "dashboard", settings: { profile: "fast" } })
      yield* group.settle()
      const host = yield* group.network.host("dashboard")
      yield* dashboard.pipe(
        Effect.provide(Layer.provide(Observer.layer({ profile: "fast" }), host.layerDatagrams)),
        Effect.provideService(Console.Console, { ...globalThis.console, log: (line: string) => void lines.push(line) }),
        Effect.forkScoped
      )
      yield* group.advance("2 seconds")
      assert.match(shown(), /^3 servers: (s\d\*? ){2}s\d\*?$/)
      const leader = yield* group.awaitLeader()
      yield* group.kill(leader)
      yield* group.advance("5 seconds")
      assert.include(lines, `ALARM: s${leader} is gone without a word`)
      assert.match(shown(), /^2 servers: /)
      yield* group.network.setLoss(1)
      yield* group.advance("15 seconds")
      assert.match(shown(), /^2 servers: .* \(nothing is heard of them now\)$/)
    }))

  it.runIf(Process.runsTypeScript)(
    "sees a server on real sockets",
    async () => {
      const env = {
        BELLWETHER_GROUP: `dashboard-${process.pid}`,
        BELLWETHER_PORT: String(20_000 + process.pid % 20_000),
        BELLWETHER_INTERFACES: "lo",
        BELLWETHER_TTL: "0",
        BELLWETHER_PROFILE: "fast"
      }
      const board = Process.start("examples/dashboard/main.ts", [], env)
      const server = Process.start("examples/chat/main.ts", ["host"], { ...env, BELLWETHER_NAME: "first" })
      try {
        await board.line("1 server: first*")
        server.kill("SIGKILL")
        await server.ended
        const another = Process.start("examples/chat/main.ts", ["host"], { ...env, BELLWETHER_NAME: "second" })
        try {
          assert.match(await board.line("1 server: second*"), /^1 server: second\*$/)
        } finally {
          another.kill("SIGKILL")
          await another.ended
        }
      } finally {
        board.kill("SIGKILL")
        server.kill("SIGKILL")
        await Promise.all([board.ended, server.ended])
      }
    }
  )
})
