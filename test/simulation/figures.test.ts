import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { SimulatedGroup } from "../../src/testing/index.ts"

const seeds = [1, 2, 3, 4, 5]

/** Ms from a moment until all who run follow one reign, seed by seed, in order of length. */
const measured = (
  options: Omit<SimulatedGroup.Options, "seed">,
  happen: (group: SimulatedGroup.SimulatedGroup, leader: number) => Effect.Effect<unknown>,
  within: number
) =>
  Effect.map(
    Effect.forEach(seeds, (seed) =>
      Effect.scoped(Effect.gen(function*() {
        const group = yield* SimulatedGroup.make({ ...options, seed })
        const leader = yield* group.settle({ within: "30 seconds", step: "20 millis" })
        yield* group.advance("1 second")
        const before = yield* group.now
        yield* happen(group, leader)
        yield* group.until(
          "another leads",
          Effect.map(group.agreed(), (agreed) => agreed !== null && agreed.leader !== null && agreed.leader !== leader),
          { within, step: "20 millis" }
        )
        return (yield* group.now) - before
      }))),
    (times) => times.toSorted((a, b) => a - b)
  )

const coldStart = (options: Omit<SimulatedGroup.Options, "seed">) =>
  Effect.map(
    Effect.forEach(seeds, (seed) =>
      Effect.scoped(Effect.gen(function*() {
        const group = yield* SimulatedGroup.make({ ...options, seed })
        yield* group.settle({ within: "30 seconds", step: "20 millis" })
        return yield* group.now
      }))),
    (times) => times.toSorted((a, b) => a - b)
  )

const settings = (index: number) => ({ priority: index })

/** The model's worst figures of protocol 5, in ms, without loss and with 10 %. */
describe("the figures of the model, on the real code, at most twice its worst (protocol 5)", () => {
  for (const servers of [5, 20]) {
    for (
      const [loss, worst] of [[0, { start: 520, leave: 20, death: 38_000 }], [0.1, {
        start: 720,
        leave: 220,
        death: 38_000
      }]] as const
    ) {
      const options = { servers, loss, settings }
      const label = `${servers} servers, loss ${loss * 100} %`

      it.effect(`cold start: ${label}`, () =>
        Effect.gen(function*() {
          const times = yield* coldStart(options)
          assert.isAtMost(times.at(-1)!, 2 * worst.start, String(times))
        }), 60_000)

      it.effect(`the leader leaves: ${label}`, () =>
        Effect.gen(function*() {
          const times = yield* measured(options, (group, leader) => group.stop(leader), 10_000)
          // The goodbye itself takes 21 ms, and the look at the views 20.
          assert.isAtMost(times.at(-1)!, 2 * worst.leave + 41, String(times))
        }), 60_000)

      it.effect(`the leader dies silently: ${label}`, () =>
        Effect.gen(function*() {
          const times = yield* measured(options, (group, leader) => group.crash(leader), 120_000)
          assert.isAtMost(times.at(-1)!, 2 * worst.death, String(times))
        }), 60_000)
    }
  }
})
