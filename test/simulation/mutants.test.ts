import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { Explorer, type Faults, Simulation } from "../../src/testing/index.ts"
import * as BullyMutants from "./BullyMutants.ts"
import { bounds } from "./Frontier.ts"
import * as Mutants from "./Mutants.ts"

/** What once broke something, first; then what the seeds bring. */
const stories: ReadonlyArray<{ readonly servers: number; readonly faults: ReadonlyArray<Faults.Fault> }> = [
  {
    servers: 5,
    faults: [
      { kind: "partition", at: 5_000, for: 2_900, parts: [[0, 1, 2, 3], [4]] },
      { kind: "crash", at: 7_890, for: 20, server: 2 },
      { kind: "crash", at: 7_890, for: 20, server: 3 }
    ]
  },
  ...[0, 1].map((server) => ({
    servers: 3,
    faults: [
      { kind: "crash", at: 5_000, for: 30_000, server: 2 },
      { kind: "suspend", at: 5_200, for: 2_500, server }
    ] as const
  }))
]

const maxRuns = 60
const maxStates = 3_000

const caught: Array<string> = []

afterAll(() => {
  process.stdout.write(`${caught.join("\n")}\n`)
})

describe("a fault in the Bully, or in membership, is seen by what judges it", () => {
  for (const mutant of BullyMutants.mutants) {
    it.effect(mutant.name, () =>
      Effect.gen(function*() {
        const { step: transition } = yield* Effect.promise(() => Mutants.load(mutant))
        const found = Explorer.explore({ from: "settled", states: maxStates, seed: 1, transition, bounds })
        if (found.violation !== null) {
          caught.push(`${mutant.name}: explorer, ${found.violation.complaint.invariant}, ${found.states} states`)
          return
        }
        const seeds = Array.from({ length: maxRuns }, (_, index) => index + 1)
        if (mutant.seed !== undefined) seeds.unshift(mutant.seed)
        for (const [index, seed] of seeds.entries()) {
          const story = stories[seed - 1]
          const servers = story?.servers ?? (seed % 2 === 1 ? 3 : 5)
          const report = yield* Simulation.run({
            servers,
            seed,
            millis: story === undefined ? 60_000 : 30_000,
            faults: story?.faults ?? "harsh",
            settings: { profile: "fast" },
            transition,
            untilViolation: true
          }).pipe(Effect.provide(Logger.layer([])))
          const [violation] = report.violations
          if (violation === undefined) continue
          caught.push(`${mutant.name}: simulator, ${violation.invariant}, ${index + 1} runs`)
          return
        }
        assert.fail(`not seen in ${maxStates} states and ${maxRuns} runs: a hole in the invariants`)
      }), 120_000)
  }
})
