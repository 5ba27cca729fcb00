/**
 * Members that hold resources by the grants of their leader, over a bad network and by bad clocks, restarted meanwhile (protocol,
 * Grants): what is promised holds in each trial, and each fault breaks what it should.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Page from "../docs/Page.ts"
import * as GrantMutants from "../simulation/GrantMutants.ts"
import * as Mutants from "../simulation/Mutants.ts"
import * as GrantTrial from "./harness/GrantTrial.ts"

const trials = { sound: 12, mutant: 20 } as const

describe("members that hold resources in trouble (protocol, Grants)", () => {
  it(
    "hold each alone, under rising tokens, through every change of the leader, and some member does in the end",
    () => {
      const counts: Record<string, number> = {}
      for (let seed = 1; seed <= trials.sound; seed++) {
        const report = GrantTrial.run(seed)
        assert.deepStrictEqual(report.violations, [], `seed ${seed}`)
        for (const [what, count] of Object.entries(report.counts)) counts[what] = (counts[what] ?? 0) + count
      }
      for (const what of ["jobs", "locks", "Moving", "Expiring", "Leaving"]) {
        assert.isAbove(counts[what] ?? 0, 0, `${what} of ${JSON.stringify(counts)}`)
      }
    },
    240_000
  )

  for (const mutant of GrantMutants.mutants) {
    it(`are seen not to where ${mutant.name}`, async () => {
      const protocol = await Mutants.load(mutant)
      for (let seed = 1; seed <= trials.mutant; seed++) {
        const { violations } = GrantTrial.run(seed, protocol)
        if (violations.some(({ promised }) => promised === mutant.breaks)) return
      }
      assert.fail(`nothing is seen in ${trials.mutant} trials`)
    }, 240_000)
  }

  it("are seen not to by docs/faults.md too", () => {
    const page = Page.read("docs/faults.md")
    for (const { breaks, name } of GrantMutants.mutants) assert.include(page, `- ${name}: \`${breaks}\`\n`)
  })
})
