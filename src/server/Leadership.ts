/**
 * The service for work that only the leader may do.
 *
 * A Bully leader leads by agreement of the servers that hear each other. While the network is split each part has one: work
 * that must not run twice passes the fencing token of its {@link Reign} to a resource that refuses a lower one. With the
 * setting `leadership: lease` at most one server leads at any instant, and the operations mean the same.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Election from "../protocol/model/Election.ts"
import * as Member from "../protocol/model/Member.ts"
import * as Name from "../protocol/model/Name.ts"
import type * as ReignOrder from "../protocol/model/Reign.ts"
import type { NotLeading, Reign } from "./OwnReign.ts"
import type * as Singleton from "./Singleton.ts"

export { NotLeading, Reign } from "./OwnReign.ts"

export type { Options as SingletonOptions } from "./Singleton.ts"

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
      ? `${Name.quoted(this.election)} is no name of an election; allowed: 1 to 32 bytes of text, ${Name.allowed}`
      : `no room for the election ${this.election}: a server takes part in ${Election.maxNamed} at most`
  }
}

/**
 * The lead cannot be handed to this one: as far as this server sees, it is no member, or takes no part in the election of
 * that name. Nothing was done.
 *
 * @category errors
 * @since 0.1.0
 */
export class NoSuchMember extends Schema.TaggedError<NoSuchMember>()("NoSuchMember", {
  id: Member.NodeId,
  election: Schema.String
}) {
  override get message() {
    return `${this.id} ${
      this.election === Election.ofGroup
        ? "is no member of the group"
        : `takes no part in the election ${this.election}`
    }`
  }
}

/**
 * The lead was given up, but the transferee has not taken it: it left or became ineligible meanwhile, or did not hear.
 * `leader` is the one that leads instead, null while nobody does.
 *
 * @category errors
 * @since 0.1.0
 */
export class TransferFailed extends Schema.TaggedError<TransferFailed>()("TransferFailed", {
  to: Member.NodeId,
  leader: Schema.NullOr(Member.NodeId)
}) {
  override get message() {
    const instead = this.leader === null ? "nobody leads" : `${this.leader} leads instead`
    return `${this.to} has not taken the lead that was handed to it: ${instead}`
  }
}

/**
 * A time to step down for that is none, or too long. Nothing was done.
 *
 * @category errors
 * @since 0.1.0
 */
export class TimeRefused extends Schema.TaggedError<TimeRefused>()("TimeRefused", { was: Schema.String }) {
  override get message() {
    return `stepDownFor was given ${this.was}; allowed: a duration from 1ms to 24h`
  }
}

/**
 * The operations of the service `Leadership`.
 *
 * @category models
 * @since 0.1.0
 */
export interface LeadershipShape {
  /** Whether this server leads now. Asks the clock: a server that was paused for too long does not, whatever it held. */
  readonly isLeader: Effect.Effect<boolean>
  /** The reign of this server's own, while it leads. */
  readonly current: Effect.Effect<Option.Option<ReignOrder.Reign>>
  /** The reign that this server follows, its own or another's; none while nobody leads as far as it knows. */
  readonly followed: Effect.Effect<Option.Option<ReignOrder.Reign>>
  /**
   * Gives the lead up: ends the leading work, then says so and names the next leader. This server is ineligible for one
   * `memberTimeout` unless nobody takes the lead. Fails if it does not lead. Completes at once; the rest takes up to
   * `stopTimeout`.
   */
  readonly resign: Effect.Effect<void, NotLeading>
  /**
   * Does not lead for that long (1 ms to 24 h), **also if nobody else does**, which is the difference to {@link resign}:
   * for maintenance, or to keep a sick machine from leading. If this server leads, it resigns first; if not, it is only
   * ineligible. A later call replaces an earlier one; a restart of the process forgets it.
   */
  readonly stepDownFor: (duration: Duration.Input) => Effect.Effect<void, TimeRefused>
  /**
   * Transfers the lead to a member: the leading work ends first, then that member leads, whatever the ranks. Succeeds when
   * this server sees that it leads, at once if it is this server itself. It takes at most `stopTimeout` and twice
   * `coordinatorTimeout`; if the member does not lead by then, or somebody else leads instead, it fails with
   * {@link TransferFailed}, and the group elects as after {@link resign}. Interruption does not undo a transfer that has
   * begun.
   *
   * With `preempt` on, the rank decides again after one `memberTimeout`; with it off, the lead stays where it is.
   */
  readonly transferTo: (
    member: Member.NodeId | { readonly id: Member.NodeId }
  ) => Effect.Effect<void, NotLeading | NoSuchMember | TransferFailed>
  /**
   * Runs `work` for each reign of this server's own, with the `Reign` in its context, and never ends by itself.
   *
   * - The moment the reign ends the work is interrupted. Its finalizers have `stopTimeout` to finish before the group hears
   *   of the end. Work that overruns is reported (`WorkOverran`), and goes on in the background: it cannot be more than
   *   interrupted. Until it has ended, no work of a later reign starts here, and this server is ineligible.
   * - Work that succeeds waits for the next reign. Work that fails is reported (`WorkFailed`) and logged, makes this server
   *   resign, then fails; but a `NotLeading` when its reign is over by the clock is no failure. If no other work is asked
   *   for, this server does not lead again until some is.
   * - Interrupting it interrupts the work, and waits for that in the same way; this server leads on.
   * - Asked for several times, the works run side by side. When one fails, the reign ends for all.
   */
  readonly whileLeader: <A, E, R>(
    work: Effect.Effect<A, E, R>
  ) => Effect.Effect<never, E, Exclude<R, Reign>>
  /**
   * Work as in {@link whileLeader} that must go on: if it fails within a reign, for whatever cause, that is reported
   * (`WorkFailed`, with the name) and logged, and the work is started again by a schedule; see `SingletonOptions`. When the
   * schedule is exhausted this server resigns, and the singleton fails with the last cause: its caller decides whether to
   * run it once more. Until it does, this server does not lead again, also if nobody else does, unless other work of this
   * leadership was asked for. Work that succeeds is done, for this reign.
   *
   * `name` tells singletons apart in events. Two of one name at once are a defect, and so are unknown options.
   */
  readonly singleton: <A, E, R, R2 = never>(
    name: string,
    work: Effect.Effect<A, E, R>,
    options?: Singleton.Options<E, R2>
  ) => Effect.Effect<never, E, Exclude<R | R2, Reign>>
  /**
   * A leadership by name, beside the group's own and those of other names: so the load of leading is spread. Each elects on
   * its own, among the servers that ask for it. Of equal priorities a hash of name and node id decides, so that several
   * names fall to several servers. A server takes part in 16 at most, and until all scopes that asked have closed; then it
   * gives the lead up as {@link resign} does, but may be a candidate again at once.
   *
   * A name is 1 to 32 bytes of text, with no blank or quote at either end and nothing invisible. Its tokens are ordered
   * among themselves only, not with those of other elections.
   */
  readonly of: (election: string) => Effect.Effect<LeadershipShape, ElectionRefused, Scope.Scope>
}

/**
 * The leadership of the one group of an app.
 *
 * @category services
 * @since 0.1.0
 */
export class Leadership extends Context.Service<Leadership, LeadershipShape>()("bellwether/server/Leadership") {}
