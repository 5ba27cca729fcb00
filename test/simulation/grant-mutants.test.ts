/** Faults in what is held by grants: each is seen in a story, in which the protocol breaks no promise. */
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Simulation from "../../src/simulator/Simulation.ts"
import * as Page from "../docs/Page.ts"
import * as GrantStories from "./GrantStories.ts"
import * as GrantStoryMutants from "./GrantStoryMutants.ts"
import * as Mutants from "./Mutants.ts"

const caught: Array<string> = []

afterAll(() => void process.stdout.write(`${caught.join("\n")}\n`))

describe("a fault in what is held by grants is seen by the simulator", () => {
  for (const mutant of GrantStoryMutants.mutants) {
    const { breaks, name, seenBy } = mutant
    it.effect(name, () =>
      Effect.gen(function*() {
        const { step: transition } = yield* Effect.promise(() => Mutants.load(mutant))
        const report = yield* Simulation.run({ ...GrantStories.run(seenBy), transition, untilViolation: true }).pipe(
          Effect.provide(Logger.layer([]))
        )
        const [first] = report.violations
        assert.strictEqual(first?.invariant, breaks, first?.what)
        caught.push(`${name}: ${breaks}, in "${seenBy}"`)
      }), 30_000)
  }

  it("docs/faults.md lists each", () => {
    const page = Page.read("docs/faults.md")
    for (const { breaks, name, seenBy } of GrantStoryMutants.mutants) {
      assert.include(page, `- ${name}: \`${breaks}\`, in the story "${seenBy}"\n`)
    }
  })
})
