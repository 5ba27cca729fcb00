/**
 * A client of a group: it joins, sends messages that the leader acknowledges and relays to everybody, and receives the
 * messages of all clients. It is no member: nobody elects it. Over a `Datagrams` layer; `bellwether/NodeClient` has it with
 * real sockets.
 *
 * @since 0.1.0
 */
import type * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Closing from "../engine/Closing.ts"
import * as Drops from "../engine/Drops.ts"
import type * as EventHub from "../engine/EventHub.ts"
import type { GroupFailed } from "../engine/GroupFailed.ts"
import * as Outbox from "../engine/Outbox.ts"
import * as Span from "../engine/Span.ts"
import * as Supervisor from "../engine/Supervisor.ts"
import * as Tickets from "../engine/Tickets.ts"
import * as ClientStep from "../protocol/delivery/ClientStep.ts"
import * as Identity from "../protocol/model/Client.ts"
import type * as ClientEvent from "../protocol/model/ClientEvent.ts"
import * as Member from "../protocol/model/Member.ts"
import type * as Reign from "../protocol/model/Reign.ts"
import type * as Topic from "../protocol/model/Topic.ts"
import * as Frame from "../protocol/wire/Frame.ts"
import * as Inbox from "../server/Inbox.ts"
import * as Keys from "../server/Keys.ts"
import * as Publishing from "../server/Publishing.ts"
import * as Seeds from "../server/Seeds.ts"
import * as Submitting from "../server/Submitting.ts"
import type { SettingRefused } from "../settings/SettingRefused.ts"
import * as Settings from "../settings/Settings.ts"
import { waitOf } from "../settings/Wait.ts"
import * as Datagrams from "../transport/Datagrams.ts"
import * as Messenger from "../transport/Messenger.ts"
import * as ClientEngine from "./ClientEngine.ts"
import { ClientClosed, type NobodyLeads, type OlderReaders, type QueueFull, type SendError } from "./ClientError.ts"
import * as Freshness from "./Freshness.ts"
import * as Joining from "./Joining.ts"
import * as Sending from "./Sending.ts"
import type { View } from "./View.ts"

export {
  BodyNotJson,
  BodyTooLarge,
  ClientClosed,
  NobodyLeads,
  OlderReaders,
  QueueFull,
  type SendError
} from "./ClientError.ts"

export { GroupFailed } from "../engine/GroupFailed.ts"

/**
 * Why a client could not start: a setting was refused before any socket was opened, or a socket could not be.
 *
 * @category errors
 * @since 0.1.0
 */
export type ClientError = SettingRefused | Datagrams.DatagramsFailed

/**
 * How long to wait: until let in by `join` (10 s unless set), until acknowledged by `send` (1 minute unless set: a group
 * whose leader dies silently has another one by then, at the times of the standard profile).
 *
 * @category models
 * @since 0.1.0
 */
export interface Patience {
  readonly joinTimeout?: Duration.Input | undefined
  readonly sendTimeout?: Duration.Input | undefined
}

const patience: ReadonlyArray<keyof Patience> = ["joinTimeout", "sendTimeout"]

/**
 * The options of a client. Of the settings, those that locate the group matter to a client (`group`, its keys,
 * `multicastAddress`, `port`, `ttl`, `interfaces`, `multicast`, `seeds`, `networks`), its `name`, `maxMessageBytes`, and
 * `heartbeatInterval`, the time between two of its signs of life; it gets by without the others. Its socket has any free port.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends Settings.Options, Patience {}

export type {
  /**
   * The state of a client at one moment.
   *
   * @category models
   * @since 0.1.0
   */
  View
} from "./View.ts"

/**
 * A view and all that follows it, with no gap: as `Group.Subscription` has them for a server.
 *
 * @category models
 * @since 0.1.0
 */
export type Subscription = EventHub.Subscription<View, ClientEvent.ClientEvent>

/**
 * The operations of a client.
 *
 * @category models
 * @since 0.1.0
 */
