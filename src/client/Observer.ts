/**
 * An observer of a group: it sees the members, the leader and all that happens, and is no member, candidate or client. Nobody
 * sees it, elects it or counts it. Over a `Datagrams` layer; `bellwether/NodeObserver` has it with real sockets.
 *
 * Where multicast works it hears the group and says nothing, but for a question at its start, one where something it heard shows
 * that it has missed a datagram, and the proofs of a group with a key. Without multicast it asks one member once in
 * `heartbeatInterval`, which answers in one datagram while nothing has changed.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import type * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as EventHub from "../engine/EventHub.ts"
import type { GroupFailed } from "../engine/GroupFailed.ts"
import * as Latest from "../engine/Latest.ts"
import type * as Event from "../protocol/model/Event.ts"
import type * as Member from "../protocol/model/Member.ts"
import type * as Reign from "../protocol/model/Reign.ts"
import type * as Keys from "../server/Keys.ts"
import type { SettingRefused } from "../settings/SettingRefused.ts"
import * as Settings from "../settings/Settings.ts"
import type * as Datagrams from "../transport/Datagrams.ts"
import * as Observation from "./Observation.ts"
import * as Observing from "./Observing.ts"

export { GroupFailed } from "../engine/GroupFailed.ts"

/**
 * Why an observer could not start: a setting was refused before any socket was opened, or a socket could not be.
 *
 * @category errors
 * @since 0.1.0
 */
export type ObserverError = SettingRefused | Datagrams.DatagramsFailed

/**
 * The options of an observer. Of the settings, those that locate the group matter to it (`group`, its keys, `multicastAddress`,
 * `port`, `ttl`, `interfaces`, `multicast`, `seeds`, `networks`), `eventHistory`, and `heartbeatInterval`, the time between two
 * questions where there is no multicast. Its socket has any free port.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends Settings.Options {}

/**
 * What an observer sees: the members, highest rank first; the reign that they follow, null while nobody leads; and the term of
 * that reign, or of the last one. The host name and the tags of a member are empty while nobody has told them.
 *
 * `isFollowed` is whether that is current: false before a server has answered, and while nothing is heard of the group.
 * What was seen last is kept then: what an observer does not hear is not gone.
 *
 * @category models
 * @since 0.1.0
 */
export interface View {
  readonly members: ReadonlyArray<Member.Member>
  readonly reign: Reign.Reign | null
  readonly term: number
  readonly isFollowed: boolean
}

/**
 * A view and all that follows it, with no gap: as `Group.Subscription` has them for a server.
 *
 * @category models
 * @since 0.1.0
 */
export type Subscription = EventHub.Subscription<View, Event.Event>

/**
 * What an observer has sent and received: datagrams, and their bytes.
 *
 * @category models
 * @since 0.1.0
 */
export interface Volume {
  readonly received: number
  readonly receivedBytes: number
  readonly sent: number
  readonly sentBytes: number
}

/**
 * The operations of an observer.
 *
 * @category models
 * @since 0.1.0
 */
export interface ObserverShape {
  /** What it goes by: each setting as it was given, or its default. */
  readonly settings: Settings.Settings
  readonly view: Effect.Effect<View>
  /** The members, highest rank first. */
  readonly members: Effect.Effect<ReadonlyArray<Member.Member>>
  readonly reign: Effect.Effect<Reign.Reign | null>
  /** The member that leads; null while nobody does, as far as is known. One of which no more is known is called by its id. */
  readonly leader: Effect.Effect<Member.Member | null>
  /** Waits until the group is followed: a server has answered, and it is heard of. It may wait without end: set a time-out. */
  readonly followed: Effect.Effect<void>
  /**
   * The view now, and every later event: `MemberJoined`, `MemberMoved`, `MemberChanged`, `MemberRemoved`, `LeaderChanged` of each election,
   * `WrongKey`, `FiberDied`. In the discovery window after the start: the empty view, and every event, of those who are there too.
   * They end with the observer. A reader that falls more than 4,096 events behind gets `EventsLost` in place of its oldest.
   */
  readonly subscribe: Effect.Effect<Subscription, never, Scope.Scope>
  /** Subscribes to the events after one that was read before, as `Group.subscribeAfter` does. */
  readonly subscribeAfter: (sequence: number) => Effect.Effect<Subscription, never, Scope.Scope>
  /** The events of {@link subscribe}: each run has a subscription of its own. */
  readonly events: Stream.Stream<Event.Event>
  /** The view now, then each later one. A slow reader skips views between; it always gets the newest. Ends with the observer. */
  readonly changes: Stream.Stream<View>
  readonly volume: Effect.Effect<Volume>
  /** Datagrams dropped since the start, by reason. */
  readonly dropped: Effect.Effect<Readonly<Record<string, number>>>
  /** Puts other keys in place of those in use, as the setting `key` spells them; a file of keys is followed by itself. */
  readonly useKeys: Keys.UseKeys
  /** Waits, and fails once the observer cannot go on: its fibers died again and again. */
  readonly failed: Effect.Effect<never, GroupFailed>
}

