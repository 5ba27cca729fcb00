/**
 * The service that says who is there: the members, the reign they follow, and all that changes, with the evidence.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Backend from "../backend/Backend.ts"
import * as Counters from "../engine/Counters.ts"
import type * as EventHub from "../engine/EventHub.ts"
import type { GroupFailed } from "../engine/GroupFailed.ts"
import * as Handover from "../protocol/lease/Handover.ts"
import type * as Event from "../protocol/model/Event.ts"
import type * as Member from "../protocol/model/Member.ts"
import type * as Reign from "../protocol/model/Reign.ts"
import type { Now, State } from "../protocol/model/State.ts"
import * as Snapshot from "../protocol/Status.ts"
import type * as Step from "../protocol/Step.ts"
import type { SettingRefused } from "../settings/SettingRefused.ts"
import * as Settings from "../settings/Settings.ts"
import type * as Messenger from "../transport/Messenger.ts"
import * as Health from "./Health.ts"
import type { OlderMembers } from "./OlderMembers.ts"
import * as Owners from "./Owners.ts"
import type * as ServerEngine from "./ServerEngine.ts"
import type * as Traffic from "./Traffic.ts"

export { GroupFailed } from "../engine/GroupFailed.ts"

export type { Health, Unwell } from "./Health.ts"
export { OlderMembers } from "./OlderMembers.ts"

export type { Moved, OwnerOptions, OwnersOptions, OwnersShape } from "./Owners.ts"

/**
 * One server's view of the group: everyone, itself included, highest rank first; the reign it follows, null while
 * nobody leads; and the term of that reign, or of the last one.
 *
 * @category models
 * @since 0.1.0
 */
export type View = Step.View

/**
 * When a member was last heard, in ms before now, and by which way; 0 for this server itself. `through` is the member that
 * still hears it if this server does not; null if this one does, or nobody has said so.
 *
 * @category models
 * @since 0.1.0
 */
export type LastHeard = typeof Snapshot.LastHeard.Type

/**
 * All that a server knows at one instant: the members with when each was last heard, each election, what will be done next.
 * It includes the events up to `sequence`, so that {@link GroupShape.subscribeAfter} goes on from it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Status extends Snapshot.Status {
  readonly sequence: number
}

/**
 * What a server has counted since its start, and how full it is now. `datagrams` received are all that came, also those that
 * were dropped then; those sent went to the system, one for each address, or for the group.
 *
 * @category models
 * @since 0.1.0
 */
export interface Counts extends Counters.Counted {
  readonly datagrams: {
    readonly received: number
    readonly receivedBytes: number
    readonly sent: number
    readonly sentBytes: number
  }
  /** By reason, as {@link GroupShape.dropped}. */
  readonly dropped: Readonly<Record<string, number>>
  /** How many messages of clients wait: for those before them, or until the app has read its inbox. */
  readonly waiting: number
  /** How many partitions and locks this server holds. */
  readonly held: number
  /** The entries of each table now. */
  readonly tables: {
    readonly members: number
    readonly clients: number
    readonly sessions: number
    readonly tombstones: number
  }
  /** How many read its events now, and how many events all readers lost, as they were too slow. */
  readonly readers: { readonly open: number; readonly lost: number }
}

/**
 * A view and all that follows it, with no gap: `events` begins with the one after `sequence`.
 *
 * A reader that subscribes in the discovery window, as one does that is built on the server's layer, gets the view at the
 * start and every event from `Started` on (`sequence` is 0). A later one gets the view of that moment and every later
 * event. The stream ends after `Left`, once the server is closed.
 *
 * Each reader has a queue of its own. One that falls more than 4,096 events behind gets `EventsLost` in place of its
 * oldest. Neither the server nor another reader waits for it or loses anything. Run the stream once: events that a run has
 * taken and not used are lost to a second one.
 *
 * @category models
 * @since 0.1.0
 */
export type Subscription = EventHub.Subscription<View, Event.Event>

/**
 * What keeps the group: `lan`, `etcd` or `sql`, both with `+` between them while it moves; and which settings mean something there.
 *
 * @category models
 * @since 0.1.0
 */
export interface Kept {
  readonly name: string
  readonly settings: ReadonlyArray<keyof Settings.Settings>
}

/**
 * The operations of the service `Group`.
 *
 * @category models
 * @since 0.1.0
 */
