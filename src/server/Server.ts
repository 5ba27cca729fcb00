/**
 * A server: all of this floor composed, over a `Datagrams` layer. `bellwether/NodeServer` has it with real sockets.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import type * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Closing from "../engine/Closing.ts"
import * as Counters from "../engine/Counters.ts"
import * as Drops from "../engine/Drops.ts"
import type { GroupFailed } from "../engine/GroupFailed.ts"
import * as Supervisor from "../engine/Supervisor.ts"
import * as Tickets from "../engine/Tickets.ts"
import * as Flights from "../protocol/delivery/Flights.ts"
import type * as Member from "../protocol/model/Member.ts"
import type { State } from "../protocol/model/State.ts"
import * as Timing from "../protocol/model/Timing.ts"
import * as Step from "../protocol/Step.ts"
import * as Frame from "../protocol/wire/Frame.ts"
import * as Session from "../protocol/wire/Session.ts"
import type { SettingRefused } from "../settings/SettingRefused.ts"
import * as Settings from "../settings/Settings.ts"
import type * as CrashLinks from "../transport/CrashLinks.ts"
import * as Datagrams from "../transport/Datagrams.ts"
import * as Messenger from "../transport/Messenger.ts"
import * as Cleanup from "./Cleanup.ts"
import * as Discovery from "./Discovery.ts"
import * as Doubles from "./Doubles.ts"
import * as Election from "./Election.ts"
import * as Group from "./Group.ts"
import * as Heartbeat from "./Heartbeat.ts"
import * as Inbox from "./Inbox.ts"
import * as KeepingLinks from "./KeepingLinks.ts"
import * as Keys from "./Keys.ts"
import * as LanBackend from "./LanBackend.ts"
import * as Leadership from "./Leadership.ts"
import * as Leaderships from "./Leaderships.ts"
import * as LeadingWork from "./LeadingWork.ts"
import * as Lock from "./Lock.ts"
import * as Members from "./Members.ts"
import * as OtherGroups from "./OtherGroups.ts"
import * as OwnAddresses from "./OwnAddresses.ts"
import * as OwnDescription from "./OwnDescription.ts"
import * as OwnMember from "./OwnMember.ts"
import * as Pairing from "./Pairing.ts"
import * as Partitions from "./Partitions.ts"
import * as Publishing from "./Publishing.ts"
import * as Seeds from "./Seeds.ts"
import * as ServerEngine from "./ServerEngine.ts"
import * as Sessions from "./Sessions.ts"
import * as Talk from "./Talk.ts"

/**
 * What a server is to its app.
 *
 * @category models
 * @since 0.1.0
 */
export interface ServerShape {
  readonly group: Group.GroupShape
  readonly leadership: Leadership.LeadershipShape
  /**
   * Puts other keys in place of those in use, as the setting `key` spells them, with no member lost as long as each server
   * knows the key with which the others seal. `keyMode` stays.
   */
  readonly useKeys: Keys.UseKeys
  readonly inbox: Inbox.InboxShape
  readonly publishing: Publishing.PublishingShape
  readonly members: Members.MembersShape
  readonly partitions: Partitions.PartitionsShape
  readonly locks: Lock.LockShape
  /** On which `bellwether/Cluster` stands. */
  readonly sessions: Sessions.SessionsShape
}

/**
 * Why a server could not start: a setting was refused before any socket was opened, or a socket could not be.
 *
 * @category errors
 * @since 0.1.0
 */
export type ServerError = SettingRefused | Datagrams.DatagramsFailed

/**
 * What the protocol goes by, of these settings.
 *
 * @internal
 */
export const timingOf = (settings: Settings.Settings): Timing.Timing => ({
  ...Settings.timing(settings),
  multicast: settings.multicast,
  preempt: settings.preempt,
  minimumMembers: settings.minimumMembers,
  maxHeartbeatsPerSecond: settings.maxHeartbeatsPerSecond,
  maxMembers: settings.maxMembers,
  maxClients: settings.maxClients,
  maxTombstones: settings.maxTombstones,
  maxMessageBytes: settings.maxMessageBytes,
  lease: Settings.agreement(settings),
  votes: settings.votes
})

