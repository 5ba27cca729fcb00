/**
 * Servers that publish over a bad network, while one comes and goes that is too old for topics ("Topics"): what is promised holds
 * in each trial, and each fault breaks what it should.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Page from "../docs/Page.ts"
import * as Mutants from "../simulation/Mutants.ts"
import * as PublishMutants from "../simulation/PublishMutants.ts"
import * as PublishTrial from "./harness/PublishTrial.ts"

const trials = { sound: 30, mutant: 60 } as const

describe("servers that publish while one is too old for topics (protocol, Topics)", () => {
  it("get each message once, in order, with no gap where one was refused", () => {
    const counts: Record<string, number> = {}
    for (let seed = 1; seed <= trials.sound; seed++) {
      const report = PublishTrial.run(seed)
      assert.deepStrictEqual(report.violations, [], `seed ${seed}`)
      for (const [what, count] of Object.entries(report.counts)) counts[what] = (counts[what] ?? 0) + count
    }
    for (const what of ["Published", "Refused", "received"]) assert.isAbove(counts[what] ?? 0, 0, what)
  }, 120_000)

  for (const mutant of PublishMutants.mutants) {
    it(`are seen not to where ${mutant.name}`, async () => {
      const protocol = await Mutants.load(mutant)
      for (let seed = 1; seed <= trials.mutant; seed++) {
        const [first] = PublishTrial.run(seed, protocol).violations
        if (first === undefined) continue
        assert.include(mutant.breaks, first.promised, first.what)
        return
      }
      assert.fail(`nothing is seen in ${trials.mutant} trials`)
    }, 120_000)
  }

  it("are seen not to by docs/faults.md too", () => {
    const page = Page.read("docs/faults.md")
    for (const { name } of PublishMutants.mutants) assert.include(page, `- ${name}\n`)
  })
})
