/**
 * Commands over a bad network to servers, one of which is dead now and then ("Commands"): what is promised holds in each trial, and
 * each fault breaks what it should.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Page from "../docs/Page.ts"
import * as CommandMutants from "../simulation/CommandMutants.ts"
import * as Mutants from "../simulation/Mutants.ts"
import * as CommandTrial from "./harness/CommandTrial.ts"

const trials = { sound: 20, mutant: 60 } as const

describe("commands over a bad network (protocol, Commands)", () => {
  it("are done once, for who may command, and nobody is evicted that answers", () => {
    const counts: Record<string, number> = {}
    for (let seed = 1; seed <= trials.sound; seed++) {
      const report = CommandTrial.run(seed)
      assert.deepStrictEqual(report.violations, [], `seed ${seed}`)
      for (const [what, count] of Object.entries(report.counts)) counts[what] = (counts[what] ?? 0) + count
    }
    for (
      const what of ["Resign Done", "Transfer Done", "StepDown Done", "Evict Done", "Evict Alive", "Evict NotAllowed"]
    ) {
      assert.isAbove(counts[what] ?? 0, 0, `${what} of ${JSON.stringify(counts)}`)
    }
    assert.isAbove(counts["evicted"] ?? 0, 0)
  }, 120_000)

  for (const { breaks, isAllowed, isAnswer, ...mutant } of CommandMutants.mutants) {
    it(`are seen not to be where ${mutant.name}`, async () => {
      const protocol = await Mutants.load(mutant)
      const parts = {
        protocol,
        ...isAllowed === undefined ? {} : { isAllowed },
        ...isAnswer === undefined ? {} : { isAnswer }
      }
      for (let seed = 1; seed <= trials.mutant; seed++) {
        const [first] = CommandTrial.run(seed, parts).violations
        if (first === undefined) continue
        assert.strictEqual(first.promised, breaks, first.what)
        return
      }
      assert.fail(`nothing is seen in ${trials.mutant} trials`)
    }, 120_000)
  }

  it("are seen not to be by docs/faults.md too", () => {
    const page = Page.read("docs/faults.md")
    for (const { breaks, name } of CommandMutants.mutants) assert.include(page, `- ${name}: \`${breaks}\`\n`)
  })
})