/**
 * Starts a server from settings that are already checked.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromSettings = Effect.fn("Server.start")(function*(
  settings: Settings.Settings
): Effect.fn.Return<ServerShape, ServerError, Scope.Scope | Datagrams.Datagrams> {
  const clock = yield* Clock.Clock
  const keys = yield* Keys.make(settings, Settings.timing(settings).memberTimeout)
  const { open, owner } = yield* Datagrams.Datagrams
  const endpoint = yield* open(settings)
  // First: while names are resolved, the network may come, and who we are is told by its address.
  const seeds = yield* Seeds.make(settings, endpoint)
  const self = OwnMember.make(settings, endpoint, clock.currentTimeMillisUnsafe())
  yield* Doubles.note(owner, settings, self)
  // All that its fibers log says whose it is: there may be several groups in one process.
  const ours = { group: settings.group, node: self.id }
  yield* Effect.annotateCurrentSpan(ours)
  const { failed, parts, useKeys } = yield* Effect.annotateLogs(run({ settings, keys, endpoint, seeds, self }), ours)
  const { counters, drops, inbox, links, messenger, publishing, state, supervisor, talk, works } = parts
  const dropped = Drops.withEndpoint(drops, endpoint)
  const backend = LanBackend.make(state, ours)
  const leadership = Leaderships.make(backend, works)
  const group = Group.make({
    settings,
    backend,
    state,
    failed,
    fail: supervisor.giveUp,
    dropped,
    counters,
    messenger,
    ...OwnDescription.make(state, links)
  })
  const role = yield* Pairing.Pairing
  role?.take({
    backend,
    group,
    works,
    heard: (election, term) => state.step({ _tag: "Heard", election, term }),
    enclosed: null
  })
  return {
    group,
    leadership,
    useKeys,
    inbox,
    publishing,
    members: talk.members,
    partitions: Partitions.over(state, settings.stopTimeout, ours),
    locks: Lock.make(state, settings),
    sessions: { hold: state.hold, lease: Settings.agreement(settings), stopTimeout: settings.stopTimeout }
  }
})

/** Starts all of it. */
const run = Effect.fnUntraced(function*(origin: Origin) {
  const parts = yield* assemble(origin)
  const useKeys = yield* runFibers(parts)
  const { failed } = yield* runUntilLeft(parts)
  return { parts, useKeys, failed }
})

/** What a server is made from. */
interface Origin {
  readonly settings: Settings.Settings
  readonly keys: Keys.Keys
  readonly endpoint: Datagrams.Endpoint
  readonly seeds: Seeds.Seeds
  readonly self: Member.Member
}

/** What a server is made of. */
interface Parts extends Origin {
  readonly state: ServerEngine.ServerEngine
  readonly supervisor: Supervisor.Supervisor
  readonly messenger: Messenger.Messenger
  readonly works: LeadingWork.All
  readonly drops: Drops.Drops
  readonly counters: Counters.Counters
  readonly others: OtherGroups.OtherGroups
  readonly inbox: Inbox.InboxShape
  readonly publishing: Publishing.PublishingShape
  readonly tickets: Tickets.Tickets<Publishing.NotTaken, Publishing.NotPublished>
  readonly talk: Talk.Talk
  readonly links: CrashLinks.CrashLinks | null
}

/** A session is believed for as long as a member may be silent that leads nothing. */
const freshnessIn = ({ members, timing }: State): Session.Freshness =>
  Session.freshness(Timing.patience(timing, Timing.intervalBeside(timing, members.length)))

/** What becomes of a message that the app published: its number, or why it was not taken. */
const outcomeOf = (output: ServerEngine.Published) =>
  output._tag === "Published"
    ? Exit.succeed(output.seq)
    : Exit.fail(Publishing.notTaken(output.older, Flights.queueLimit))

