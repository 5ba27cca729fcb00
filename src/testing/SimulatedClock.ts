/**
 * The clock of one machine, over the ambient `Clock` (a test's `TestClock`, as a rule). It runs with it, but may run
 * fast or slow, have its wall clock set, be paused as a process is by SIGSTOP, or be suspended as a laptop is by its lid.
 *
 * Each fiber that sleeps, and each that asks the time, does so on the clock in its context: provide one of these to a
 * server and every fiber that the server forks lives in that machine's time. What the test itself does stays on the
 * ambient clock, which is true time.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Agenda from "./internal/agenda.ts"

/**
 * How a clock differs from the ambient one.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** How fast it runs: 1 unless set, 1.01 gains one second in a hundred. Above 0. */
  readonly rate?: number | undefined
  /** How far the wall clock is ahead of the ambient one at the start; 0 unless set, negative for behind. */
  readonly wallAhead?: Duration.Input | undefined
}

/**
 * An Effect `Clock`, and the verbs that disturb it. Times are floored to whole milliseconds as a real wall clock's are.
 *
 * @category models
 * @since 0.1.0
 */
export interface SimulatedClock extends Clock.Clock {
  /**
   * No sleeper wakes any more. Both clocks run on, so that the lag shows on resume: what a process sees of SIGSTOP.
   * To pause a machine with its sockets, pause its host.
   */
  readonly pause: Effect.Effect<void>
  /** Sleepers whose time has passed wake at once, in the order of their times; the others when they are due. */
  readonly resume: Effect.Effect<void>
  /**
   * No sleeper wakes any more, and the monotonic clock stands still; the wall clock runs on. What a process sees when
   * its machine is suspended.
   */
  readonly suspend: Effect.Effect<void>
  /** The monotonic clock goes on where it stood, and sleepers wait out what was left. */
  readonly wake: Effect.Effect<void>
  /** Moves the wall clock, back where negative. Neither sleepers nor the monotonic clock notice. */
  readonly jumpWallClock: (by: Duration.Input) => Effect.Effect<void>
  /**
   * The machine is set back to a snapshot: its monotonic clock, and that since it started, show so much less again, and sleepers
   * wait as if nothing were. Its wall clock is right all the same.
   */
  readonly setBack: (by: Duration.Input) => Effect.Effect<void>
  /** From now on runs so fast. Sleeps that have begun are stretched or shortened by it. */
  readonly setRate: (rate: number) => Effect.Effect<void>
  /** What its monotonic clock shows, in ms: without the big integers of `monotonicTimeNanosUnsafe`, for who looks often. */
  readonly monotonicMillis: () => number
  /** Ms since the machine started: by its own rate, on while it is suspended, and never set. */
  readonly sinceBoot: () => number
  readonly state: Effect.Effect<"running" | "paused" | "suspended">
  /** How many fibers sleep on it. */
  readonly sleepers: Effect.Effect<number>
  /** A process of this machine, to be killed by itself. */
  readonly process: Effect.Effect<Process>
}

/**
 * The clock of one process of a machine: the machine's time, but its own end.
 *
 * @category models
 * @since 0.1.0
 */
export interface Process {
  /** To be provided to what runs in the process. */
  readonly clock: Clock.Clock
  /** SIGKILL: none of its sleepers ever wakes. Nothing is interrupted, so no finalizer runs either. */
  readonly kill: Effect.Effect<void>
  /**
   * All its sleepers wake, and nobody of it sleeps any more. So that what is over can close its scope where no time
   * passes: what it waits for times out at once.
   */
  readonly hurry: Effect.Effect<void>
}

/**
 * A clock of its own over the ambient clock. Closing the scope stops it: its sleepers never wake.
 *
 * The machines of a simulated network have theirs already: see `Host.clock`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options = {}): Effect.Effect<SimulatedClock, never, Scope.Scope> =>
  Effect.gen(function*() {
    return makeUnsafe(yield* Agenda.make, yield* Clock.currentTimeMillis, options)
  })

/**
 * Runs an effect, and whatever it forks, in that machine's time.
 *
 * @category combinators
 * @since 0.1.0
 */
export const provide: {
  (clock: SimulatedClock): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
} = (clock) => Effect.provideService(Clock.Clock, clock)

/**
 * Has all that is built from this layer live in that machine's time.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (clock: SimulatedClock): Layer.Layer<never> => Layer.succeed(Clock.Clock, clock)

// internal

interface Owner {
  state: "alive" | "killed" | "hurried"
  /** Sleepers of a killed process. */
  readonly held: Array<Sleeper>
}

interface Sleeper {
  /** On the monotonic clock of this machine. */
  until: number
  readonly owner: Owner
  readonly resume: () => void
}

/**
 * A clock that shares the agenda of its world. `wall` is the Unix time at the start of the agenda.
 *
 * @internal
 */
