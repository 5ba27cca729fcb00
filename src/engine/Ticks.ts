/** The ticks of a server's loops: each is repeated, a while after the last one, for as long as the server lives. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"

/**
 * Does it after each interval, the first time after one, by `Schedule.spaced`. `Effect.schedule` does the same, but puts what
 * the schedule knows into the context of every tick, which makes a quarter of its cost (1.8 instead of 1.4 µs).
 */
export const spaced = (interval: Duration.Input) => (tick: Effect.Effect<void>): Effect.Effect<never> =>
  Effect.flatMap(
    Schedule.toStepWithMetadata(Schedule.spaced(interval)),
    // It gives way to others by sleeping.
    (pause) => Effect.forever(Effect.andThen(Effect.orDie(pause(undefined)), tick), { disableYield: true })
  )

/** The same, and once at once. */
export const repeated = (interval: Duration.Input) => (tick: Effect.Effect<void>): Effect.Effect<never> =>
  Effect.andThen(tick, spaced(interval)(tick))