export interface ClientShape {
  /** This client, as others see it. */
  readonly self: Identity.Client
  /** Waits until the leader has let us in, `joinTimeout` at most; tried on, it succeeds later. */
  readonly join: Effect.Effect<void, NobodyLeads | ClientClosed>
  /**
   * Sends a message on the default topic and waits until the leader has it and has relayed it; the answer is its `seq`. It is
   * sent again until then, to the next leader too, and is relayed once.
   *
   * A body takes `maxMessageBytes` of JSON at most. Above 512 bytes it goes in parts of so many; then each server and client of
   * the group must know of parts, or it fails with `OlderReaders`.
   *
   * Order: in the order of the calls, also of those that do not wait for each other. At most 64 are on their way; 1,024
   * more wait, each part counted. Interrupted, or not acknowledged within `sendTimeout`, a message is taken back if it has not gone out yet;
   * if it has, nothing can take it back, and it is sent on until it is acknowledged. A `within` below 1 ms is a defect.
   */
  readonly send: (
    body: Identity.Body,
    options?: Sending.Call
  ) => Effect.Effect<number, SendError>
  /**
   * The same on a topic: in one order with all else that this client sends. Each server and client of the group must know of
   * topics, or it fails with `OlderReaders`. A body that its schema cannot write fails with `BodyNotJson`.
   */
  readonly publish: <A>(topic: Topic.Topic<A>, body: A, options?: Sending.Call) => Effect.Effect<number, SendError>
  /** What is published on other topics than the default one, by clients and by servers. */
  readonly topics: Publishing.Reading
  /** Waits until all that was sent is acknowledged. */
  readonly drain: Effect.Effect<void>
  /**
   * Messages of all clients on the default topic, our own included, from now on: each run has a subscription of its own. Order and bounds are
   * those of `Inbox`. Messages from before we joined do not come.
   */
  readonly messages: Stream.Stream<Inbox.Message>
  /** The same messages, for an app that must subscribe before it reads: `inbox.subscribe`. */
  readonly inbox: Inbox.InboxShape
  /** The leader that we talk to; null while we know of none. */
  readonly leader: Effect.Effect<Reign.Leader | null>
  readonly reign: Effect.Effect<Reign.Reign | null>
  /**
   * The state now, and every later event; in the discovery window after the start, the state at the start and every event.
   * They end after `Left`.
   */
  readonly subscribe: Effect.Effect<Subscription, never, Scope.Scope>
  /** Subscribes to the events after one that was read before, as `Group.subscribeAfter` does. */
  readonly subscribeAfter: (sequence: number) => Effect.Effect<Subscription, never, Scope.Scope>
  /**
   * The events of {@link subscribe}: each run has a subscription of its own. Each reader has a queue of its own: one that falls more
   * than 4,096 events behind gets `EventsLost` in place of its oldest. Neither the client nor another reader waits for it or loses anything.
   */
  readonly events: Stream.Stream<ClientEvent.ClientEvent>
  /** Datagrams dropped since the start, by reason. */
  readonly dropped: Effect.Effect<Readonly<Record<string, number>>>
  /** Puts other keys in place of those in use, as the setting `key` spells them; a file of keys is followed by itself. */
  readonly useKeys: Keys.UseKeys
  /** Waits, and fails once the client cannot go on: its fibers died again and again. */
  readonly failed: Effect.Effect<never, GroupFailed>
}

/**
 * The client of the one group of an app.
 *
 * @category services
 * @since 0.1.0
 */
export class Client extends Context.Service<Client, ClientShape>()("bellwether/client/Client") {}

const defaults = { joinTimeout: Duration.seconds(10), sendTimeout: Duration.minutes(1) } as const

const newId = Effect.map(
  Effect.all([Random.next, Random.next]),
  (numbers) =>
    Identity.ClientId.make(
      numbers.map((number) => Math.floor(number * 0x1_0000_0000).toString(16).padStart(8, "0")).join("")
    )
)