/** Puts the parts together. Nothing runs yet. */
const assemble = Effect.fnUntraced(function*(origin: Origin): Effect.fn.Return<Parts, never, Scope.Scope> {
  const { endpoint, keys, seeds, settings } = origin
  const clock = yield* Clock.Clock
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const works = LeadingWork.makeAll(settings.stopTimeout)
  const supervisor = yield* Supervisor.make((fiber, cause, deaths) =>
    Effect.suspend(() => state.tell({ event: "FiberDied", fiber, cause, deaths }))
  )
  const drops = Drops.make(Cleanup.toNotice)
  const counters = Counters.make(origin.self.id)
  const { inbox, offer, on } = yield* Inbox.make((limit) => state.offer({ _tag: "Room", limit }))
  const reading = yield* Publishing.reading(on, () => drops.count("BodyRefused"))
  const tickets = yield* Tickets.make<Publishing.NotTaken, Publishing.NotPublished>(Publishing.left)
  const talk = yield* Talk.make({
    step: (input) => state.offer(input),
    state: () => state.stateUnsafe(),
    counting: counters.talk
  })
  const timing = timingOf(settings)
  const ring = keys.ring
  const links = yield* KeepingLinks.open({
    settings,
    endpoint,
    ring,
    self: origin.self,
    state: () => state.stateUnsafe()
  })
  const self = KeepingLinks.announced(origin.self, links)
  const state: ServerEngine.ServerEngine = yield* ServerEngine.make({
    group: settings.group,
    initial: Step.make({ timing, self, addresses: endpoint.local, seeds: seeds.addresses(), monotonic: now() }),
    drops,
    counters,
    eventHistory: settings.eventHistory,
    works,
    deliver: offer,
    published: (output) => tickets.answer(output.ticket, outcomeOf(output)),
    talk: talk.carryOut,
    links,
    paused: () => messenger.renew(),
    supervisor
  })
  const others = OtherGroups.make(settings.heartbeatInterval)
  const onDrop = (reason: Messenger.DropReason, datagram?: Datagrams.Received): void => {
    drops.count(reason)
    if (reason !== "OtherGroup" || datagram === undefined) return
    others.hear(Frame.tagOf(datagram.payload), datagram.from, now())
  }
  const messenger = yield* Messenger.make(endpoint, Frame.groupTag(settings.group), onDrop, seeds.holds, {
    ...keys,
    freshness: () => freshnessIn(state.stateUnsafe())
  })
  const publishing = Publishing.make(reading, state, tickets, settings.maxMessageBytes)
  const told = { drops, counters, others, inbox, publishing, tickets, talk }
  return { ...origin, self, links, state, supervisor, messenger, works, ...told }
})

/** Starts what a server does all the time. Gives the way to put other keys in place. */
const runFibers = Effect.fnUntraced(function*(parts: Parts): Effect.fn.Return<Keys.UseKeys, never, Scope.Scope> {
  const { counters, drops, endpoint, keys, links, messenger, others, seeds, self, settings, state, supervisor } = parts
  yield* state.outbox.run({ messenger, outcome: state.offer })
  yield* Election.run(timingOf(settings), state, supervisor)
  yield* seeds.run(state, supervisor)
  const addresses = OwnAddresses.make(endpoint, state, self, () => keys.ring().keys.length > 0)
  yield* Discovery.run(settings, state, messenger, addresses.hear, supervisor)
  yield* Heartbeat.run(settings, state, counters, supervisor)
  yield* KeepingLinks.run(links, state, supervisor)
  yield* Cleanup.run(settings, state, drops, others, supervisor)
  const { judge, useKeys } = yield* Keys.run(keys, settings, endpoint, state, supervisor)
  yield* OwnAddresses.run(addresses, endpoint, judge, state, supervisor)
  return useKeys
})

/** The server leaves when the scope closes, or when it cannot go on: then `failed` fails. */
const runUntilLeft = Effect.fnUntraced(function*(
  { settings, state, supervisor, tickets }: Parts
): Effect.fn.Return<{ readonly failed: Effect.Effect<never, GroupFailed> }, never, Scope.Scope> {
  // Leading work has its own time to end first, also where it is none of the scope's: the goodbye says that it has.
  const leave = Closing.waitFor(
    Effect.andThen(Effect.andThen(tickets.close, state.step({ _tag: "Leave" })), state.outbox.farewell),
    Duration.sum(settings.stopTimeout, Closing.goodbyeWithin)
  )
  // Last acquired, first released: while it says goodbye, every fiber still runs.
  yield* Effect.addFinalizer(() => leave)
  // From here, and not from when the server knows its group: on a busy host it may do so before anybody could subscribe.
  yield* Effect.forkScoped(Effect.andThen(Effect.sleep(settings.discoveryWindow), state.forgetBeginning))
  const failed = yield* Deferred.make<never, GroupFailed>()
  yield* supervisor.failed.pipe(
    Effect.catch((error) => Effect.andThen(leave, Deferred.fail(failed, error))),
    Effect.forkScoped
  )
  return { failed: Deferred.await(failed) }
})

