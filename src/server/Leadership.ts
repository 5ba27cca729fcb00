/**
 * The service for work that only the leader may do.
 *
 * A Bully leader leads by agreement of the servers that hear each other. While the network is split each part has one: work
 * that must not run twice passes the fencing token of its {@link Reign} to a resource that refuses a lower one. With the
 * setting `leadership: lease` at most one server leads at any instant, and the operations mean the same.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import type * as Cron from "effect/Cron"
import type * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Election from "../protocol/model/Election.ts"
import * as Member from "../protocol/model/Member.ts"
import * as Name from "../protocol/model/Name.ts"
import type * as ReignOrder from "../protocol/model/Reign.ts"
import * as Group from "./Group.ts"
import type { NotLeading, Reign } from "./OwnReign.ts"
import type * as ScheduledRuns from "./ScheduledRuns.ts"
import type * as Singleton from "./Singleton.ts"

export { NotLeading, Reign } from "./OwnReign.ts"

export type { Options as CronOptions } from "./ScheduledRuns.ts"

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
  /** Whether this server leads now. Asks the clock: a server that was paused for too long does not lead. */
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
   * Transfers the lead to a member: the leading work ends first, then that member leads, regardless of rank. Succeeds when
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
   * Work as in {@link whileLeader} that must go on: if it fails within a reign, for any cause, that is reported
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
   * Runs `work` at each instant of a schedule, on the server that leads then, under its reign as in {@link singleton}. A run is
   * named by its instant, which `work` is given: not by what a clock says when it begins.
   *
   * With a lease no instant runs twice, and no two runs of a job are under way at once: a run is noted by a majority of the servers
   * before it begins, and a new leader asks a majority before its first. So a run that a crash interrupts is not repeated, unless
   * `catchUp` is `once`; see `CronOptions`. Work that overruns its reign may overlap with the next run, as with any lease. It
   * holds while the clocks of the servers differ by less than `leaseDuration`; a server that starts anew has forgotten, so an
   * instant within that time after its start may be skipped. After a restart of all servers at once nothing older is known.
   *
   * Without a lease all members in view are told and asked. While the network is split each part runs each instant.
   *
   * `name` is 1 to 32 bytes of text: the job is known by it, and by the name of the leadership, to all servers. Give the schedule a
   * time zone, or it is that of each server. A group remembers 256 jobs.
   */
  readonly cron: <A, E, R, R2 = never>(
    name: string,
    cron: Cron.Cron,
    work: (at: DateTime.Utc) => Effect.Effect<A, E, R>,
    options?: ScheduledRuns.Options<E, R2>
  ) => Effect.Effect<never, E, Exclude<R | R2, Reign>>
  /**
   * Gives up the lead in all elections of this server, the named ones too, and takes none for a day: for the end of an app. It
   * completes when all leading work has ended, `stopTimeout` at most, and others may lead. See {@link drainBefore}.
   */
  readonly drain: Effect.Effect<void>
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

/**
 * How a singleton of a layer ends, and in which election it leads.
 *
 * When its schedule is exhausted it is `ineligible` unless set: this server does not lead again in that election, and another
 * one does. With `fail` the server leaves the group, and `Group.failed` fails: an app that waits for that ends, as
 * `Group.launch` does.
 *
 * @category models
 * @since 0.1.0
 */
export interface SingletonLayerOptions<E, R = never> extends Singleton.Options<E, R> {
  readonly onExhausted?: "fail" | "ineligible" | undefined
  readonly election?: string | undefined
}

/**
 * A singleton as a layer: it runs from when the layer is built until its scope closes, while this server leads. See
 * {@link LeadershipShape.singleton}.
 *
 * ```ts
 * import { Leadership } from "bellwether"
 * import { Effect, Schedule } from "effect"
 *
 * declare const work: Effect.Effect<void, Error>
 *
 * export const invoices = Leadership.singletonLayer("invoices", work, {
 *   schedule: Schedule.recurs(5),
 *   onExhausted: "fail"
 * })
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const singletonLayer = <A, E, R, R2 = never>(
  name: string,
  work: Effect.Effect<A, E, R>,
  { election, onExhausted = "ineligible", ...options }: SingletonLayerOptions<E, R2> = {}
): Layer.Layer<never, ElectionRefused, Leadership | Group.Group | Exclude<R | R2, Reign | Scope.Scope>> =>
  Layer.effectDiscard(Effect.gen(function*() {
    const group = yield* Group.Group
    const own = yield* Leadership
    const leadership = election === undefined ? own : yield* own.of(election)
    yield* leadership.singleton(name, work, options).pipe(
      // It was told and logged as each failure.
      Effect.catchCauseIf(
        (cause) => !Cause.hasInterruptsOnly(cause),
        (cause) => onExhausted === "fail" ? group.fail(`the singleton ${name}`, Cause.squash(cause)) : Effect.void
      ),
      Effect.forkScoped
    )
  })) as never

/**
 * A layer of an app, such as its HTTP server, that hands the lead over before it closes: on SIGTERM all leading work ends first and
 * others lead, then requests that are under way are served to their end, and then the server leaves the group. Without it
 * the lead is held for as long as the app takes to close.
 *
 * ```ts
 * import { Leadership } from "bellwether"
 * import * as NodeServer from "bellwether/NodeServer"
 * import type { Layer } from "effect"
 * import { Layer as Layers } from "effect"
 *
 * declare const http: Layer.Layer<never>
 *
 * export const app = Leadership.drainBefore(http).pipe(Layers.provide(NodeServer.layerConfig()))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const drainBefore = <A, E, R>(app: Layer.Layer<A, E, R>): Layer.Layer<A, E, R | Leadership> =>
  Layer.effectDiscard(
    Effect.flatMap(Leadership, ({ drain }) => Effect.addFinalizer(() => drain))
  ).pipe(Layer.provideMerge(app))
