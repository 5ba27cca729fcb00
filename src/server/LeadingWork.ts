/**
 * Leading work: what runs while this server leads, and how it ends.
 *
 * Of one leadership, work of different reigns never overlaps on a server, whoever asked for it: where some of an earlier
 * reign still runs, that of the next one waits; and where it has not ended within `stopTimeout`, this server leads no more
 * until it has. Work of one reign that was asked for several times runs side by side.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Closing from "../engine/Closing.ts"
import * as ReignOrder from "../protocol/model/Reign.ts"

/**
 * This server does not lead, or not by this reign. Nothing was run.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotLeading extends Schema.TaggedError<NotLeading>()("NotLeading", {
  term: Schema.NullOr(ReignOrder.Term)
}) {
  override get message() {
    return this.term === null ? "this server does not lead" : `the reign of term ${this.term} is over`
  }
}

/**
 * The reign under which leading work runs: in the context of all that `whileLeader` and `singleton` run.
 *
 * `token` is a text whose order is the order of reigns: hand it to a store that refuses a lower one than it has seen.
 *
 * @category services
 * @since 0.1.0
 */
export class Reign extends Context.Service<Reign, {
  readonly term: number
  readonly token: string
  readonly leader: ReignOrder.Leader
  /** Whether this very reign still lasts, by the clock. */
  readonly isCurrent: Effect.Effect<boolean>
}>()("bellwether/server/Leadership/Reign") {
  /**
   * Runs an effect if this reign still lasts by the clock, else fails with {@link NotLeading}. It asks before, not
   * during: what unguarded work does in the instant after a freeze can only be fenced by the token.
   */
  static readonly guard = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | NotLeading, R | Reign> =>
    Effect.flatMap(Reign, (reign) =>
      Effect.flatMap(
        reign.isCurrent,
        (current): Effect.Effect<A, E | NotLeading, R> =>
          current ? effect : Effect.fail(new NotLeading({ term: reign.term }))
      ))
}

/**
 * The lead as its work sees it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Lead {
  /** The reign of this server's own, by the clock: null also where it stood still for too long. */
  readonly own: Effect.Effect<ReignOrder.Reign | null>
  /** The same as it was last told, and each later one. */
  readonly owns: Stream.Stream<ReignOrder.Reign | null>
  readonly token: (reign: ReignOrder.Reign) => string
  readonly resign: Effect.Effect<void>
  /** Work of the reign of this term has not ended in its time. */
  readonly overran: (term: number) => Effect.Effect<void>
  /** None of that kind runs any more. */
  readonly finished: Effect.Effect<void>
  /** Work has failed in the reign of this term, and is not run again. */
  readonly failed: (term: number, cause: Cause.Cause<unknown>) => Effect.Effect<void>
  /** All callers' work has failed for good: nobody is left who would run some. */
  readonly givenUp: Effect.Effect<void>
  /** A caller has come where there was none. */
  readonly offered: Effect.Effect<void>
}

/** One run of one effect. */
interface Running {
  readonly term: number
  readonly done: Deferred.Deferred<void>
  /** It was interrupted. */
  stopping: boolean
  /** And has not ended in its time. */
  overrunning: boolean
}

/**
 * The leading work of one leadership of one server: what runs now.
 *
 * @category models
 * @since 0.1.0
 */
export interface LeadingWork {
  readonly stopTimeout: Duration.Duration
  readonly running: Set<Running>
  /** The names of the singletons that were asked for. */
  readonly singletons: Set<string>
  /** How many callers run or wait. */
  callers: number
  /**
   * Waits until none runs any more, `stopTimeout` at most, and not for what has had that time already; answers whether none
   * does. The work itself is interrupted by its reign's end.
   */
  readonly end: Effect.Effect<boolean>
  /** Waits until none runs any more, however long that takes. */
  readonly idle: Effect.Effect<void>
}

const allDone = (running: ReadonlyArray<Running>) =>
  Effect.forEach(running, ({ done }) => Deferred.await(done), { concurrency: "unbounded", discard: true })

/**
 * The leading work of one server in all elections.
 *
 * @category models
 * @since 0.1.0
 */
export interface All {
  readonly stopTimeout: Duration.Duration
  /** That of one election. */
  readonly of: (election: string) => LeadingWork
  /** Waits for the end of one election's work; see {@link LeadingWork}. */
  readonly end: (election: string) => Effect.Effect<boolean>
  /** Waits until none of one election's runs; see {@link LeadingWork}. */
  readonly idle: (election: string) => Effect.Effect<void>
  /** Forgets an election's, unless somebody still works or waits there. */
  readonly release: (election: string) => void
}

