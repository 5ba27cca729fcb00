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
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import * as BullyElection from "../protocol/BullyElection.ts"
import * as Election from "../protocol/Election.ts"
import * as NamedElections from "../protocol/NamedElections.ts"
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
 * This server cannot take part in an election of that name: the name may not be one, or it takes part in as many as it
 * may. Nothing was changed.
 *
 * @category errors
 * @since 0.1.0
 */
export class ElectionRefused extends Schema.TaggedError<ElectionRefused>()("ElectionRefused", {
  election: Schema.String,
  reason: Schema.Literals(["name", "room"])
}) {
  override get message() {
    return this.reason === "name"
      ? `${JSON.stringify(this.election)} is no name of an election; allowed: 1 to 32 bytes of text`
      : `no room for the election ${this.election}: a server takes part in ${Election.maxNamed} at most`
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
  /**
   * The leadership of something by name, beside the group's own and those of other names: so the load of leading is spread.
   * Each elects on its own, among the servers that ask for it; of equal priorities the rank is drawn by name and node id, so
   * that several names fall to several servers. A server takes part in 16 at most, and until all scopes that asked have
   * closed; then it gives the lead up as {@link resign} does, but may stand again at once.
   *
   * A name is 1 to 32 bytes of text. Its tokens are ordered among themselves only, not with those of other elections.
   */
  readonly of: (election: string) => Effect.Effect<LeadershipShape, ElectionRefused, Scope.Scope>
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
 * The leading work of one server in each election.
 *
 * @category models
 * @since 0.1.0
 */
export interface Works {
  readonly of: (election: string) => Work
  /** Forgets an election in which nothing runs any more. */
  readonly release: (election: string) => void
}

/**
 * No leading work yet. `stopTimeout` is how long it may take to stop.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeWorks = (stopTimeout: Duration.Duration): Works => {
  const works = new Map<string, Work>()
  return {
    of: (election) => {
      const work = works.get(election) ?? makeWork(stopTimeout)
      works.set(election, work)
      return work
    },
    release: (election) => {
      if (works.get(election)?.running.size === 0) works.delete(election)
    }
  }
}

const makeWork = (stopTimeout: Duration.Duration): Work => {
  const running = new Set<Deferred.Deferred<void>>()
  return {
    running,
    end: Effect.suspend(() => Effect.forEach([...running], Deferred.await, { concurrency: "unbounded", discard: true }))
      .pipe(Effect.timeoutOption(stopTimeout), Effect.asVoid)
  }
}

/**
 * The service over a server's state: the group's own leadership.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (state: GroupState.GroupState, works: Works, stopTimeout: Duration.Duration): LeadershipShape => {
  // How many scopes asked for each name.
  const asked = new Map<string, number>()
  const withdraw = (election: string) =>
    Effect.suspend(() => {
      const left = asked.get(election)! - 1
      if (left > 0) {
        asked.set(election, left)
        return Effect.void
      }
      asked.delete(election)
      works.release(election)
      return state.step({ _tag: "Withdraw", election })
    })
  const campaign = (election: string) =>
    Effect.flatMap(state.state, (now) => {
      if (!Election.isName(election)) return Effect.fail(new ElectionRefused({ election, reason: "name" }))
      if (!NamedElections.hasRoom(now, election)) return Effect.fail(new ElectionRefused({ election, reason: "room" }))
      asked.set(election, (asked.get(election) ?? 0) + 1)
      return state.step({ _tag: "Campaign", election })
    })
  const of: LeadershipShape["of"] = (election) =>
    Effect.acquireRelease(campaign(election), () => withdraw(election)).pipe(
      Effect.map(() => over(state, works.of(election), stopTimeout, election, of))
    )
  return over(state, works.of(Election.ofGroup), stopTimeout, Election.ofGroup, of)
}

/** One leadership over a server's state. */
const over = (
  state: GroupState.GroupState,
  work: Work,
  stopTimeout: Duration.Duration,
  election: string,
  of: LeadershipShape["of"]
): LeadershipShape => {
  const ownReign = Effect.zipWith(
    state.state,
    state.now,
    (state, now) => Step.isStalled(state, now.monotonic) ? null : BullyElection.ownReign(state, election)
  )
  const ownReigns = SubscriptionRef.changes(state.ownReigns).pipe(Stream.map((all) => all.get(election) ?? null))
  const isCurrent = (reign: ReignOrder.Reign) => Effect.map(ownReign, (own) => own !== null && own.term === reign.term)
  const ended = (reign: ReignOrder.Reign) =>
    ownReigns.pipe(
      Stream.filter((own) => own === null || own.term !== reign.term),
      Stream.runHead
    )
  const nextReign = ownReigns.pipe(
    Stream.filter((own) => own !== null),
    Stream.runHead,
    Effect.map(Option.getOrThrow)
  )

  /** What overran its reign must finish before this server leads again: a lead that comes meanwhile is given up. */
  const outlast = (done: Deferred.Deferred<void>) =>
    nextReign.pipe(
      Effect.tap(() => state.step({ _tag: "Resign", election })),
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
          token: ReignOrder.token(reign, election),
          leader: reign.leader,
          isCurrent: isCurrent(reign)
        }),
        Effect.forkDetach
      )
      const stop = Effect.gen(function*() {
        yield* Effect.forkDetach(Fiber.interrupt(fiber), { startImmediately: true })
        const stopped = yield* Effect.interruptible(Deferred.await(done)).pipe(Effect.timeoutOption(stopTimeout))
        if (Option.isNone(stopped)) {
          yield* state.tell({
            event: "WorkOverran",
            election,
            term: reign.term,
            for: Duration.toMillis(stopTimeout)
          })
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
        yield* state.step({ _tag: "Resign", election })
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
          : Effect.uninterruptible(state.step({ _tag: "Resign", election }))
    ),
    whileLeader: (effect) => Effect.forever(Effect.flatMap(nextReign, (reign) => under(reign, effect))),
    of
  }
}
