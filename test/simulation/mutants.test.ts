import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { Explorer, type Faults, Simulation } from "../../src/testing/index.ts"
import * as Mutants from "./Mutants.ts"

const bounds: Explorer.Bounds = { crashes: 1, restarts: 1, lost: 3, duplicated: 2, elections: 2, horizon: 3_000 }
const lease = { lease: { groupSize: 3, duration: 600, drift: 0.01 } }

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
  Mutants.remove()
  process.stdout.write(`${caught.join("\n")}\n`)
})

describe("a fault in the protocol is seen by what judges it", () => {
  for (const mutant of Mutants.mutants) {
    it.effect(mutant.name, () =>
      Effect.gen(function*() {
        const transition = yield* Effect.promise(() => Mutants.load(mutant))
        const rules = mutant.lease === true ? lease : {}
        const found = Explorer.explore({ from: "settled", states: maxStates, seed: 1, transition, rules, bounds })
        if (found.violation !== null) {
          caught.push(`${mutant.name}: explorer, ${found.violation.complaint.invariant}, ${found.states} states`)
          return
        }
        for (let seed = 1; seed <= maxRuns; seed++) {
          const story = mutant.lease === true ? undefined : stories[seed - 1]
          const servers = story?.servers ?? (seed % 2 === 1 ? 3 : 5)
          const report = yield* Simulation.run({
            servers,
            seed,
            millis: story === undefined ? 60_000 : 30_000,
            faults: story?.faults ?? "harsh",
            settings: mutant.lease === true
              ? { profile: "fast", leadership: "lease", groupSize: servers }
              : { profile: "fast" },
            transition,
            untilViolation: true
          }).pipe(Effect.provide(Logger.layer([])))
          const [violation] = report.violations
          if (violation === undefined) continue
          caught.push(`${mutant.name}: simulator, ${violation.invariant}, ${seed} runs`)
          return
        }
        assert.fail(`not seen in ${maxStates} states and ${maxRuns} runs: a hole in the invariants`)
      }), 120_000)
  }
})