export const makeUnsafe = (agenda: Agenda.Agenda, wall: number, options: Options): SimulatedClock => {
  const sleepers: Array<Sleeper> = []
  let rate = options.rate ?? 1
  let ahead = Duration.toMillis(options.wallAhead ?? 0)
  // Local time is linear in true time between two changes of the rate.
  let since = agenda.now()
  let monotonicThen = since
  let wallThen = wall
  /** What it has been set back by. */
  let forgotten = 0
  let paused = false
  let suspended = false
  let alarm: Agenda.Entry | undefined
  /** Sleepers are being woken: the alarm is set when they have been. */
  let waking = false

  const monotonic = () => suspended ? monotonicThen : monotonicThen + (agenda.now() - since) * rate
  const wallNow = () => wallThen + (agenda.now() - since) * rate + ahead

  const rebase = () => {
    const now = agenda.now()
    monotonicThen = monotonic()
    wallThen += (now - since) * rate
    since = now
  }

  const wakeExpired = () => {
    alarm = undefined
    waking = true
    // A sleeper that wakes may pause us, or go to sleep again.
    for (;;) {
      const first = sleepers.at(-1)
      if (paused || suspended || first === undefined || first.until > monotonic() + 0.0005) break
      sleepers.pop()
      first.resume()
    }
    waking = false
    arm()
  }

  const arm = () => {
    if (waking) return
    const first = sleepers.at(-1)
    const due = first === undefined || paused || suspended
      ? undefined
      : agenda.now() + Math.max(0, (first.until - monotonic()) / rate)
    if (alarm !== undefined) {
      if (alarm.run !== undefined && due !== undefined && Math.abs(alarm.due - due) < 0.0005) return
      agenda.cancel(alarm)
      alarm = undefined
    }
    if (due !== undefined) alarm = agenda.at(due, "sleeper", wakeExpired)
  }

  const forget = (sleeper: Sleeper) => {
    const held = sleeper.owner.held.indexOf(sleeper)
    if (held !== -1) sleeper.owner.held.splice(held, 1)
    const index = sleepers.indexOf(sleeper)
    if (index === -1) return
    sleepers.splice(index, 1)
    if (index === sleepers.length) arm()
  }

  const sleepUntil = (until: number, owner: Owner) =>
    Effect.callback<void>((resume) => {
      const sleeper: Sleeper = { until, owner, resume: () => resume(Effect.void) }
      if (owner.state === "killed") {
        owner.held.push(sleeper)
      } else {
        // Sorted from the last to the first, equals in the order in which they went to sleep.
        let low = 0
        let high = sleepers.length
        while (low < high) {
          const middle = (low + high) >>> 1
          if ((sleepers[middle] as Sleeper).until > until) low = middle + 1
          else high = middle
        }
        sleepers.splice(low, 0, sleeper)
        if (low === sleepers.length - 1) arm()
      }
      return Effect.sync(() => forget(sleeper))
    })

  const change = (apply: () => void) =>
    Effect.sync(() => {
      rebase()
      apply()
      arm()
    })

  const clockOf = (owner: Owner): Clock.Clock => {
    const millis = () => Math.floor(wallNow() + 0.0005)
    const wallNanos = () => BigInt(Math.round(wallNow() * 1_000)) * 1_000n
    // Asked several times at each instant.
    let asked = { micros: 0, nanos: 0n }
    const nanos = () => {
      const micros = Math.round(monotonic() * 1_000)
      if (micros !== asked.micros) asked = { micros, nanos: BigInt(micros) * 1_000n }
      return asked.nanos
    }
    return {
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanosUnsafe: wallNanos,
      currentTimeNanos: Effect.sync(wallNanos),
      monotonicTimeNanosUnsafe: nanos,
      monotonicTimeNanos: Effect.sync(nanos),
      sleep: (duration) =>
        Effect.suspend(() => {
          const millis = Duration.toMillis(duration)
          if (owner.state === "hurried") return Effect.yieldNow
          if (millis === Infinity) return Effect.never
          // Who is stopped does not even get to yield.
          const runs = owner.state === "alive" && !paused && !suspended
          return millis <= 0 && runs ? Effect.yieldNow : sleepUntil(monotonic() + Math.max(0, millis), owner)
        })
    }
  }

  /** Takes all sleepers of one process from the clock, in the order of their times. */
  const takeSleepers = (owner: Owner) => {
    const taken = sleepers.filter((sleeper) => sleeper.owner === owner).toReversed()
    const others = sleepers.filter((sleeper) => sleeper.owner !== owner)
    sleepers.length = 0
    for (const sleeper of others) sleepers.push(sleeper)
    arm()
    return taken
  }

  return Object.assign(clockOf({ state: "alive", held: [] }), {
    pause: change(() => {
      paused = true
    }),
    resume: change(() => {
      paused = false
    }),
    suspend: change(() => {
      suspended = true
    }),
    wake: change(() => {
      suspended = false
    }),
    jumpWallClock: (by: Duration.Input) =>
      Effect.sync(() => {
        ahead += Duration.toMillis(by)
      }),
    setBack: (by: Duration.Input) =>
      change(() => {
        monotonicThen -= Duration.toMillis(by)
        forgotten += Duration.toMillis(by)
        for (const sleeper of sleepers) sleeper.until -= Duration.toMillis(by)
      }),
    setRate: (next: number) =>
      change(() => {
        rate = next
      }),
    monotonicMillis: () => Math.round(monotonic() * 1_000) / 1_000,
    sinceBoot: () => wallNow() - ahead - wall - forgotten,
    state: Effect.sync((): "running" | "paused" | "suspended" =>
      suspended ? "suspended" : paused ? "paused" : "running"
    ),
    sleepers: Effect.sync(() => sleepers.length),
    process: Effect.sync((): Process => {
      const owner: Owner = { state: "alive", held: [] }
      return {
        clock: clockOf(owner),
        kill: Effect.sync(() => {
          owner.state = "killed"
          owner.held.push(...takeSleepers(owner))
        }),
        hurry: Effect.sync(() => {
          owner.state = "hurried"
          for (const sleeper of [...owner.held.splice(0), ...takeSleepers(owner)]) sleeper.resume()
        })
      }
    })
  })
}
