/**
 * `npx vitest run test/simulation/grant-stories.test.ts -u` writes grant-stories.txt anew: read the difference.
 */
import { assert, describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Simulation from "../../src/simulator/Simulation.ts"
import * as Timeline from "../../src/simulator/Timeline.ts"
import * as GrantStories from "./GrantStories.ts"

const names = Object.keys(GrantStories.stories) as ReadonlyArray<GrantStories.Name>

const told = Effect.fnUntraced(function*(name: GrantStories.Name) {
  const report = yield* Simulation.run(GrantStories.run(name))
  assert.deepStrictEqual(report.violations, [], `${name}\n${Timeline.lines(report).join("\n")}`)
  // Who holds what was looked at when all was well again.
  const looks = report.verdicts.find(({ invariant }) => invariant === "everyPartitionOwned")!.checks
  assert.isAbove(looks, 0, name)
  return `${name}\n\n${GrantStories.tell(report)}\n`
})

describe("stories of faults of those who hold partitions and a lock (protocol, grants)", () => {
  it("break no promise, and end as grant-stories.txt tells", async () => {
    const all = await Effect.runPromise(Effect.forEach(names, told))
    await expect(all.join("\n")).toMatchFileSnapshot("grant-stories.txt")
  }, 60_000)
})
