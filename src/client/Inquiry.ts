/**
 * Asks a group for its members and its leader, without joining: nobody's view changes by it.
 *
 * ```ts import { Inquiry, Settings } from "bellwether" import * as NodeServer from "bellwether/NodeServer" import * as
 * Effect from "effect/Effect"
 *
 * export const whoLeads = Settings.make({ group: "orders" }).pipe( Effect.flatMap((settings) => Inquiry.leader(settings, {
 * timeout: "1 second" })), Effect.map(({ leader }) => leader), Effect.provide(NodeServer.layerDatagrams) ) ```
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import { type Address, formatAddress, type NodeId } from "../protocol/model/Member.ts"
import type * as Message from "../protocol/model/Message.ts"
import type * as Reign from "../protocol/model/Reign.ts"
import * as Zone from "../protocol/model/Zone.ts"
import * as Frame from "../protocol/wire/Frame.ts"
import * as Keys from "../server/Keys.ts"
import * as ListReading from "../server/ListReading.ts"
import * as Seeds from "../server/Seeds.ts"
import { SettingRefused } from "../settings/SettingRefused.ts"
import type * as Settings from "../settings/Settings.ts"
import * as Datagrams from "../transport/Datagrams.ts"
import * as Messenger from "../transport/Messenger.ts"
import * as Asked from "./Asked.ts"

/**
 * Nobody answered within the time-out. Either no server of the group runs, or it cannot be reached: the group, address,
 * port and interfaces asked by are told, and whether only this host was asked, and at which port. Programs exit with 3.
 *
 * @category errors
 * @since 0.1.0
 */
export class NoAnswer extends Schema.TaggedError<NoAnswer>()("NoAnswer", {
  ...Asked.Asked.fields,
  thisHost: Schema.Boolean,
  unicastPort: Schema.optionalKey(Schema.Natural)
}) {
  override readonly [Runtime.errorExitCode] = 3
  override readonly [Runtime.errorReported] = false
  override get message() {
    return this.thisHost ? Asked.nobodyHere(this) : Asked.nobody(this)
  }
}

/**
 * A server answered, but its list was longer than what came of it within the time-out (`within`, ms): `pages` of `of`.
 * Programs exit with 3.
 *
 * @category errors
 * @since 0.1.0
 */
export class ListUnfinished extends Schema.TaggedError<ListUnfinished>()("ListUnfinished", {
  from: Schema.String,
  pages: Schema.Natural,
  of: Schema.Natural,
  within: Schema.Natural
}) {
  override readonly [Runtime.errorExitCode] = 3
  override readonly [Runtime.errorReported] = false
  override get message() {
    return `${this.from} answered, but only ${this.pages} of the ${this.of} pages of its list came within ${this.within} ms; `
      + "try again, or with a longer time-out"
  }
}

/**
 * The answer of one server for its group: the members of its view, highest rank first, the leader and its term. `leader` is
 * null while nobody leads; `term` is then that of the last reign. A leader may be in no list: one that is just lost, or not
 * met yet. Host names and tags are left out if the server did not give them.
 *
 * @category models
 * @since 0.1.0
 */
export interface Answer {
  readonly members: ReadonlyArray<Message.Listed>
  readonly leader: Reign.Leader | null
  readonly term: number
  /** The server that answered. */
  readonly by: NodeId
  /** Where the answer came from. */
  readonly from: Address
}

/**
 * How to ask. `timeout` is how long to wait for the whole answer, 2 s unless set. With `thisHost` only a server of this
 * host is asked, and heard: the one at the `unicastPort` of the settings where that is set, else any of the group.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly timeout?: Duration.Input | undefined
  readonly thisHost?: boolean | undefined
}

/**
 * The settings by which a group is asked.
 *
 * @category models
 * @since 0.1.0
 */
export type Questioned = Pick<
  Settings.Settings,
  | "group"
  | "key"
  | "keyFile"
  | "keyMode"
  | "maxSessions"
  | "multicastAddress"
  | "port"
  | "unicastPort"
  | "ttl"
  | "interfaces"
  | "multicast"
  | "seeds"
  | "networks"
  | "heartbeatInterval"
