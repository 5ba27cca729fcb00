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
import * as MachineTime from "./internal/machineTime.ts"
import type * as Sleepers from "./internal/sleepers.ts"

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
   * No sleeper wakes any more, and the monotonic clock stops; the wall clock runs on. What a process sees when
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
 * Runs an effect, and what it forks, in that machine's time.
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

/**
 * A clock that shares the agenda of its world. `wall` is the Unix time at the start of the agenda.
 *
 * @internal
 */
export const makeUnsafe = (agenda: Agenda.Agenda, wall: number, options: Options): SimulatedClock => {
  const { rate = 1, wallAhead = 0 } = options
  const time = new MachineTime.MachineTime(agenda, { wall, rate, ahead: Duration.toMillis(wallAhead) })
  const change = (change: Parameters<typeof time.change>[0]) => Effect.sync(() => time.change(change))
  return Object.assign(clockOf(time, { state: "alive", held: [] }), {
    pause: Effect.sync(() => time.pause(true)),
    resume: Effect.sync(() => time.pause(false)),
    suspend: change(() => ({ isSuspended: true })),
    wake: change(() => ({ isSuspended: false })),
    jumpWallClock: (by: Duration.Input) => Effect.sync(() => time.setWall(Duration.toMillis(by))),
    setBack: (by: Duration.Input) => Effect.sync(() => time.setBack(Duration.toMillis(by))),
    setRate: (rate: number) => change(() => ({ rate })),
    monotonicMillis: () => Math.round(time.monotonic() * 1_000) / 1_000,
    sinceBoot: time.sinceStart,
    state: Effect.sync(() => time.state),
    sleepers: Effect.sync(() => time.sleepers),
    process: Effect.sync(() => processOf(time))
  })
}

const processOf = (time: MachineTime.MachineTime): Process => {
  const owner: Sleepers.Owner = { state: "alive", held: [] }
  return {
    clock: clockOf(time, owner),
    kill: Effect.sync(() => {
      owner.state = "killed"
      owner.held.push(...time.takeSleepersOf(owner))
    }),
    hurry: Effect.sync(() => {
      owner.state = "hurried"
      for (const sleeper of [...owner.held.splice(0), ...time.takeSleepersOf(owner)]) sleeper.resume()
    })
  }
}

const clockOf = (time: MachineTime.MachineTime, owner: Sleepers.Owner): Clock.Clock => {
  const millis = () => Math.floor(time.wall() + 0.0005)
  const wallNanos = () => BigInt(Math.round(time.wall() * 1_000)) * 1_000n
  // Asked several times at each instant.
  let asked = { micros: 0, nanos: 0n }
  const nanos = () => {
    const micros = Math.round(time.monotonic() * 1_000)
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
        const runs = owner.state === "alive" && time.state === "running"
        return millis <= 0 && runs ? Effect.yieldNow : time.sleep(Math.max(0, millis), owner)
      })
  }
}