/**
 * Starts a client from settings that are already checked.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromSettings = Effect.fn("Client.start")(function*(
  settings: Settings.Settings,
  patience: Patience = {}
): Effect.fn.Return<ClientShape, ClientError, Scope.Scope | Datagrams.Datagrams> {
  const joinWithin = yield* waitOf("joinTimeout", patience.joinTimeout, defaults.joinTimeout)
  const sendWithin = yield* waitOf("sendTimeout", patience.sendTimeout, defaults.sendTimeout)
  const { memberTimeout } = Settings.timing(settings)
  const { hear, keys } = yield* Freshness.following(yield* Keys.make(settings, memberTimeout), memberTimeout)
  // The fixed port of a server on this host stays the server's.
  const endpoint = yield* (yield* Datagrams.Datagrams).open({ ...settings, unicastPort: 0 })
  const seeds = yield* Seeds.make(settings, endpoint)
  const self: Identity.Client = { id: yield* newId, name: nameOf(settings, endpoint) }
  const drops = Drops.make()
  const messenger = yield* Messenger.make(endpoint, Frame.groupTag(settings.group), drops.count, seeds.holds, keys)
  const supervisor = yield* Supervisor.make(() => Effect.void)
  const outbox = yield* Outbox.make(drops.count, supervisor)
  const { inbox, offer, on } = yield* Inbox.make((limit) => engine.offer({ _tag: "Room", limit }))
  const topics = yield* Publishing.reading(on, () => drops.count("BodyRefused"))
  const tickets = yield* Tickets.make<OlderReaders | QueueFull, ClientClosed>(() => new ClientClosed())
  const engine: ClientEngine.ClientEngine = yield* ClientEngine.make({
    initial: initialState(self, settings),
    outbox,
    everywhere: (leader) => everywhere(settings, seeds.addresses(), leader),
    tickets,
    deliver: offer,
    drop: drops.count,
    supervisor
  })
  yield* outbox.run({ messenger, outcome: () => {} })
  yield* listen(messenger, hear, engine, supervisor)
  yield* resolveSeeds(settings, seeds, supervisor)
  const useKeys = yield* followKeys(keys, settings, supervisor)
  engine.offer({ _tag: "Start" })
  const closed = yield* Deferred.make<never, ClientClosed>()
  const leave = Effect.all([Deferred.fail(closed, new ClientClosed()), tickets.close, engine.step({ _tag: "Leave" })])
  // Last acquired, first released: while it leaves, everything above still runs.
  yield* Effect.addFinalizer(() => Closing.waitFor(Effect.andThen(leave, outbox.farewell), Closing.goodbyeWithin))
  const { forgetBeginning, subscribe, subscribeAfter } = engine.hub
  yield* Effect.forkScoped(Effect.andThen(Effect.sleep(settings.discoveryWindow), Effect.sync(forgetBeginning)))
  const nobody = Joining.nobody(engine, settings, endpoint)
  const reign = Effect.map(engine.state, ({ reign }) => reign)
  const sending = Sending.send({ ...settings, engine, tickets, within: sendWithin, nobody })
  return {
    self,
    ...saying(Joining.join(engine, Deferred.await(closed), joinWithin, nobody), sending, about(settings, self)),
    topics,
    drain: engine.drain,
    messages: inbox.messages,
    inbox,
    leader: Effect.map(reign, (reign) => reign?.leader ?? null),
    reign,
    subscribe,
    subscribeAfter,
    events: Stream.unwrap(Effect.map(subscribe, ({ events }) => events)),
    dropped: Drops.withEndpoint(drops, endpoint),
    useKeys,
    failed: supervisor.failed
  }
})

const nameOf = ({ name }: Settings.Settings, { hostname }: Pick<Datagrams.Endpoint, "hostname">) =>
  name ?? Member.shortened(hostname, Member.limits.name)

const initialState = (client: Identity.Client, { heartbeatInterval, maxMessageBytes }: Settings.Settings) =>
  ClientStep.make({ client, interval: Math.round(Duration.toMillis(heartbeatInterval)), maxMessageBytes })

/** The ways to say something, each a span. */
const saying = (
  join: ClientShape["join"],
  send: ReturnType<typeof Sending.send>,
  span: ReturnType<typeof about>
): Pick<ClientShape, "join" | "publish" | "send"> => ({
  join: Span.within(join, "Client.join", span),
  send: (body, options) => Span.within(send(body, options), "Client.send", span),
  publish: (topic, body, options) =>
    Span.within(
      Effect.flatMap(Submitting.encode(topic, body), (json) => send(json, options, topic.name)),
      "Client.publish",
      span
    )
})

