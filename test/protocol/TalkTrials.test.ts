/**
 * Members that talk over a bad network, and are restarted meanwhile ("Members that talk"): what is promised holds in each
 * trial, and each fault breaks what it should.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Page from "../docs/Page.ts"
import * as Mutants from "../simulation/Mutants.ts"
import * as TalkMutants from "../simulation/TalkMutants.ts"
import * as TalkTrial from "./harness/TalkTrial.ts"

const trials = { sound: 12, mutant: 60 } as const

describe("members that talk over a bad network (protocol, members that talk)", () => {
  it("hear each thing once, handle each question once, and get the answers that belong to theirs", () => {
    const counts: Record<string, number> = {}
    for (let seed = 1; seed <= trials.sound; seed++) {
      const report = TalkTrial.run(seed)
      assert.deepStrictEqual(report.violations, [], `seed ${seed}`)
      for (const [what, count] of Object.entries(report.counts)) counts[what] = (counts[what] ?? 0) + count
    }
    for (const what of ["broadcast", "sendTo", "handled", "Done", "Gone", "Silent", "NotLeading"]) {
      assert.isAbove(counts[what] ?? 0, 0, `${what} of ${JSON.stringify(counts)}`)
    }
  }, 120_000)

  for (const mutant of TalkMutants.mutants) {
    it(`are seen not to where ${mutant.name}`, async () => {
      const protocol = await Mutants.load(mutant)
      for (let seed = 1; seed <= trials.mutant; seed++) {
        const [first] = TalkTrial.run(seed, protocol).violations
        if (first === undefined) continue
        assert.strictEqual(first.promised, mutant.breaks, first.what)
        return
      }
      assert.fail(`nothing is seen in ${trials.mutant} trials`)
    }, 120_000)
  }

  it("are seen not to by docs/faults.md too", () => {
    const page = Page.read("docs/faults.md")
    for (const { breaks, name } of TalkMutants.mutants) assert.include(page, `- ${name}: \`${breaks}\`\n`)
  })
})