/**
 * Starts a server: it is announced at once, knows its group within the discovery window, and says goodbye when the scope
 * closes: within one second after its leading work has ended, which may take `stopTimeout`. It never reads the environment.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options: Settings.Options = {}
): Effect.Effect<ServerShape, ServerError, Scope.Scope | Datagrams.Datagrams> =>
  Effect.flatMap(Settings.make(options), fromSettings)

/**
 * The services of the one group of an app.
 *
 * @category models
 * @since 0.1.0
 */
export type Services =
  | Group.Group
  | Leadership.Leadership
  | Inbox.Inbox
  | Members.Members
  | Publishing.Publishing
  | Partitions.Partitions
  | Lock.Lock
  | Sessions.Sessions

/**
 * The services that a server is.
 *
 * @internal
 */
export const services = (server: ServerShape): Context.Context<Services> =>
  Context.make(Group.Group, server.group).pipe(
    Context.add(Leadership.Leadership, server.leadership),
    Context.add(Inbox.Inbox, server.inbox),
    Context.add(Publishing.Publishing, server.publishing),
    Context.add(Members.Members, server.members),
    Context.add(Partitions.Partitions, server.partitions),
    Context.add(Lock.Lock, server.locks),
    Context.add(Sessions.Sessions, server.sessions)
  )

/**
 * One group for an app: `Group`, `Leadership`, `Inbox`, `Members`, `Publishing`, `Partitions` and `Lock`, with settings from code
 * alone.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Settings.Options = {}
): Layer.Layer<Services, ServerError, Datagrams.Datagrams> => Layer.effectContext(Effect.map(make(options), services))

/**
 * The same, with settings from the `ConfigProvider`: from `BELLWETHER_*`, from the same below a name of the app, or each from
 * where it says.
 *
 * ```ts
 * import { Server, Settings } from "bellwether"
 * import * as Config from "effect/Config"
 *
 * export const fromEnvironment = Server.layerConfig()
 * export const below = Server.layerConfig(Config.nested(Settings.config, "ORDERS"))
 * export const each = Server.layerConfig({ group: Config.String("ORDERS_GROUP"), port: Config.Port("ORDERS_PORT") })
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (
  config: Config.Wrap<Settings.Options> = Settings.config
): Layer.Layer<Services, ServerError | Config.ConfigError, Datagrams.Datagrams> =>
  Layer.effectContext(Effect.map(fromConfig(config), services))

const fromConfig = (config: Config.Wrap<Settings.Options>) => Effect.flatMap(Settings.fromConfig(config), make)

/**
 * A service for one of several groups in an app, so that they do not shadow each other:
 *
 * ```ts
 * import { Server, Settings } from "bellwether"
 * import * as Config from "effect/Config"
 *
 * class Orders extends Server.Service<Orders>()("app/Orders") {}
 * class Billing extends Server.Service<Billing>()("app/Billing") {}
 *
 * export const layer = [
 *   Orders.layer({ group: "orders" }),
 *   Billing.layerConfig(Config.nested(Settings.config, "BILLING"))
 * ]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const Service = <Self>() =>
<const Id extends string>(
  id: Id
): Context.ServiceClass<Self, Id, ServerShape> & {
  readonly layer: (options: Settings.Options) => Layer.Layer<Self, ServerError, Datagrams.Datagrams>
  readonly layerConfig: (
    config: Config.Wrap<Settings.Options>
  ) => Layer.Layer<Self, ServerError | Config.ConfigError, Datagrams.Datagrams>
} =>
  class extends Context.Service<Self, ServerShape>()(id) {
    static readonly layer = (options: Settings.Options) => Layer.effect(this, make(options)) as never
    static readonly layerConfig = (config: Config.Wrap<Settings.Options>) =>
      Layer.effect(this, fromConfig(config)) as never
  }
