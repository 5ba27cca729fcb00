/**
 * Scheduled runs under faults drawn from a seed, with a lease: kills, restarts, goodbyes, pauses, splits, losses, and wall
 * clocks that differ by almost a `leaseDuration`. No instant runs twice, and no two runs are under way at once (docs/protocol.md,
 * Scheduled runs).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Cron from "effect/Cron"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { SimulatedGroup, VirtualTime } from "../../src/testing/index.ts"

const everyTwoSeconds = Cron.parseUnsafe("*/2 * * * * *", "UTC")
const noon = Date.UTC(2026, 5, 1, 12)
const leaseDuration = 1_500

/** One run that began, by the start of a server that has the number `start`. */
interface Run {
  readonly by: number
  readonly start: number
  readonly at: number
}

const live = (seed: number) =>
  VirtualTime.run(Effect.scoped(Effect.gen(function*() {
    const runs: Array<Run> = []
    const underWay = new Set<Run>()
    const starts = [0, 0, 0]
    const ahead = yield* Effect.forEach([0, 1, 2], () => Random.nextIntBetween(0, leaseDuration - 100))
    const group = yield* SimulatedGroup.make({
      servers: 3,
      seed,
      clocks: (index) => ({ wallAhead: noon + ahead[index]! }),
      settings: (index) => ({
        profile: "fast",
        leadership: "lease",
        groupSize: 3,
        name: `n${index}`,
        priority: index,
        // The others get a new id with every start.
        ...index === 0 ? { unicastPort: 40_000 } : {}
      }),
      app: (server, by) => {
        const start = ++starts[by]!
        return server.leadership.cron("job", everyTwoSeconds, (at) =>
          Effect.acquireUseRelease(
            Effect.sync((): Run => {
              const run = { by, start, at: DateTime.toEpochMillis(at) }
              runs.push(run)
              assert.strictEqual(underWay.size, 0, `two runs at once: ${JSON.stringify([...underWay, run])}`)
              underWay.add(run)
              return run
            }),
            () => Effect.sleep("200 millis"),
            (run) => Effect.sync(() => underWay.delete(run))
          ))
      }
    })
    /** What is killed or paused runs no more, and does not say so. */
    const ended = (index: number) => {
      for (const run of underWay) if (run.by === index) underWay.delete(run)
    }
    const verbs: ReadonlyArray<(index: number) => Effect.Effect<void, unknown>> = [
      (index) => Effect.andThen(group.kill(index), Effect.sync(() => ended(index))),
      group.stop,
      (index) => Effect.andThen(Effect.sync(() => ended(index)), group.restart(index)),
      (index) => Effect.andThen(group.stop(index), group.start(index)),
      (index) => Effect.andThen(group.pause(index), Effect.sync(() => ended(index))),
      (index) => group.partition([[index], [0, 1, 2].filter((other) => other !== index)]),
      () => group.setLoss(0.2),
      () => Effect.andThen(group.heal, group.setLoss(0))
    ]
    yield* group.settle()
    for (let fault = 0; fault < 40; fault++) {
      const index = yield* Random.nextIntBetween(0, 2)
      const state = yield* group.state(index)
      if (state === "running") yield* verbs[yield* Random.nextIntBetween(0, verbs.length - 1)]!(index)
      else yield* state === "paused" ? group.resume(index) : group.start(index)
      yield* group.advance(yield* Random.nextIntBetween(0, 2_500))
    }
    yield* Effect.andThen(group.heal, group.setLoss(0))
    for (const index of [0, 1, 2]) {
      const state = yield* group.state(index)
      if (state !== "running") yield* state === "paused" ? group.resume(index) : group.start(index)
    }
    const before = runs.length
    yield* group.settle({ within: "1 minute" })
    yield* group.advance("10 seconds")
    const instants = runs.map(({ at }) => at)
    return { runs, again: instants.filter((at, index) => instants.indexOf(at) < index), after: runs.length - before }
  }))).pipe(Random.withSeed(`runs ${seed}`))

describe("scheduled runs under faults (protocol, Scheduled runs)", () => {
  it.effect.each(Array.from({ length: 12 }, (_, seed) => seed))(
    "run each instant at most once, and go on when all is well again: seed %i",
    (seed) =>
      Effect.gen(function*() {
        const { after, again, runs } = yield* live(seed)
        assert.deepStrictEqual(again, [], JSON.stringify(runs))
        assert.isAtLeast(after, 3)
      })
  )
})
