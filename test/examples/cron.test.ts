/** The example of a report by a schedule, on a simulated network: three copies of the app, with a lease. */
import { assert, describe, it } from "@effect/vitest"
import { Group, Leadership } from "bellwether"
import { SimulatedGroup } from "bellwether/testing"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { reports } from "../../examples/cron/Report.ts"

describe("the example of a report by a schedule", () => {
  it.effect("writes each report once, also when the leader is killed", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const console: Console.Console = { ...globalThis.console, log: (line: string) => void lines.push(line) }
      const group = yield* SimulatedGroup.make({
        servers: 3,
        seed: "reports",
        clocks: () => ({ wallAhead: Date.UTC(2026, 5, 1, 12) }),
        settings: (index) => ({
          profile: "fast",
          leadership: "lease",
          groupSize: 3,
          name: `n${index}`,
          priority: index
        }),
        app: (server) =>
          reports.pipe(
            Effect.provideService(Group.Group, server.group),
            Effect.provideService(Leadership.Leadership, server.leadership),
            Effect.provideService(Console.Console, console)
          )
      })
      yield* group.settle()
      yield* group.until("two reports", Effect.sync(() => lines.length === 2), { within: "1 minute" })
      yield* group.kill(2)
      yield* group.until("four reports", Effect.sync(() => lines.length === 4), { within: "1 minute" })
      assert.deepStrictEqual(lines, [
        "n2 writes the report of 2026-06-01T12:00:10.000Z",
        "n2 writes the report of 2026-06-01T12:00:20.000Z",
        "n1 writes the report of 2026-06-01T12:00:30.000Z",
        "n1 writes the report of 2026-06-01T12:00:40.000Z"
      ])
    }))
})
