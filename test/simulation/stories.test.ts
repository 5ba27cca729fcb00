/**
 * `npx vitest run test/simulation/stories.test.ts -u` writes stories.txt anew: read the difference.
 */
import { assert, describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Simulation from "../../src/simulator/Simulation.ts"
import * as Timeline from "../../src/simulator/Timeline.ts"
import * as Stories from "./Stories.ts"

const names = Object.keys(Stories.stories) as ReadonlyArray<Stories.Name>

const told = Effect.fnUntraced(function*(name: Stories.Name) {
  const report = yield* Simulation.run(Stories.run(name))
  assert.deepStrictEqual(report.violations, [], `${name}\n${Timeline.lines(report).join("\n")}`)
  // Each fault found a server in a state in which it could happen, and the group had the time to settle after the last.
  const happened = Object.values(report.happened).reduce((sum, times) => sum + times)
  assert.strictEqual(happened, report.story.length, name)
  assert.isAbove(report.verdicts.find(({ invariant }) => invariant === "settles")!.checks, 0, name)
  return `${name}\n\n${Stories.tell(report)}\n`
})

describe("stories of faults, one for each rule that stands against them (protocol 4 and 5)", () => {
  it("break no promise, and end as stories.txt tells", async () => {
    const all = await Effect.runPromise(Effect.forEach(names, told))
    await expect(all.join("\n")).toMatchFileSnapshot("stories.txt")
  }, 60_000)
})