/** What spans of a client say of it. */
const about = ({ group }: Settings.Settings, { id }: Identity.Client) => ({ attributes: { group, client: id } })

const listen = (
  messenger: Messenger.Messenger,
  hear: Freshness.Following["hear"],
  engine: ClientEngine.ClientEngine,
  supervisor: Supervisor.Supervisor
) =>
  supervisor.keep(
    "listener",
    Effect.forever(Effect.map(messenger.receive, (all) => {
      for (const received of all) {
        hear(received.message)
        engine.offer({ _tag: "Received", ...received })
      }
    }))
  )

const resolveSeeds = (
  { heartbeatInterval, seeds }: Settings.Settings,
  { resolve }: Seeds.Seeds,
  supervisor: Supervisor.Supervisor
) => {
  if (seeds.length === 0) return Effect.void
  const spacing = Duration.max(heartbeatInterval, Duration.seconds(1))
  return supervisor.keep("seeds", Effect.schedule(resolve, Schedule.spaced(spacing)))
}

/** Changes of the keys go to the log: a client has no event for them. */
const followKeys = (keys: Keys.Keys, settings: Settings.Settings, supervisor: Supervisor.Supervisor) => {
  const refused = (why: string) => Effect.logWarning(`the keys stay as they were: ${why}`)
  return Keys.follow(keys, settings, supervisor, () => Effect.void, refused, Keys.warnOfExposure)
}

/** Where what is said to the group goes: by multicast (null), unless that is off, and to the seeds and the leader besides. */
const everywhere = (
  { multicast, seeds }: Pick<Settings.Settings, "multicast" | "seeds">,
  found: ReadonlyArray<Member.Address>,
  leader: Member.Address | null
): ReadonlyArray<Member.Address | null> => {
  const group = multicast ? [null] : []
  if (seeds.length === 0) return multicast || leader === null ? group : [leader]
  const isSeed = found.some((seed) => seed.ip === leader?.ip && seed.port === leader.port)
  return [...group, ...found, ...leader === null || isSeed ? [] : [leader]]
}

/**
 * Starts a client: it begins to join at once, and leaves when the scope closes, within one second. Messages that are not
 * acknowledged by then are given up: {@link ClientShape.drain} waits for them. It never reads the environment.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options: Options = {}
): Effect.Effect<ClientShape, ClientError, Scope.Scope | Datagrams.Datagrams> =>
  Effect.flatMap(Settings.make(options, patience), (settings) => fromSettings(settings, options))

/**
 * The client of one group for an app, with settings from code alone.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options = {}): Layer.Layer<Client, ClientError, Datagrams.Datagrams> =>
  Layer.effect(Client, make(options))

/**
 * The same, with settings from the `ConfigProvider`: from `BELLWETHER_*`, from the same below a name of the app
 * (`Config.nested(Settings.config, "ORDERS")`), or each from where it says.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (
  config: Config.Wrap<Options> = Settings.config
): Layer.Layer<Client, ClientError | Config.ConfigError, Datagrams.Datagrams> =>
  Layer.effect(Client, fromConfig(config))

const fromConfig = (config: Config.Wrap<Options>) => Effect.flatMap(Settings.fromConfig(config), make)

/**
 * A service for the client of one of several groups in an app, so that they do not shadow each other:
 *
 * ```ts
 * import { Client } from "bellwether"
 *
 * class Orders extends Client.Service<Orders>()("app/Orders") {}
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
): Context.ServiceClass<Self, Id, ClientShape> & {
  readonly layer: (options: Options) => Layer.Layer<Self, ClientError, Datagrams.Datagrams>
  readonly layerConfig: (
    config: Config.Wrap<Options>
  ) => Layer.Layer<Self, ClientError | Config.ConfigError, Datagrams.Datagrams>
} =>
  class extends Context.Service<Self, ClientShape>()(id) {
    static readonly layer = (options: Options) => Layer.effect(this, make(options)) as never
    static readonly layerConfig = (config: Config.Wrap<Options>) => Layer.effect(this, fromConfig(config)) as never
  }