export interface GroupShape extends Owners.OwnersShape {
  /** What it goes by: each setting as it was given, or its default. */
  readonly settings: Settings.Settings
  readonly backend: Kept
  readonly self: Effect.Effect<Member.Member>
  /** Everyone, itself included, highest rank first. */
  readonly members: Effect.Effect<ReadonlyArray<Member.Member>>
  readonly reign: Effect.Effect<Reign.Reign | null>
  readonly view: Effect.Effect<View>
  readonly subscribe: Effect.Effect<Subscription, never, Scope.Scope>
  /**
   * Subscribes to the events after one that was read before, with the view of now. An event's number is that of the one
   * before it and 1; the one after `EventsLost` comes `count` later. The newest 1,000 events are kept: `EventsLost` counts
   * those that are missing.
   */
  readonly subscribeAfter: (sequence: number) => Effect.Effect<Subscription, never, Scope.Scope>
  /** The events of {@link subscribe}: each run has a subscription of its own. */
  readonly events: Stream.Stream<Event.Event>
  /**
   * The view now, then each later one. A slow reader skips views between; it always gets the newest. Ends with the server,
   * after its last view.
   */
  readonly changes: Stream.Stream<View>
  /** All that it knows at this instant. */
  readonly status: Effect.Effect<Status>
  /** What it sends and hears as it happens, made only while somebody watches: who is slow misses some of it. */
  readonly traffic: Stream.Stream<Traffic.Exchanged>
  /**
   * Announces to the other members where this server's page is, such as `http://192.0.2.1:7780/`, or that there is none (null).
   * What the setting `http` serves is announced by itself. An address of more than 64 characters is not.
   */
  readonly announcePage: (url: string | null) => Effect.Effect<void>
  /**
   * Changes the tags of this server, all of them, while it runs. The members are told at once, and by every later message; each
   * reads `MemberChanged`. The incarnation stays, and nothing else changes. However often they are changed, the group is told 20
   * times a second at most, and then of the newest.
   *
   * It never waits. Tags that the setting `tags` would refuse are refused in the same words, and nothing is changed. Members of an
   * older version go on showing the former ones.
   */
  readonly setTags: (tags: Readonly<Record<string, string>>) => Effect.Effect<void, SettingRefused>
  /**
   * Changes the priority of this server while it runs, told in the same way. A higher one moves the lead as the start of a server of
   * that priority does: as `preempt` and `stableAfter` say. If a leader lowers its own, a member that now outranks it takes the lead,
   * as `preempt` says. It completes when that is said, and not when the lead has moved.
   *
   * A reign keeps the priority that it began with, so its token stays the same. Fails with `OlderMembers` while a member is there
   * that is too old to hear of a new priority: it would not follow a leader of another than it knows.
   */
  readonly setPriority: (priority: number) => Effect.Effect<void, SettingRefused | OlderMembers>
  readonly lastHeard: Effect.Effect<ReadonlyMap<Member.NodeId, LastHeard>>
  /** Datagrams dropped since the start, by reason. */
  readonly dropped: Effect.Effect<Readonly<Record<string, number>>>
  /** All that is counted: `Metrics` shows it to an exporter. */
  readonly counters: Effect.Effect<Counts>
  /**
   * How long ago, in ms, this server last sent something, or tried to if there is no network. Never much more than
   * `heartbeatInterval` while it is well: a watchdog asks for this.
   */
  readonly pulse: Effect.Effect<number>
  /**
   * In how many ms this server votes, at the latest: it is silent for `leaseDuration` after a start in which it did not get
   * the promises of its former start. 0 if it votes, and without leases. The event `Votes` tells it too. Infinity once it
   * has left, and where it has no vote (`votes: false`).
   */
  readonly votesIn: Effect.Effect<number>
  /** Waits until this server votes, which is at once where there are no leases or it has no vote; or until it has left. */
  readonly votes: Effect.Effect<void>
  /** Waits, and fails once the server cannot go on: it has then left the group. To stop waiting for it changes nothing. */
  readonly failed: Effect.Effect<never, GroupFailed>
  /**
   * Gives this server up for a fault of the app's, which `what` names: it steps down and leaves, and {@link failed} fails.
   */
  readonly fail: (what: string, cause: unknown) => Effect.Effect<void>
  /** Whether this server is well, for a health route of the app's own. Asks nobody. */
  readonly healthy: Effect.Effect<Health.Health>
}

/**
 * The one group of an app.
 *
 * @category services
 * @since 0.1.0
 */
