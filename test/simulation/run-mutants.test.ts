/** Faults in what is known of scheduled runs: each makes an instant run twice in a story, in which the protocol runs it once. */
import { assert, describe, it } from "@effect/vitest"
import * as Cron from "effect/Cron"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Step from "../../src/protocol/Step.ts"
import { SimulatedGroup, VirtualTime } from "../../src/testing/index.ts"
import * as Page from "../docs/Page.ts"
import * as Mutants from "./Mutants.ts"
import * as RunMutants from "./RunMutants.ts"

const everyTenSeconds = Cron.parseUnsafe("*/10 * * * * *", "UTC")
const noon = Date.UTC(2026, 5, 1, 12)

interface Told {
  readonly group: SimulatedGroup.SimulatedGroup
  readonly runs: ReadonlyArray<{ readonly by: number; readonly at: number }>
  readonly until: (count: number) => Effect.Effect<unknown, SimulatedGroup.NotSettled>
}

interface Story {
  /** By how many ms the wall clocks of the others are behind that of the first leader, server 2. */
  readonly behind: number
  readonly happens: (told: Told) => Effect.Effect<unknown, unknown>
}

const stories: Readonly<Record<RunMutants.Story, Story>> = {
  "the leader is cut off before an instant": {
    behind: 4_000,
    happens: Effect.fnUntraced(function*({ group, until }: Told) {
      yield* until(1)
      yield* group.advance("9900 millis")
      yield* group.partition([[0, 1], [2]])
      yield* group.advance("8 seconds")
    })
  },
  "the leader dies after a run": {
    behind: 4_000,
    happens: Effect.fnUntraced(function*({ group, until }: Told) {
      yield* until(2)
      yield* group.advance("10 millis")
      yield* group.kill(2)
      yield* group.advance("8 seconds")
    })
  },
  "the next leader has missed a mark": {
    behind: 4_000,
    happens: Effect.fnUntraced(function*({ group, until }: Told) {
      yield* until(1)
      yield* group.advance("9900 millis")
      yield* group.partition([[0, 2], [1]])
      yield* until(2)
      yield* group.heal
      yield* group.advance("10 millis")
      yield* group.kill(2)
      yield* group.advance("8 seconds")
    })
  },
  "servers restart in turn": {
    behind: 1_400,
    happens: Effect.fnUntraced(function*({ group, runs, until }: Told) {
      yield* until(1)
      yield* group.advance("9900 millis")
      yield* group.partition([[1, 2], [0]])
      yield* until(2)
      yield* group.heal
      assert.strictEqual(runs[1]!.by, 2)
      yield* group.stop(1)
      yield* group.start(1)
      yield* group.advance("300 millis")
      yield* group.stop(2)
      yield* group.advance("5 seconds")
    })
  }
}

/** The instants that ran, each with those who ran it. */
const play = (name: RunMutants.Story, transition: typeof Step.step) =>
  VirtualTime.run(Effect.scoped(Effect.gen(function*() {
    const { behind, happens } = stories[name]
    const runs: Array<{ readonly by: number; readonly at: number }> = []
    const group = yield* SimulatedGroup.make({
      servers: 3,
      seed: 3,
      transition,
      clocks: (index) => ({ wallAhead: noon - (index === 2 ? 0 : behind) }),
      settings: (index) => ({
        profile: "fast",
        leadership: "lease",
        groupSize: 3,
        name: `n${index}`,
        priority: index,
        unicastPort: 40_000 + index
      }),
      app: (server, by) =>
        server.leadership.cron(
          "job",
          everyTenSeconds,
          (at) => Effect.sync(() => runs.push({ by, at: DateTime.toEpochMillis(at) }))
        )
    })
    yield* group.settle()
    const until = (count: number) =>
      group.until(`${count} runs`, Effect.sync(() => runs.length >= count), { within: "1 minute" })
    yield* happens({ group, runs, until })
    return runs
  })))

const repeated = (runs: ReadonlyArray<{ readonly at: number }>) =>
  runs.filter(({ at }, index) => runs.findIndex((run) => run.at === at) < index)

describe("a fault in what is known of scheduled runs is seen", () => {
  for (const mutant of RunMutants.mutants) {
    it.effect(mutant.name, () =>
      Effect.gen(function*() {
        const { step } = yield* Effect.promise(() => Mutants.load(mutant))
        for (const story of mutant.stories) assert.isNotEmpty(repeated(yield* play(story, step)), story)
      }))
  }

  for (const story of Object.keys(stories) as ReadonlyArray<RunMutants.Story>) {
    it.effect(`without a fault each instant runs once: ${story}`, () =>
      Effect.gen(function*() {
        const { step } = yield* Effect.promise(() => Mutants.load({ name: "none" }))
        assert.deepStrictEqual(repeated(yield* play(story, step)), [])
      }))
  }

  it("docs/faults.md lists each", () => {
    const page = Page.read("docs/faults.md")
    for (const { name, stories } of RunMutants.mutants) assert.include(page, `- ${name}: ${stories.join("; ")}\n`)
  })
})
