import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Explorer from "../../src/simulator/Explorer.ts"
import * as Simulation from "../../src/simulator/Simulation.ts"
import * as Page from "../docs/Page.ts"
import * as BullyMutants from "./BullyMutants.ts"
import { bounds, withoutPace } from "./Frontier.ts"
import * as Mutants from "./Mutants.ts"
import * as Stories from "./Stories.ts"

const maxStates = 1_000

const caught: Array<string> = []

afterAll(() => void process.stdout.write(`${caught.join("\n")}\n`))

describe("a fault in the Bully, or in membership, is seen by what judges it", () => {
  for (const mutant of BullyMutants.mutants) {
    const { breaks, seenBy } = mutant
    it.effect(mutant.name, () =>
      Effect.gen(function*() {
        const { step: transition } = yield* Effect.promise(() => Mutants.load(mutant))
        if (seenBy === "explorer") {
          const found = Explorer.explore({
            from: "settled",
            states: maxStates,
            seed: 1,
            transition,
            bounds,
            timing: withoutPace
          })
          assert.strictEqual(found.violation?.complaint.invariant, breaks)
          caught.push(`${mutant.name}: ${breaks}, by the explorer after ${found.states} states`)
        } else {
          const report = yield* Simulation.run({ ...Stories.run(seenBy), transition, untilViolation: true }).pipe(
            Effect.provide(Logger.layer([]))
          )
          assert.strictEqual(report.violations[0]?.invariant, breaks)
          caught.push(`${mutant.name}: ${breaks}, in "${seenBy}"`)
        }
      }), 30_000)
  }

  it("docs/faults.md lists each", () => {
    const page = Page.read("docs/faults.md")
    for (const { breaks, name, seenBy } of BullyMutants.mutants) {
      const seen = seenBy === "explorer" ? "the explorer" : `the story "${seenBy.replace(/ \(.*$/, "")}"`
      assert.include(page, `- ${name}: \`${breaks}\`, seen by ${seen}\n`)
    }
  })
})
