/**
 * The example of jobs that are spread, on a simulated network: three copies of the app.
 */
import { assert, describe, it } from "@effect/vitest"
import { Group, Leadership } from "bellwether"
import { SimulatedGroup } from "bellwether/testing"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { jobs, names } from "../../examples/spread-jobs/Jobs.ts"

describe("the example of jobs that are spread", () => {
  it.effect("runs each on one copy at a time, on several copies, and goes on when one is stopped", () =>
    Effect.gen(function*() {
      const running = new Map<string, Set<number>>(names.map((name) => [name, new Set()]))
      const consoleOf = (index: number): Console.Console => ({
        ...globalThis.console,
        log: (line: string) => {
          const [name = "", what = ""] = line.split(": ")
          if (what === "runs here") running.get(name)?.add(index)
          else running.get(name)?.delete(index)
        }
      })
      const group = yield* SimulatedGroup.make({
        servers: 3,
        seed: "spread jobs",
        settings: { profile: "fast" },
        app: (server, index) =>
          jobs.pipe(
            Effect.provideService(Group.Group, server.group),
            Effect.provideService(Leadership.Leadership, server.leadership),
            Effect.provideService(Console.Console, consoleOf(index))
          )
      })
      yield* group.advance("3 seconds")
      for (const [name, on] of running) assert.strictEqual(on.size, 1, name)
      assert.isAtLeast(new Set([...running.values()].flatMap((on) => Array.from(on))).size, 2)
      const busiest = [...running.values()][0]!.values().next().value!
      yield* group.stop(busiest)
      yield* group.advance("3 seconds")
      for (const [name, on] of running) {
        assert.strictEqual(on.size, 1, name)
        assert.isFalse(on.has(busiest), name)
      }
    }))
})
