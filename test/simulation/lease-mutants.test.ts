import { afterAll, assert, describe, it } from "@effect/vitest"
import { Explorer } from "../../src/testing/index.ts"
import * as LeaseTrial from "../protocol/harness/LeaseTrial.ts"
import { bounds, lease } from "./Frontier.ts"
import * as LeaseMutants from "./LeaseMutants.ts"
import * as Mutants from "./Mutants.ts"

const maxStates = 3_000
const maxTrials = 80

const trials = [{ drift: 0.05, stopTimeout: 10 }, { drift: 0.02 }] as const

const caught: Array<string> = []

afterAll(() => void process.stdout.write(`${caught.join("\n")}\n`))

describe("a fault in the majority lease is seen by what judges it", () => {
  for (const mutant of LeaseMutants.mutants) {
    it(mutant.name, async () => {
      const protocol = await Mutants.load(mutant)
      const { step: transition } = protocol
      const found = Explorer.explore({ from: "settled", states: maxStates, seed: 1, transition, rules: lease, bounds })
      if (found.violation !== null) {
        caught.push(`${mutant.name}: explorer, ${found.violation.complaint.invariant}, ${found.states} states`)
        return
      }
      // What a lease promises is quickest broken by clocks at their limits, which the explorer is not about.
      for (let seed = 1; seed <= maxTrials; seed++) {
        for (const [index, trial] of trials.entries()) {
          const what = LeaseTrial.broken(LeaseTrial.live(seed % 2 === 1 ? 3 : 5, seed, { ...trial, protocol }))
          if (what === null) continue
          caught.push(`${mutant.name}: trials of the lease, ${what}, ${trials.length * (seed - 1) + index + 1} runs`)
          return
        }
      }
      assert.fail(`not seen in ${maxStates} states and ${maxTrials} trials: a hole in the invariants`)
    }, 120_000)
  }
})
