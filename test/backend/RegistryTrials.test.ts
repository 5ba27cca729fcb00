/** Servers over one simulated registry, by seeds; and faults in the rules, each of which some seed shows. */
import { assert, describe, it } from "@effect/vitest"
import * as RegistryStep from "../../src/registry/RegistryStep.ts"
import * as Page from "../docs/Page.ts"
import * as RegistryTrial from "./harness/RegistryTrial.ts"
import * as RegistryMutants from "./RegistryMutants.ts"

/** So many seeds a fault is looked for in: most show in the first few. */
const seeds = 300

/** What happened in all trials together. */
const all = (count: number, options: RegistryTrial.Options) => {
  const counts: Record<string, number> = {}
  for (let seed = 1; seed <= count; seed++) {
    const report = RegistryTrial.run(seed, RegistryStep, options)
    assert.deepStrictEqual(report.violations, [], `seed ${seed}`)
    for (const [what, often] of Object.entries(report.counts)) counts[what] = (counts[what] ?? 0) + often
  }
  return counts
}

describe("a group over a registry that loses, delays, expires and compacts", () => {
  it("has one leader at a time, whose work ends within its lease, and settles when faults cease", () => {
    const counts = all(40, {})
    const happened = [
      "reigns",
      "expiries",
      "sleeps",
      "pauses",
      "cuts",
      "watches cut",
      "Unknown",
      "refused",
      "over",
      "overruns",
      "runs"
    ]
    for (const what of happened) assert.isAbove(counts[what] ?? 0, 0, what)
  })

  it("where sessions end before their time, leads no longer than it takes to hear of it", () => {
    assert.isAbove(all(25, { early: true })["early ends"] ?? 0, 0)
  })
})

describe("a fault in the rules of a group over a registry is seen", () => {
  it("docs/faults.md lists each", () => {
    const page = Page.read("docs/faults.md")
    for (const { name } of RegistryMutants.mutants) assert.include(page, `- ${name}\n`)
  })

  for (const mutant of RegistryMutants.mutants) {
    it(mutant.name, async () => {
      const protocol = await RegistryMutants.load(mutant)
      for (let seed = 1; seed <= seeds; seed++) {
        const [first] = RegistryTrial.run(seed, protocol, { early: mutant.early === true }).violations
        if (first === undefined) continue
        return assert.include(mutant.breaks, first.promised, first.what)
      }
      assert.fail(`not seen in ${seeds} trials`)
    })
  }
})
