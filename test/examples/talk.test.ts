/**
 * The example of servers that talk, on a simulated network: three copies of the app.
 */
import { assert, describe, it } from "@effect/vitest"
import { Group, Members } from "bellwether"
import { SimulatedGroup } from "bellwether/testing"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { server as app } from "../../examples/talk/Stock.ts"

describe("the example of servers that talk", () => {
  it.effect("takes what the leader has, once each, tells all, and goes on with the next leader", () =>
    Effect.gen(function*() {
      const lines: Array<Array<string>> = [[], [], []]
      const consoleOf = (index: number): Console.Console => ({
        ...globalThis.console,
        log: (line: string) => void lines[index]?.push(line)
      })
      const group = yield* SimulatedGroup.make({
        servers: 3,
        seed: "talk",
        settings: { profile: "fast" },
        app: (server, index) =>
          app.pipe(
            Effect.provideService(Group.Group, server.group),
            Effect.provideService(Members.Members, server.members),
            Effect.provideService(Console.Console, consoleOf(index))
          )
      })
      const leader = yield* group.awaitLeader()
      yield* group.advance("8 seconds")
      const taken = lines[leader]!.filter((line) => line.includes(" took "))
      assert.strictEqual(taken.length, 10)
      for (const heard of lines) {
        const left = heard.flatMap((line) => / has (\d+) left$/.exec(line)?.slice(1) ?? [])
        assert.deepStrictEqual(left.slice(0, 10).map(Number), [9, 8, 7, 6, 5, 4, 3, 2, 1, 0])
        assert.include(heard.join("\n"), "did not answer")
        assert.include(heard, "sold out: 0 left")
      }
      yield* group.kill(leader)
      const next = yield* group.awaitLeader()
      yield* group.advance("4 seconds")
      assert.isAbove(lines[next]!.filter((line) => line.includes(" took ")).length, 0)
    }))
})
