/**
 * The service for what only the leader may do.
 *
 * A Bully leader is one by agreement of those who hear each other. While the network is split each part has one: what
 * must not run twice takes the fencing token of its {@link Reign} to a resource that refuses a lower one.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import * as BullyElection from "../protocol/BullyElection.ts"
import * as ReignOrder from "../protocol/Reign.ts"
import * as Step from "../protocol/Step.ts"
import type * as GroupState from "./GroupState.ts"

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
 * The reign under which leading work runs: in the context of all that {@link LeadershipShape.whileLeader} runs.
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
}>()("bellwether/group/Leadership/Reign") {
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
 * What the service for what only the leader may do can do.
 *
 * @category models
 * @since 0.1.0
 */
export interface LeadershipShape {
  /** Whether this server leads now. Asks the clock: a server that stood still for too long does not, whatever it held. */
  readonly isLeader: Effect.Effect<boolean>
  /** The reign of this server's own, while it leads. */
  readonly current: Effect.Effect<Option.Option<ReignOrder.Reign>>
  /**
   * Gives the lead up: ends the leading work, then says so, naming who should go first. This server does not stand again
   * for one `memberTimeout` unless nobody takes the lead. Fails where it does not lead.
   */
  readonly resign: Effect.Effect<void, NotLeading>
  /**
   * Runs `work` for each reign of this server's own, with the {@link Reign} in its context, and never ends by itself.
   *
   * - The moment the reign ends the work is interrupted. Its finalizers have `stopTimeout` to finish before the group
   *   hears of the end; what overruns is told (`WorkOverran`), and goes on in the background: interruption is all that
   *   can be done to it. Until it has finished, no work of a later reign starts here.
   * - Work that succeeds waits for the next reign. Work that fails makes this server resign, then fails.
   */
  readonly whileLeader: <A, E, R>(work: Effect.Effect<A, E, R>) => Effect.Effect<never, E, Exclude<R, Reign>>
}

/**
 * The leadership of the one group of an app.
 *
 * @category services
 * @since 0.1.0
 */
export class Leadership extends Context.Service<Leadership, LeadershipShape>()("bellwether/group/Leadership") {}

/**
 * The leading work of one server: what runs now, and how to end it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Work {
  /** Waits until no leading work runs any more, `stopTimeout` at most. The work itself is interrupted by its reign's end. */
  readonly end: Effect.Effect<void>
  readonly running: Set<Deferred.Deferred<void>>
}

/**
 * No leading work yet. `stopTimeout` is how long it may take to stop.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeWork = (stopTimeout: Duration.Duration): Work => {
  const running = new Set<Deferred.Deferred<void>>()
  return {
    running,
    end: Effect.suspend(() => Effect.forEach([...running], Deferred.await, { concurrency: "unbounded", discard: true }))
      .pipe(Effect.timeoutOption(stopTimeout), Effect.asVoid)
  }
}

/**
 * The service over a server's state.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (state: GroupState.GroupState, work: Work, stopTimeout: Duration.Duration): LeadershipShape => {
  const ownReign = Effect.zipWith(
    state.state,
    state.now,
    (state, now) => Step.isStalled(state, now.monotonic) ? null : BullyElection.ownReign(state)
  )
  const isCurrent = (reign: ReignOrder.Reign) => Effect.map(ownReign, (own) => own !== null && own.term === reign.term)
  const ended = (reign: ReignOrder.Reign) =>
    SubscriptionRef.changes(state.ownReign).pipe(
      Stream.filter((own) => own === null || own.term !== reign.term),
      Stream.runHead
    )
  const nextReign = SubscriptionRef.changes(state.ownReign).pipe(
    Stream.filter((own) => own !== null),
    Stream.runHead,
    Effect.map(Option.getOrThrow)
  )

  /** What overran its reign must finish before this server leads again: a lead that comes meanwhile is given up. */
  const outlast = (done: Deferred.Deferred<void>) =>
    nextReign.pipe(
      Effect.tap(() => state.step({ _tag: "Resign" })),
      Effect.flatMap(ended),
      Effect.forever,
      Effect.raceFirst(Deferred.await(done))
    )

  /** Runs work under one reign. Ends when the reign has and the work with it; fails with the work. */
  const under = <A, E, R>(reign: ReignOrder.Reign, effect: Effect.Effect<A, E, R>) =>
    Effect.uninterruptibleMask(Effect.fnUntraced(function*(restore) {
      const done = yield* Deferred.make<void>()
      work.running.add(done)
      // Detached, so that neither the end of this reign nor of the app waits for more than `stopTimeout`.
      const fiber = yield* restore(effect).pipe(
        Effect.onExit(() =>
          Effect.andThen(Effect.sync(() => work.running.delete(done)), Deferred.succeed(done, undefined))
        ),
        Effect.provideService(Reign, {
          term: reign.term,
          token: ReignOrder.token(reign),
          leader: reign.leader,
          isCurrent: isCurrent(reign)
        }),
        Effect.forkDetach
      )
      const stop = Effect.gen(function*() {
        yield* Effect.forkDetach(Fiber.interrupt(fiber), { startImmediately: true })
        const stopped = yield* Effect.interruptible(Deferred.await(done)).pipe(Effect.timeoutOption(stopTimeout))
        if (Option.isNone(stopped)) {
          yield* state.tell({ event: "WorkOverran", term: reign.term, for: Duration.toMillis(stopTimeout) })
        }
      })
      const exit = yield* restore(Effect.raceFirst(Fiber.await(fiber), Effect.as(ended(reign), undefined))).pipe(
        Effect.onInterrupt(() => stop)
      )
      if (exit === undefined) {
        yield* stop
        return yield* restore(outlast(done))
      }
      if (Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause)) {
        yield* state.step({ _tag: "Resign" })
        return yield* Effect.failCause(exit.cause)
      }
      yield* restore(ended(reign))
    }))

  return {
    isLeader: Effect.map(ownReign, (own) => own !== null),
    current: Effect.map(ownReign, Option.fromNullishOr),
    resign: Effect.flatMap(
      ownReign,
      (own) =>
        own === null
          ? Effect.fail(new NotLeading({ term: null }))
          : Effect.uninterruptible(state.step({ _tag: "Resign" }))
    ),
    whileLeader: (effect) => Effect.forever(Effect.flatMap(nextReign, (reign) => under(reign, effect)))
  }
}