/**
 * The observer of the one group that an app watches.
 *
 * @category services
 * @since 0.1.0
 */
export class Observer extends Context.Service<Observer, ObserverShape>()("bellwether/client/Observer") {}

/** For how long, in ms, nothing may be heard of a group that is followed, if its questions do not come less often. */
const quiet = 12_000
/** How long, in ms, an answer may take. */
const patience = 2_000
const look = "1 second"

const viewOf = (observation: Observation.Observation, isFollowed: boolean): View => {
  const { last = null, reign = null } = observation.elections.get("") ?? {}
  return { members: Observation.membersOf(observation), reign, term: (reign ?? last)?.term ?? 0, isFollowed }
}

const nothing: View = { members: [], reign: null, term: 0, isFollowed: false }

/**
 * Starts an observer from settings that are already checked.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromSettings = Effect.fn("Observer.start")(function*(
  settings: Settings.Settings
): Effect.fn.Return<ObserverShape, ObserverError, Scope.Scope | Datagrams.Datagrams> {
  const view = yield* Latest.make<View>(nothing)
  const hub = yield* EventHub.make<View, Event.Event>(view.get, settings.eventHistory)
  const found = yield* Deferred.make<void>()
  const quietFor = Math.max(quiet, 2 * Duration.toMillis(settings.heartbeatInterval) + patience)
  const clock = yield* Clock.Clock
  const monotonic = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  let shown = 0
  const show = (observation: Observation.Observation) => {
    const isFollowed = observation.answeredBy !== null && monotonic() - observation.heardAt < quietFor
    if (isFollowed) Deferred.doneUnsafe(found, Effect.void)
    if (observation.version === shown && isFollowed === view.get().isFollowed) return
    shown = observation.version
    view.set(viewOf(observation, isFollowed))
  }
  const observing = yield* Observing.make(settings, (events, after) => {
    // A reader that hears of an event sees the group as it is after it.
    show(after)
    for (const event of events) hub.publish(event)
  })
  const { observation, supervisor } = observing
  const lookAgain = Effect.sync(() => show(observation()))
  yield* supervisor.keep("looking", Effect.forever(Effect.andThen(Effect.sleep(look), lookAgain)))
  yield* Effect.forkScoped(Effect.andThen(Effect.sleep(settings.discoveryWindow), Effect.sync(hub.forgetBeginning)))
  const now = Effect.sync(view.get)
  return {
    settings,
    view: now,
    members: Effect.map(now, ({ members }) => members),
    reign: Effect.map(now, ({ reign }) => reign),
    leader: Effect.map(now, ({ reign }) => reign === null ? null : Observation.memberOf(observation(), reign.leader)),
    followed: Deferred.await(found),
    subscribe: hub.subscribe,
    subscribeAfter: hub.subscribeAfter,
    events: Stream.unwrap(Effect.map(hub.subscribe, ({ events }) => events)),
    changes: view.changes,
    volume: Effect.sync(() => ({ ...observing.volume })),
    dropped: observing.dropped,
    useKeys: observing.useKeys,
    failed: supervisor.failed
  }
})

/**
 * Starts an observer: it ends when the scope closes, and nobody hears of it. It never reads the environment.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options: Options = {}
): Effect.Effect<ObserverShape, ObserverError, Scope.Scope | Datagrams.Datagrams> =>
  Effect.flatMap(Settings.make(options), fromSettings)

/**
 * The observer of one group for an app, with settings from code alone.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options = {}): Layer.Layer<Observer, ObserverError, Datagrams.Datagrams> =>
  Layer.effect(Observer, make(options))

/**
 * The same, with settings from the `ConfigProvider`: from `BELLWETHER_*`, from the same below a name of the app
 * (`Config.nested(Settings.config, "ORDERS")`), or each from where it says.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (
  config: Config.Wrap<Options> = Settings.config
): Layer.Layer<Observer, ObserverError | Config.ConfigError, Datagrams.Datagrams> =>
  Layer.effect(Observer, fromConfig(config))

const fromConfig = (config: Config.Wrap<Options>) => Effect.flatMap(Settings.fromConfig(config), make)

/**
 * A service for the observer of one of several groups in an app, so that they do not shadow each other:
 *
 * ```ts
 * import { Observer } from "bellwether"
 *
 * class Orders extends Observer.Service<Orders>()("app/Orders") {}
 *
 * export const layer = Orders.layer({ group: "orders" })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const Service = <Self>() =>
<const Id extends string>(
  id: Id
): Context.ServiceClass<Self, Id, ObserverShape> & {
  readonly layer: (options: Options) => Layer.Layer<Self, ObserverError, Datagrams.Datagrams>
  readonly layerConfig: (
    config: Config.Wrap<Options>
  ) => Layer.Layer<Self, ObserverError | Config.ConfigError, Datagrams.Datagrams>
} =>
  class extends Context.Service<Self, ObserverShape>()(id) {
    static readonly layer = (options: Options) => Layer.effect(this, make(options)) as never
    static readonly layerConfig = (config: Config.Wrap<Options>) => Layer.effect(this, fromConfig(config)) as never
  }
