/**
 * A singleton: leading work that is started again when it fails, by a schedule.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Pull from "effect/Pull"
import * as Schedule from "effect/Schedule"
import type { SettingRefused } from "../settings/SettingRefused.ts"
import * as Spelling from "../settings/Spelling.ts"
import { waitOf } from "../settings/Wait.ts"
import { NotLeading, Reign } from "./OwnReign.ts"

/**
 * How a singleton is started again within a reign.
 *
 * `schedule` is given the cause of each failure, defects included, and says whether and after how long to start again:
 * without one, always, after 250 ms, then twice as long each time, 30 s at most. It begins anew with each reign, and after
 * a run that lasted for `healthyAfter` (1 minute unless set), so that failures far apart do not add up.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<E, R = never> {
  readonly schedule?: Schedule.Schedule<unknown, Cause.Cause<E>, never, R> | undefined
  readonly healthyAfter?: Duration.Input | undefined
}

/**
 * One failure of leading work: `again` is after how many ms it is started again, null where it is not.
 *
 * @internal
 */
export interface Failure {
  readonly term: number
  readonly cause: Cause.Cause<unknown>
  readonly again: number | null
}

const names: ReadonlyArray<keyof Options<unknown>> = ["schedule", "healthyAfter"]

/**
 * Refuses options of which one has a name that is not known, or a time that is none.
 *
 * @internal
 */
export const check = (options: Options<never, unknown>): Effect.Effect<void, SettingRefused> =>
  Effect.andThen(
    Spelling.refuseUnknown(options, names),
    waitOf("healthyAfter", options.healthyAfter, Duration.infinity)
  )

const byDefault = Schedule.min([Schedule.exponential("250 millis"), Schedule.spaced("30 seconds")])

/**
 * What an effect is run under: whether that lasts by the clock, the defect of one that fails when it does not, and who hears of
 * each failure.
 *
 * @internal
 */
export interface Under {
  readonly isCurrent: Effect.Effect<boolean>
  readonly over: () => unknown
  readonly tell: (failure: Omit<Failure, "term">) => Effect.Effect<void>
}

/**
 * Runs an effect again and again by the schedule while it fails. Fails with the last cause when the schedule is exhausted.
 *
 * @internal
 */
export const restartedUnder = <A, E, R, R2 = never>(
  effect: Effect.Effect<A, E, R>,
  { healthyAfter = "1 minute", schedule }: Options<E, R2>,
  { isCurrent, over, tell }: Under
): Effect.Effect<A, E, R | R2> =>
  Effect.gen(function*() {
    const clock = yield* Clock.Clock
    const healthy = Duration.toMillis(Duration.fromInputUnsafe(healthyAfter))
    const fresh = Schedule.toStep<unknown, Cause.Cause<E>, never, R2>(schedule ?? byDefault)
    const monotonic = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    let step = yield* fresh
    while (true) {
      const begun = monotonic()
      const exit = yield* Effect.exit(effect)
      if (Exit.isSuccess(exit)) return exit.value
      if (Cause.hasInterruptsOnly(exit.cause)) return yield* Effect.failCause(exit.cause)
      // What it runs under is over by the clock: that is no failure of its own, and what follows is the next one's.
      if (!(yield* isCurrent)) return yield* Effect.die(over())
      if (monotonic() - begun >= healthy) step = yield* fresh
      const after = yield* step(clock.currentTimeMillisUnsafe(), exit.cause).pipe(
        Effect.map(([, delay]) => Duration.toMillis(delay)),
        Pull.catchDone(() => Effect.succeed(null))
      )
      yield* tell({ cause: exit.cause, again: after === null ? null : Math.round(after) })
      if (after === null) return yield* Effect.failCause(exit.cause)
      yield* Effect.sleep(after)
    }
  })

/**
 * The same under the reign in its context.
 *
 * @internal
 */
export const restarted = <A, E, R, R2 = never>(
  effect: Effect.Effect<A, E, R>,
  options: Options<E, R2>,
  tell: (failure: Failure) => Effect.Effect<void>
): Effect.Effect<A, E, R | R2 | Reign> =>
  Effect.flatMap(Reign, ({ isCurrent, term }) =>
    restartedUnder(effect, options, {
      isCurrent,
      over: () => new NotLeading({ term }),
      tell: (failure) => tell({ term, ...failure })
    }))