>

/**
 * Asks by multicast, and asks the seeds. The leader is asked first, and any server of this host; while they do not answer,
 * more and more of the others are. If several answer, as in a group that was split, the first answer is taken.
 *
 * @category combinators
 * @since 0.1.0
 */
export const members = (
  settings: Questioned,
  options: Options = {}
): Effect.Effect<
  Answer,
  NoAnswer | ListUnfinished | SettingRefused | Datagrams.DatagramsFailed,
  Datagrams.Datagrams
> =>
  Effect.flatMap(
    inquire(settings, options, ListReading.isWhole),
    ({ asked, reading }) =>
      ListReading.isWhole(reading) ? Effect.succeed(answerOf(reading)) : Effect.fail(
        new ListUnfinished({
          from: formatAddress(reading.from),
          pages: reading.read,
          of: reading.of,
          within: asked.within
        })
      )
  )

/**
 * Asks in the same way, but only until the leader is known: `members` are those that were listed by then. If a part of a
 * list came within the time-out, that is the answer.
 *
 * @category combinators
 * @since 0.1.0
 */
export const leader = (
  settings: Questioned,
  options: Options = {}
): Effect.Effect<Answer, NoAnswer | SettingRefused | Datagrams.DatagramsFailed, Datagrams.Datagrams> =>
  Effect.map(inquire(settings, options, ListReading.tellsOfLeader), ({ reading }) => answerOf(reading))

const answerOf = ({ by, from, leader, lines, term }: ListReading.Reading): Answer => ({
  members: [...lines.values()],
  leader,
  term,
  by,
  from
})

const inquire = (settings: Questioned, options: Options, isEnough: (reading: ListReading.Reading) => boolean) =>
  Effect.scoped(Effect.gen(function*() {
    const { group, interfaces, multicast, multicastAddress, port, unicastPort } = settings
    const { thisHost = false } = options
    if (thisHost && !multicast && unicastPort === 0) return yield* notWithoutPort
    const timeout = Duration.fromInputUnsafe(options.timeout ?? Duration.seconds(2))
    const keys = yield* Keys.make(settings, Duration.toMillis(timeout))
    // The fixed port of a server on this host stays the server's.
    const endpoint = yield* (yield* Datagrams.Datagrams).open({
      multicastAddress,
      port,
      // A question for this host does not leave it.
      ttl: thisHost ? 0 : settings.ttl,
      interfaces,
      multicast,
      unicastPort: 0
    })
    const isExact = thisHost && unicastPort !== 0
    let reading: ListReading.Reading | undefined
    const reads = Effect.gen(function*() {
      // Names that take longer are asked when they are there.
      const seeds = yield* Seeds.make(thisHost ? { ...settings, seeds: [] } : settings, endpoint, namesWithin)
      const messenger = yield* Messenger.make(endpoint, Frame.groupTag(group), () => {}, seeds.holds, keys)
      return yield* ListReading.read({
        messenger,
        everybody: () =>
          isExact
            ? endpoint.local.map(({ ip }) => ({ ip, port: unicastPort }))
            : [...multicast ? [null] : [], ...seeds.addresses()],
        mayAnswer: (from) =>
          !thisHost || (Zone.isOfHost(from.ip, endpoint.local) && (!isExact || from.port === unicastPort)),
        timeout: Duration.toMillis(timeout),
        isEnough,
        onRead: (latest) => {
          reading = latest
        }
      })
    })
    yield* Effect.timeoutOption(reads, timeout)
    const how = Asked.asked(settings, endpoint, timeout)
    if (reading !== undefined) return { reading, asked: how }
    return yield* new NoAnswer({ ...how, thisHost, ...(isExact ? { unicastPort } : {}) })
  }))

/** For how long a question waits for names before it asks the seeds that have addresses. */
const namesWithin = Duration.millis(150)

const notWithoutPort = new SettingRefused({
  setting: "unicastPort",
  as: "--this-host",
  was: "given without multicast",
  allowed: "with multicast, or with the unicastPort of the server here set (BELLWETHER_UNICAST_PORT)"
})