export class Group extends Context.Service<Group, GroupShape>()("bellwether/server/Group") {}

/**
 * What the service stands on.
 *
 * @internal
 */
export interface Parts
  extends Pick<GroupShape, "dropped" | "fail" | "failed" | "settings" | "setTags" | "setPriority">
{
  readonly backend: Backend.Membership
  readonly state: ServerEngine.ServerEngine
  readonly counters: Counters.Counters
  readonly messenger: Pick<Messenger.Messenger, "sessions" | "volume">
}

/**
 * What is the same of any backend: who is there, who leads, and all that changes.
 *
 * @internal
 */
export const watching = ({ events, view, views }: Backend.Membership) => ({
  self: Effect.map(view, ({ self }) => self),
  members: Effect.map(view, ({ members }) => members),
  reign: Effect.map(view, ({ reign }) => reign),
  view,
  subscribe: events.subscribe,
  subscribeAfter: events.subscribeAfter,
  events: Stream.unwrap(Effect.map(events.subscribe, (subscription) => subscription.events)),
  changes: views,
  ...Owners.make(view, views)
})

/**
 * The service over a server's state.
 *
 * @internal
 */
export const make = (
  { backend, counters, dropped, fail, failed, messenger, setPriority, setTags, settings, state }: Parts
): GroupShape => {
  const votesIn = Effect.zipWith(state.state, state.now, (of, { monotonic }) => Handover.votesIn(of, monotonic))
  return {
    settings,
    backend: { name: "lan", settings: Settings.keys },
    ...watching(backend),
    status: Effect.zipWith(
      state.state,
      state.now,
      (of, now) => ({ ...Snapshot.of(of, now), sequence: state.events.sequence() })
    ),
    traffic: state.traffic,
    setTags,
    setPriority,
    announcePage: (page) => state.step({ _tag: "Page", page }),
    lastHeard: Effect.zipWith(state.state, state.now, lastHeard),
    dropped,
    counters: Effect.zipWith(state.state, dropped, (of, dropped) => ({
      ...counters.counted(),
      datagrams: { ...messenger.volume },
      dropped,
      waiting: Counters.waiting(of),
      held: Counters.held(of),
      tables: {
        members: HashMap.size(of.known),
        clients: HashMap.size(of.delivery.clients),
        sessions: messenger.sessions(),
        tombstones: HashMap.size(of.tombstones)
      },
      readers: state.events.readers()
    })),
    pulse: state.outbox.pulse,
    votesIn,
    votes: settings.votes ?
      Effect.scoped(Effect.gen(function*() {
        const { events } = yield* state.events.subscribe
        if ((yield* votesIn) === 0) return
        yield* Stream.runDrain(Stream.takeUntilEffect(events, () => Effect.map(votesIn, (left) => left === 0)))
      })) :
      Effect.void,
    failed,
    fail,
    healthy: Effect.zipWith(
      Effect.zipWith(state.state, state.now, Snapshot.of),
      state.outbox.pulse,
      (status, pulse) => Health.of(status, pulse, settings)
    )
  }
}

const lastHeard = (
  { known, self }: State,
  { monotonic }: Pick<Now, "monotonic">
): ReadonlyMap<Member.NodeId, LastHeard> => {
  const own: LastHeard = { ago: 0, via: "multicast", unicastOnly: false, through: null }
  const all = new Map<Member.NodeId, LastHeard>([[self.id, own]])
  for (const [id, heard] of HashMap.entries(known)) all.set(id, Snapshot.lastHeard(heard, monotonic))
  return all
}

/**
 * Runs the layer of an app until the server cannot go on, or the app gives it up: then it fails, the app's layer is closed, and
 * what started the process may start it again.
 *
 * ```ts
 * import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
 * import { Group, Leadership } from "bellwether"
 * import * as NodeServer from "bellwether/NodeServer"
 * import { Effect } from "effect"
 *
 * declare const work: Effect.Effect<void, Error>
 *
 * Group.launch(Leadership.singletonLayer("invoices", work, { onExhausted: "fail" })).pipe(
 *   Effect.provide(NodeServer.layerConfig()),
 *   NodeRuntime.runMain()
 * )
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const launch = <A, E, R>(app: Layer.Layer<A, E, R>): Effect.Effect<never, E | GroupFailed, R | Group> =>
  Effect.flatMap(Group, ({ failed }) => Effect.raceFirst(Layer.launch(app), failed))
