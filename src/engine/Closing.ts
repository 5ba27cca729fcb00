/** How long the close of a server or a client waits for its last messages, and for leading work. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

/** The time for leaving, once leading work has ended or has had its time. */
export const goodbyeWithin = Duration.seconds(1)

/**
 * The clock that shows whether the app's own has stopped. A simulation puts its own in place: there time also stops between
 * two steps.
 */
export const RealClock = Context.Reference<Clock.Clock>("bellwether/engine/Closing/RealClock", {
  defaultValue: () => Context.get(Context.empty(), Clock.Clock)
})

/**
 * How long real time is measured between two looks at the app's clock, and after how many without a change it counts as
 * stopped.
 */
const lookEvery = Duration.millis(10)
const looks = 10

/** Completes once the clock has stopped: it is a `TestClock`, and the test that would move it waits for the close. */
const standsStill = Effect.fnUntraced(function*(clock: Clock.Clock, real: Clock.Clock) {
  let last = clock.monotonicTimeNanosUnsafe()
  let unchanged = 0
  while (unchanged < looks) {
    yield* real.sleep(lookEvery)
    const now = clock.monotonicTimeNanosUnsafe()
    unchanged = now === last ? unchanged + 1 : 0
    last = now
  }
})

/**
 * Waits for an end, that long at most by the clock in the context, which is the app's. If that clock has stopped, it does
 * not wait for what needs its time.
 */
export const waitFor = Effect.fnUntraced(function*(end: Effect.Effect<unknown>, atMost: Duration.Duration) {
  const clock = yield* Clock.Clock
  const real = yield* RealClock
  const bounded = Effect.asVoid(Effect.timeoutOption(Effect.interruptible(end), atMost))
  yield* clock === real ? bounded : Effect.raceFirst(bounded, Effect.interruptible(standsStill(clock, real)))
})
