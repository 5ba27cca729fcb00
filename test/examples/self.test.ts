/**
 * The example of servers that change what they say of themselves, on a simulated network: three copies of the app.
 */
import { assert, describe, it } from "@effect/vitest"
import { Group } from "bellwether"
import { SimulatedGroup } from "bellwether/testing"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { warmUp, watch } from "../../examples/self/Warming.ts"

describe("the example of servers that change what they say of themselves", () => {
  it.effect("lets another copy lead while a cache is cold, and all copies show it", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const group = yield* SimulatedGroup.make({
        servers: 3,
        seed: "warming",
        settings: (index) => ({ profile: "fast", name: `copy ${index}` }),
        app: (server, index) =>
          watch.pipe(
            Effect.provideService(Group.Group, server.group),
            Effect.provideService(Console.Console, {
              ...globalThis.console,
              log: (line: string) => void lines.push(`${index} ${line}`)
            })
          )
      })
      const first = yield* group.settle()
      const server = yield* group.server(first)
      yield* Effect.forkScoped(
        warmUp(Effect.sleep("5 seconds")).pipe(Effect.provideService(Group.Group, server.group))
      )
      yield* group.advance("2 seconds")
      const second = yield* group.awaitLeader()
      assert.notStrictEqual(second, first)
      for (const index of [0, 1, 2]) {
        assert.include(lines, `${index} copy ${first}: priority -1, cache cold`)
        assert.include(lines, `${index} copy ${second} leads`)
      }
      yield* group.advance("6 seconds")
      assert.strictEqual(yield* group.awaitLeader(), first)
      for (const index of [0, 1, 2]) assert.include(lines, `${index} copy ${first}: priority 0, cache warm`)
    }))
})
