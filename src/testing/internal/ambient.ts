/** The ambient clock of a world: what time it shows since the world was made, and alarms that ring at a time. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { VirtualClock } from "./eventLoop.ts"

export interface Ambient {
  /** Milliseconds since it was made. */
  readonly elapsed: () => number
  /** Rings when so much has passed, and never within this call. What is returned takes it back. */
  readonly ringAt: (due: number, ring: () => void) => () => void
}

export const make: Effect.Effect<Ambient> = Effect.gen(function*() {
  const clock = yield* Clock.clockWith(Effect.succeed)
  const fork = Effect.runForkWith(yield* Effect.context())
  const { elapsed, waitUntil } = "adjust" in clock ? timingOfTest(clock) : timing(clock)
  return {
    elapsed,
    ringAt: (due, ring) => {
      const wait = waitUntil(due)
      // In virtual time without a fiber, which is what a simulation would spend most on.
      if (wait > 0 && "wakeIn" in clock) return (clock as VirtualClock).wakeIn(wait, ring)
      // What is due at once waits a turn all the same: nothing runs within the call that entered it.
      const pause = wait > 0 ? clock.sleep(Duration.millis(wait)) : Effect.yieldNow
      const fiber = fork(Effect.andThen(pause, Effect.sync(ring)))
      return () => fiber.interruptUnsafe()
    }
  }
})

// internal

interface Timing {
  readonly elapsed: () => number
  /** How long to sleep for a time to come. */
  readonly waitUntil: (due: number) => number
}

const timing = (clock: Clock.Clock): Timing => {
  const origin = clock.monotonicTimeNanosUnsafe()
  const elapsed = () => Number(clock.monotonicTimeNanosUnsafe() - origin) / 1e6
  return { elapsed, waitUntil: (due) => due - elapsed() }
}

const timingOfTest = (clock: Clock.Clock): Timing => {
  const origin = clock.currentTimeMillisUnsafe()
  return {
    elapsed: () => clock.currentTimeMillisUnsafe() - origin,
    waitUntil: (due) => {
      // A test's clock adds doubles, and durations are whole nanoseconds: what is due at the very end of an adjustment
      // must not come a little after it.
      const here = clock.currentTimeMillisUnsafe()
      const there = Math.round((origin + due) * 1_000) / 1_000
      let wait = Math.round((there - here) * 1e6) / 1e6
      while (wait > 0 && here + wait > there) wait = Math.round(wait * 1e6 - 1) / 1e6
      return wait
    }
  }
}