/**
 * No leading work yet, in any election. `stopTimeout` is how long it may take to stop.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeAll = (stopTimeout: Duration.Duration): All => {
  const all = new Map<string, LeadingWork>()
  return {
    stopTimeout,
    of: (election) => {
      const work = all.get(election) ?? make(stopTimeout)
      all.set(election, work)
      return work
    },
    end: (election) => Effect.suspend(() => all.get(election)?.end ?? Effect.succeed(true)),
    idle: (election) => Effect.suspend(() => all.get(election)?.idle ?? Effect.void),
    release: (election) => {
      const work = all.get(election)
      if (work !== undefined && work.callers === 0 && work.running.size === 0) all.delete(election)
    }
  }
}

const make = (stopTimeout: Duration.Duration): LeadingWork => {
  const running = new Set<Running>()
  return {
    stopTimeout,
    running,
    singletons: new Set(),
    callers: 0,
    end: Effect.suspend(() => allDone([...running].filter(({ overrunning }) => !overrunning))).pipe(
      Effect.timeoutOption(stopTimeout),
      Effect.map(() => running.size === 0)
    ),
    idle: Effect.whileLoop({
      while: () => running.size > 0,
      body: () => allDone([...running]),
      step: () => {}
    })
  }
}

/**
 * Runs an effect for each reign of this server's own; see `Leadership.whileLeader`.
 *
 * @category combinators
 * @since 0.1.0
 */
export const whileLeader = <A, E, R>(
  lead: Lead,
  work: LeadingWork,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<never, E, Exclude<R, Reign>> => {
  const { running, stopTimeout } = work
  const isCurrent = ({ term }: ReignOrder.Reign) => Effect.map(lead.own, (own) => own !== null && own.term === term)
  const next = lead.owns.pipe(
    Stream.filter((own) => own !== null),
    Stream.runHead,
    Effect.map(Option.getOrThrow)
  )
  const ended = (reign: ReignOrder.Reign) =>
    lead.owns.pipe(
      Stream.filter((own) => own === null || own.term !== reign.term),
      Stream.runHead,
      Effect.asVoid
    )

  /** Waits until nothing runs that work of this reign must not overlap with. */
  const vacated = (reign: ReignOrder.Reign) =>
    Effect.suspend(() => allDone([...running].filter(({ stopping, term }) => stopping || term !== reign.term)))

  const start = Effect.fnUntraced(function*(reign: ReignOrder.Reign) {
    const run: Running = {
      term: reign.term,
      done: yield* Deferred.make<void>(),
      stopping: false,
      overrunning: false
    }
    running.add(run)
    const over = Effect.suspend(() => {
      running.delete(run)
      const finished = run.overrunning && ![...running].some(({ overrunning }) => overrunning)
      return Effect.andThen(Deferred.succeed(run.done, undefined), finished ? lead.finished : Effect.void)
    })
    // Whoever ends the reign from here on waits for this run: so only now is it asked whether it lasts.
    if (!(yield* isCurrent(reign))) {
      yield* over
      return null
    }
    // Detached, so that neither the end of this reign nor of the app waits for more than `stopTimeout`.
    const fiber = yield* Effect.interruptible(effect).pipe(
      Effect.onExit(() => over),
      Effect.provideService(Reign, {
        term: reign.term,
        token: lead.token(reign),
        leader: reign.leader,
        isCurrent: isCurrent(reign)
      }),
      // Interrupted before its first step, an interruptible fiber would never come to say that it is over.
      Effect.forkDetach({ uninterruptible: true })
    )
    const stop = Effect.gen(function*() {
      run.stopping = true
      yield* Effect.forkDetach(Fiber.interrupt(fiber), { startImmediately: true })
      yield* Closing.waitFor(Deferred.await(run.done), stopTimeout)
      if (!running.has(run)) return
      run.overrunning = true
      yield* lead.overran(reign.term)
    })
    return { fiber, stop }
  })

  const under = (reign: ReignOrder.Reign): Effect.Effect<void, E, Exclude<R, Reign>> =>
    Effect.uninterruptibleMask(Effect.fnUntraced(function*(restore) {
      yield* restore(Effect.raceFirst(vacated(reign), ended(reign)))
      const started = yield* start(reign)
      // A reign that is over by the clock will soon be told to be: that is waited for.
      if (started === null) return yield* restore(ended(reign))
      const { fiber, stop } = started
      const exit = yield* restore(Effect.raceFirst(Fiber.await(fiber), Effect.as(ended(reign), undefined))).pipe(
        Effect.onInterrupt(() => stop)
      )
      if (exit === undefined) return yield* stop
      if (Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause)) return yield* restore(ended(reign))
      // It noticed before we did that its reign is over: that is no failure of its own.
      const noticed = Cause.squash(exit.cause) instanceof NotLeading && !(yield* isCurrent(reign))
      if (noticed) return yield* restore(ended(reign))
      yield* lead.failed(reign.term, exit.cause)
      yield* lead.resign
      return yield* Effect.failCause(exit.cause)
    }))

  return Effect.acquireUseRelease(
    Effect.suspend(() => work.callers++ === 0 ? lead.offered : Effect.void),
    () => Effect.forever(Effect.flatMap(next, under)),
    (_, exit) =>
      Effect.suspend(() => {
        const hasFailed = Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause)
        return --work.callers === 0 && hasFailed ? lead.givenUp : Effect.void
      })
  )
}
