import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Explorer from "../../src/simulator/Explorer.ts"
import type * as Invariants from "../../src/simulator/Invariants.ts"
import * as Simulation from "../../src/simulator/Simulation.ts"
import * as LeaseStory from "../protocol/harness/LeaseStory.ts"
import * as LeaseTrial from "../protocol/harness/LeaseTrial.ts"
import { bounds, lease } from "./Frontier.ts"
import * as LeaseMutants from "./LeaseMutants.ts"
import * as Mutants from "./Mutants.ts"

type Protocol = Effect.Success<ReturnType<typeof load>>

const load = (mutant: Mutants.Mutant) => Effect.promise(() => Mutants.load(mutant))

interface Seen {
  readonly broken: Invariants.Name
  readonly after: string
}

const maxStates = 6_000
const maxTrials = 80
const maxRuns = 10

/** Clocks at their limits, and work that stops at once, so that the last ms of a lease matter; or that takes its time. */
const trials = [{ drift: 0.05, stopTimeout: 10 }, { drift: 0.02 }] as const

const seers = {
  explorer: ({ step: transition }: Protocol): Effect.Effect<Seen | null> =>
    Effect.sync(() => {
      const found = Explorer.explore({ from: "settled", states: maxStates, seed: 1, transition, timing: lease, bounds })
      return found.violation && { broken: found.violation.complaint.invariant, after: `${found.states} states` }
    }),
  trials: (protocol: Protocol): Effect.Effect<Seen | null> =>
    Effect.sync(() => {
      for (let run = 1; run <= maxTrials; run++) {
        const seed = Math.ceil(run / trials.length)
        const trial = { ...trials[run % trials.length]!, protocol }
        const broken = LeaseTrial.broken(LeaseTrial.live(seed % 2 === 1 ? 3 : 5, seed, trial))
        if (broken !== null) return { broken, after: `${run} runs` }
      }
      return null
    }),
  simulator: ({ step: transition }: Protocol): Effect.Effect<Seen | null> =>
    Effect.gen(function*() {
      for (let seed = 1; seed <= maxRuns; seed++) {
        const report = yield* Effect.orDie(Simulation.run({
          servers: 3,
          seed,
          millis: 60_000,
          faults: "harsh",
          settings: { profile: "fast", leadership: "lease", groupSize: 3 },
          transition,
          untilViolation: true
        })).pipe(Effect.provide(Logger.layer([])))
        const [violation] = report.violations
        if (violation !== undefined) return { broken: violation.invariant, after: `${seed} runs` }
      }
      return null
    })
} as const

const caught: Array<string> = []

afterAll(() => void process.stdout.write(`${caught.join("\n")}\n`))

describe("a fault in the majority lease is seen by what judges it", () => {
  for (const mutant of LeaseMutants.mutants) {
    const { by = [], name, slows = [], stories = [] } = mutant
    it.effect(name, () =>
      Effect.gen(function*() {
        const protocol = yield* load(mutant)
        for (const who of by) {
          const seen = yield* seers[who](protocol)
          assert.isNotNull(seen, `not seen by the ${who}: a hole in the invariants`)
          caught.push(`${name}: ${who}, ${seen.broken}, ${seen.after}`)
        }
        for (const story of stories) {
          const { broken } = LeaseStory.play(LeaseStory.read(story), protocol)
          assert.isNotEmpty(broken, `not shown by the story ${story}`)
          caught.push(`${name}: story ${story}, ${broken.join(", ")}`)
        }
        for (const story of slows) {
          const text = LeaseStory.read(story)
          const later = LeaseStory.ledAt(LeaseStory.play(text, protocol).text) - LeaseStory.ledAt(text)
          assert.isAbove(later, 150, `nobody leads later in the story ${story}`)
          caught.push(`${name}: story ${story}, ${later} ms later`)
        }
        assert.isAbove(by.length + stories.length + slows.length, 0)
      }), 120_000)
  }
})
