/**
 * A stand-in for `TestClock` that is made for simulations: it does what `TestClock.adjust` promises (sleepers wake one
 * by one in the order of their times, and whatever one woke has gone to sleep again before the next), but in one loop
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
import * as Heap from "./internal/heap.ts"

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

/**
 * The clock of virtual time. What only has to be called at a time need not be a fiber that sleeps.
 *
 * @internal
 */
export interface VirtualClock extends TestClock.TestClock {
  /** Calls `wake` in so many milliseconds, more than none, as a sleeper's turn comes; what is returned takes it back. */
  readonly wakeIn: (millis: number, wake: () => void) => () => void
}

interface Sleeper {
  readonly at: number
  readonly order: number
  /** Undefined once it has woken or was interrupted. */
  wake: (() => void) | undefined
}

/**
 * So many sleepers wake, in however many calls, before the real event loop gets a turn: test runners need one to notice a
 * time-out, and a program to hear a signal.
 */
const wakesPerTurn = 8_192

const make = Effect.gen(function*() {
  const parent = (yield* Scheduler.Scheduler).makeDispatcher()
  const outer = yield* Clock.Clock
  const tasks: Array<{ readonly priority: number; readonly queue: Array<() => void>; next: number }> = []
  const sleepers = Heap.make<Sleeper>((self, that) => self.at !== that.at ? self.at < that.at : self.order < that.order)
  let now = 0
  let order = 0
  let interrupted = 0
  let wakes = 0
  let awaited = false
  let driving = false

  // --- Tasks ---

  const enqueue = (task: () => void, priority: number) => {
    let index = 0
    while (index < tasks.length && (tasks[index] as (typeof tasks)[number]).priority < priority) index++
    if (tasks[index]?.priority !== priority) tasks.splice(index, 0, { priority, queue: [], next: 0 })
    tasks[index]?.queue.push(task)
  }

  const dequeue = (): (() => void) | undefined => {
    for (const bucket of tasks) {
      const task = bucket.queue[bucket.next]
      if (task === undefined) continue
      bucket.next++
      if (bucket.next === bucket.queue.length) {
        bucket.queue.length = 0
        bucket.next = 0
      }
      return task
    }
    return undefined
  }

  // May be entered again by a task that adjusts the time: each takes from the same queue, so none is passed over.
  const drain = () => {
    for (let task = dequeue(); task !== undefined; task = dequeue()) task()
  }

  const dispatcher: Scheduler.SchedulerDispatcher = {
    scheduleTask: (task, priority) => {
      enqueue(task, priority)
      if (driving || awaited) return
      awaited = true
      parent.scheduleTask(() => {
        awaited = false
        drain()
      }, 0)
    },
    flush: drain
  }

  const inner = yield* Scheduler.Scheduler
  const scheduler: Scheduler.Scheduler = {
    executionMode: inner.executionMode,
    // Time stands still for whoever runs: to cut a fiber short would only make what happens depend on how long its code is.
    shouldYield: () => false,
    makeDispatcher: () => dispatcher
  }

  // --- Time ---

  const advanceUntil = (end: () => number) =>
    Effect.callback<void>((resume) => {
      let stopped = false
      const drive = (until: number) => {
        driving = true
        for (; wakes < wakesPerTurn; wakes++) {
          if (stopped) break
          drain()
          const next = sleepers.peek()
          if (next === undefined || next.at > until) {
            now = until
            driving = false
            resume(Effect.void)
            return
          }
          sleepers.pop()
          if (next.wake === undefined) {
            interrupted--
            continue
          }
          now = Math.max(now, next.at)
          const wake = next.wake
          next.wake = undefined
          wake()
        }
        driving = false
        if (stopped) return
        parent.scheduleTask(() => {
          wakes = 0
          drive(until)
        }, 0)
      }
      // What runs already gets as far as it can before the time moves, and before its end is reckoned.
      driving = true
      drain()
      drive(end())
      return Effect.sync(() => {
        stopped = true
      })
    })

  const wakeIn: VirtualClock["wakeIn"] = (millis, wake) => {
    const sleeper: Sleeper = { at: now + millis, order: order++, wake }
    sleepers.push(sleeper)
    return () => {
      if (sleeper.wake === undefined) return
      sleeper.wake = undefined
      interrupted++
      if (interrupted > 1_024 && interrupted > sleepers.size() / 2) {
        sleepers.retain(({ wake }) => wake !== undefined)
        interrupted = 0
      }
    }
  }

  const sleep = (duration: Duration.Duration): Effect.Effect<void> => {
    const millis = Duration.toMillis(duration)
    return millis <= 0
      ? Effect.yieldNow
      : Effect.callback((resume) => Effect.sync(wakeIn(millis, () => resume(Effect.void))))
  }

  const nanos = () => BigInt(Math.round(now * 1_000)) * 1_000n
  const clock: VirtualClock = {
    currentTimeMillisUnsafe: () => now,
    currentTimeMillis: Effect.sync(() => now),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: nanos,
    monotonicTimeNanos: Effect.sync(nanos),
    sleep,
    wakeIn,
    adjust: (duration) => advanceUntil(() => now + Duration.toMillis(duration)),
    setTime: (timestamp) => advanceUntil(() => timestamp),
    withLive: (effect) =>
      "withLive" in outer
        ? (outer as TestClock.TestClock).withLive(effect)
        : Effect.provideService(effect, Clock.Clock, outer)
  }
  return Context.make(Clock.Clock, clock as Clock.Clock).pipe(Context.add(Scheduler.Scheduler, scheduler))
})
