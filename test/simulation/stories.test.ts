/**
 * `vitest -u` writes stories.txt anew: read the difference.
 */
import { assert, describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Simulation, Timeline } from "../../src/testing/index.ts"
import * as Stories from "./Stories.ts"

const names = Object.keys(Stories.stories) as ReadonlyArray<Stories.Name>

describe("stories of faults, one for each rule that stands against them (protocol 4 and 5)", () => {
  it.effect("break no promise, and end as stories.txt tells", () =>
    Effect.gen(function*() {
      const told: Array<string> = []
      for (const name of names) {
        const report = yield* Simulation.run(Stories.run(name))
        assert.deepStrictEqual(report.violations, [], `${name}\n${Timeline.lines(report).join("\n")}`)
        // Each fault found a server in a state in which it could happen.
        const happened = Object.values(report.happened).reduce((sum, times) => sum + times)
        assert.strictEqual(happened, report.story.length, name)
        assert.strictEqual(report.verdicts.find(({ invariant }) => invariant === "settles")!.checks > 0, true, name)
        told.push(`${name}\n\n${Stories.tell(report)}\n`)
      }
      yield* Effect.promise(() => expect(told.join("\n")).toMatchFileSnapshot("stories.txt"))
    }), 60_000)
})
