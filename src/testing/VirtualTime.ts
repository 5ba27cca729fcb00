/**
 * A stand-in for `TestClock` that is made for simulations: it does what `TestClock.adjust` promises (sleepers wake one
 * by one in the order of their times, and what one woke has gone to sleep again before the next), but in one loop
 * of its own rather than through the real event loop. Hours of a few servers pass in seconds, and how busy the machine is
 * cannot change what happens.
 *
 * `TestClock.adjust`, `setTime` and `withLive` work on it.
 *
 * **What it asks of you**: no real input or output between two sleeps. A promise goes on only between two calls of
 * `adjust`, and now and then within a long one; an effect that waits for one sees time pass in the meantime.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scheduler from "effect/Scheduler"
import type * as Scope from "effect/Scope"
import type * as TestClock from "effect/testing/TestClock"
import * as EventLoop from "./internal/eventLoop.ts"

/**
 * The clock and the scheduler of a world whose time moves only when told to. It starts at the Unix epoch, as `TestClock`
 * does.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<never> = Layer.effectContext(Effect.suspend(() => make))

/**
 * Runs an effect in virtual time and closes its scope there, as the last thing that happens.
 *
 * @category combinators
 * @since 0.1.0
 */
export const run = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, Exclude<R, Scope.Scope>> =>
  Effect.provide(Effect.scoped(effect), layer)

// internal

const make = Effect.gen(function*() {
  const outer = yield* Clock.Clock
  const scheduler = yield* Scheduler.Scheduler
  const loop = new EventLoop.EventLoop(scheduler.makeDispatcher())
  return Context.make(Clock.Clock, clockOf(loop, outer) as Clock.Clock).pipe(
    Context.add(Scheduler.Scheduler, {
      executionMode: scheduler.executionMode,
      // Time stops for the fiber that runs: to cut a fiber short would only make what happens depend on how long its code is.
      shouldYield: () => false,
      makeDispatcher: () => loop.dispatcher
    })
  )
})

const clockOf = (loop: EventLoop.EventLoop, outer: Clock.Clock): EventLoop.VirtualClock => {
  const { now, wakeIn } = loop
  const nanos = () => BigInt(Math.round(now() * 1_000)) * 1_000n
  return {
    currentTimeMillisUnsafe: now,
    currentTimeMillis: Effect.sync(now),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: nanos,
    monotonicTimeNanos: Effect.sync(nanos),
    sleep: (duration) => {
      const millis = Duration.toMillis(duration)
      return millis <= 0
        ? Effect.yieldNow
        : Effect.callback((resume) => Effect.sync(wakeIn(millis, () => resume(Effect.void))))
    },
    wakeIn,
    adjust: (duration) => loop.advanceUntil(() => now() + Duration.toMillis(duration)),
    setTime: (timestamp) => loop.advanceUntil(() => timestamp),
    withLive: (effect) =>
      "withLive" in outer
        ? (outer as TestClock.TestClock).withLive(effect)
        : Effect.provideService(effect, Clock.Clock, outer)
  }
}
