/**
 * What is due when, in one world: the arrivals of all datagrams and the sleepers of all simulated clocks wait in one
 * list over the ambient `Clock`, so that the order of what happens at one instant is decided here and nowhere else, and
 * so that a datagram costs an entry in a heap and no fiber.
 *
 * The order at one instant: arrivals first, then the readers that they woke, then sleepers; each in the order in which
 * they were entered.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { VirtualClock } from "../VirtualTime.ts"
import * as Heap from "./heap.ts"

/** Something that is due at a time, until it has happened or is taken back. */
export interface Entry {
  /** Milliseconds since the agenda was made. */
  readonly due: number
  readonly kind: "arrival" | "sleeper"
  readonly order: number
  /** Undefined once it has run or was cancelled. */
  run: (() => void) | undefined
}

/** */
export interface Agenda {
  /** Milliseconds of ambient time since the agenda was made, exact to a microsecond. */
  readonly now: () => number
  /** Runs `run` at `due`, or as soon as possible where that has passed; never within this call. */
  readonly at: (due: number, kind: Entry["kind"], run: () => void) => Entry
  readonly cancel: (entry: Entry) => void
  /**
   * Runs `run` at this instant, after the arrivals that are due and before the sleepers. Only to be called from what the
   * agenda itself runs.
   */
  readonly afterArrivals: (run: () => void) => void
}

/** An agenda over the ambient clock. Closing the scope forgets all that is due. */
export const make: Effect.Effect<Agenda, never, Scope.Scope> = Effect.gen(function*() {
  const clock = yield* Clock.clockWith(Effect.succeed)
  const fork = Effect.runForkWith(yield* Effect.context())
  const heap = Heap.make<Entry>((self, that) =>
    self.due !== that.due
      ? self.due < that.due
      : self.kind !== that.kind
      ? self.kind === "arrival"
      : self.order < that.order
  )
  const woken: Array<() => void> = []
  // The latest set is the earliest due. An earlier entry gets an alarm of its own, and the one there is left to ring: most
  // entries are cancelled or overtaken, alarms rarely.
  const alarms: Array<{ readonly due: number; cancel: () => void }> = []
  let entered = 0
  let cancelled = 0
  let running = false
  let closed = false

  const { elapsed, waitUntil } = timing(clock)
  const now = () => Math.round(elapsed() * 1_000) / 1_000

  const peek = (): Entry | undefined => {
    for (;;) {
      const first = heap.peek()
      if (first === undefined || first.run !== undefined) return first
      heap.pop()
      cancelled--
    }
  }

  const arm = () => {
    const next = peek()
    const earliest = alarms.at(-1)
    if (next === undefined || closed || earliest !== undefined && earliest.due <= next.due) return
    const wait = waitUntil(next.due)
    const alarm: (typeof alarms)[number] = { due: next.due, cancel: () => {} }
    alarms.push(alarm)
    alarm.cancel = ringIn(wait, () => ring(alarm))
  }

  /** Rings at the ambient clock: in virtual time without a fiber, which is what a simulation would spend most on. */
  const ringIn = (wait: number, ring: () => void): () => void => {
    if (wait > 0 && "wakeIn" in clock) return (clock as VirtualClock).wakeIn(wait, ring)
    // What is due at once waits a turn all the same: nothing runs within the call that entered it.
    const pause = wait > 0 ? clock.sleep(Duration.millis(wait)) : Effect.yieldNow
    const fiber = fork(Effect.andThen(pause, Effect.sync(ring)))
    return () => fiber.interruptUnsafe()
  }

  const ring = (alarm: (typeof alarms)[number]) => {
    const index = alarms.indexOf(alarm)
    if (index !== -1) alarms.splice(index, 1)
    run()
    arm()
  }

  const run = () => {
    running = true
    try {
      for (;;) {
        const next = peek()
        // A real clock may wake us, and doubles may round, a little early.
        const isDue = next !== undefined && next.due <= now() + 0.0005
        if (woken.length > 0 && !(isDue && next.kind === "arrival")) {
          for (const wake of woken.splice(0)) wake()
          continue
        }
        if (!isDue) break
        heap.pop()
        const happen = next.run as () => void
        next.run = undefined
        happen()
      }
    } finally {
      running = false
    }
  }

  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      closed = true
      heap.clear()
      for (const { cancel } of alarms.splice(0)) cancel()
    })
  )

  return {
    now,
    at: (due, kind, run) => {
      // On a grid of microseconds, or what is off it would make what comes after it late by a little.
      const entry: Entry = { due: Math.ceil(due * 1_000 - 0.001) / 1_000, kind, order: entered++, run }
      if (closed) return entry
      heap.push(entry)
      if (!running) arm()
      return entry
    },
    cancel: (entry) => {
      if (entry.run === undefined) return
      entry.run = undefined
      cancelled++
      if (cancelled > 64 && cancelled > heap.size() / 2) {
        heap.retain(({ run }) => run !== undefined)
        cancelled = 0
      }
    },
    afterArrivals: (run) => {
      woken.push(run)
    }
  }
})

/** Reads a clock as milliseconds since now, and says how long to sleep on it for a time to come. */
const timing = (clock: Clock.Clock): {
  readonly elapsed: () => number
  readonly waitUntil: (due: number) => number
} => {
  if (!("adjust" in clock)) {
    const origin = clock.monotonicTimeNanosUnsafe()
    const elapsed = () => Number(clock.monotonicTimeNanosUnsafe() - origin) / 1e6
    return { elapsed, waitUntil: (due) => due - elapsed() }
  }
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
