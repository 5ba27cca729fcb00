/**
 * An event loop of virtual time: the tasks of all fibers, and what is to be called at a time. Time moves only when told to,
 * from one call to the next, and not before all tasks have run.
 */
import * as Effect from "effect/Effect"
import type * as Scheduler from "effect/Scheduler"
import type * as TestClock from "effect/testing/TestClock"
import * as DueList from "./dueList.ts"
import * as Tasks from "./tasks.ts"

/** The clock of virtual time. What only has to be called at a time need not be a fiber that sleeps. */
export interface VirtualClock extends TestClock.TestClock {
  /** Calls `wake` in so many milliseconds, more than none, as a sleeper's turn comes; what is returned takes it back. */
  readonly wakeIn: (millis: number, wake: () => void) => () => void
}

/**
 * So many sleepers wake, in however many calls, before the real event loop gets a turn: test runners need one to notice a
 * time-out, and a program to hear a signal.
 */
const wakesPerTurn = 8_192

export class EventLoop {
  /** Where the real event loop is asked for a turn. */
  readonly #real: Scheduler.SchedulerDispatcher
  readonly #tasks = Tasks.make()
  readonly #sleepers = DueList.make()
  #now = 0
  #wakes = 0
  #isTurnAwaited = false
  #isDriving = false

  constructor(real: Scheduler.SchedulerDispatcher) {
    this.#real = real
  }

  readonly dispatcher: Scheduler.SchedulerDispatcher = {
    scheduleTask: (task, priority) => {
      this.#tasks.add(task, priority)
      if (this.#isDriving || this.#isTurnAwaited) return
      this.#isTurnAwaited = true
      this.#real.scheduleTask(() => {
        this.#isTurnAwaited = false
        this.#tasks.runAll()
      }, 0)
    },
    flush: () => this.#tasks.runAll()
  }

  readonly now = (): number => this.#now

  readonly wakeIn: VirtualClock["wakeIn"] = (millis, wake) => {
    const sleeper = this.#sleepers.add(this.#now + millis, 0, wake)
    return () => this.#sleepers.cancel(sleeper)
  }

  /** Lets time pass until then, which is reckoned once what runs already has got as far as it can. */
  advanceUntil(end: () => number): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      const drive = { isStopped: false, done: () => resume(Effect.void) }
      this.#isDriving = true
      this.#tasks.runAll()
      this.#drive(end(), drive)
      return Effect.sync(() => {
        drive.isStopped = true
      })
    })
  }

  #drive(until: number, drive: { readonly isStopped: boolean; readonly done: () => void }): void {
    this.#isDriving = true
    for (; this.#wakes < wakesPerTurn && !drive.isStopped; this.#wakes++) {
      this.#tasks.runAll()
      const next = this.#sleepers.first()
      if (next === undefined || next.due > until) {
        this.#now = until
        this.#isDriving = false
        return drive.done()
      }
      this.#now = Math.max(this.#now, next.due)
      this.#sleepers.take()?.()
    }
    this.#isDriving = false
    if (drive.isStopped) return
    this.#real.scheduleTask(() => {
      this.#wakes = 0
      this.#drive(until, drive)
    }, 0)
  }
}
