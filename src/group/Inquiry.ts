/**
 * Asks a group who is in it and who leads, without joining: nobody's view changes by it.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import * as Frame from "../protocol/Frame.ts"
import { type Address, formatAddress, type NodeId } from "../protocol/Member.ts"
import type * as Message from "../protocol/Message.ts"
import type * as Reign from "../protocol/Reign.ts"
import * as Rules from "../protocol/Rules.ts"
import * as Zone from "../protocol/Zone.ts"
import * as Datagrams from "../transport/Datagrams.ts"
import * as Messenger from "../transport/Messenger.ts"
import * as Keys from "./Keys.ts"
import * as Seeds from "./Seeds.ts"
import * as Setting from "./Setting.ts"
import type * as Settings from "./Settings.ts"

/**
 * How a group was asked: what to compare where nobody answers. `interfaces` are those that the question went out of; `within`
 * is how many ms were waited.
 *
 * @category models
 * @since 0.1.0
 */
export const Asked = Schema.Struct({
  group: Schema.String,
  multicastAddress: Schema.String,
  port: Schema.Natural,
  interfaces: Schema.Array(Schema.String),
  within: Schema.Natural
})

/**
 * @category models
 * @since 0.1.0
 */
export type Asked = typeof Asked.Type

/**
 * How these settings ask, over this endpoint, for so long.
 *
 * @category constructors
 * @since 0.1.0
 */
export const asked = (
  { group, multicastAddress, port }: Pick<Settings.Settings, "group" | "multicastAddress" | "port">,
  endpoint: Pick<Datagrams.Endpoint, "local">,
  within: Duration.Duration
): Asked => ({
  group,
  multicastAddress,
  port,
  interfaces: endpoint.local.map((local) => `${local.interface} (${local.ip})`),
  within: Math.round(Duration.toMillis(within))
})

/**
 * That nobody answered, and what to compare.
 *
 * @category conversions
 * @since 0.1.0
 */
export const nobody = ({ group, interfaces, multicastAddress, port, within }: Asked): string =>
  `nobody in group ${JSON.stringify(group)} answered within ${within} ms on ${multicastAddress}:${port} through ${
    interfaces.join(", ")
  }; check that a server runs, that group, key, address and port are the same there, the interface, and that no firewall `
  + "stops UDP"

const nobodyHere = ({ group, interfaces, multicastAddress, port, within }: Asked): string =>
  `no server of group ${
    JSON.stringify(group)
  } on this host answered within ${within} ms on ${multicastAddress}:${port} `
  + `through ${interfaces.join(", ")}; check that one runs here, and that its settings are those of this question`

/**
 * Nobody answered within the time-out. Either no server of the group runs, or it cannot be reached: the group, address,
 * port and interfaces asked by are told, and whether only this host was asked. Programs exit with 3.
 *
 * @category errors
 * @since 0.1.0
 */
export class NoAnswer extends Schema.TaggedError<NoAnswer>()("NoAnswer", {
  ...Asked.fields,
  thisHost: Schema.Boolean
}) {
  override readonly [Runtime.errorExitCode] = 3
  override readonly [Runtime.errorReported] = false
  override get message() {
    return this.thisHost ? nobodyHere(this) : nobody(this)
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
 * What one server answered for its group: those in its view, highest rank first, the leader and its term. `leader` is null
 * while nobody leads; `term` is then that of the last reign. A leader may be in no list: one that is just lost, or not met
 * yet. Host names and tags are left out where the server did not tell them.
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

type Questioned = Pick<
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
 * Asks by multicast, and asks the seeds. The leader is asked first, and any server of this host; while they do not
 * answer, more and more of the others are. Where several answer, as in a group that was split, the first is taken.
 *
 * @category constructors
 * @since 0.1.0
 */
export const members = (
  settings: Questioned,
  options: Options = {}
): Effect.Effect<
  Answer,
  NoAnswer | ListUnfinished | Setting.SettingRefused | Datagrams.DatagramsFailed,
  Datagrams.Datagrams
> =>
  Effect.flatMap(
    inquire(settings, options, isWhole),
    ({ asked, reading }) =>
      isWhole(reading) ? Effect.succeed(answerOf(reading)) : Effect.fail(
        new ListUnfinished({
          from: formatAddress(reading.from),
          pages: reading.read,
          of: reading.of,
          within: asked.within
        })
      )
  )

/**
 * Asks in the same way, but only until it is known who leads: `members` are those that were told by then. Where a part of
 * a list came within the time-out, that is the answer.
 *
 * @category constructors
 * @since 0.1.0
 */
export const leader = (
  settings: Questioned,
  options: Options = {}
): Effect.Effect<Answer, NoAnswer | Setting.SettingRefused | Datagrams.DatagramsFailed, Datagrams.Datagrams> =>
  Effect.map(inquire(settings, options, tellsOfLeader), ({ reading }) => answerOf(reading))

/** As much of somebody's list as has been read. */
interface Reading {
  readonly from: Address
  readonly by: NodeId
  readonly lines: ReadonlyMap<string, Message.Listed>
  readonly leader: Reign.Leader | null
  readonly term: number
  readonly view: number | undefined
  readonly read: number
  readonly of: number
}

interface Page {
  readonly message: Message.Of<"MEMBERS">
  readonly from: Address
}

const readOn = (before: Pick<Reading, "lines" | "read">, { from, message }: Page): Reading => ({
  from,
  by: message.from.id,
  lines: new Map([...before.lines, ...message.list.map((line) => [line.id, line] as const)]),
  leader: message.leader,
  term: message.term,
  view: message.view,
  read: before.read + 1,
  of: message.of
})

const unread = { lines: new Map(), read: 0 }

const isWhole = ({ of, read }: Reading): boolean => read >= of

const tellsOfLeader = (reading: Reading): boolean =>
  isWhole(reading) || reading.leader === null || reading.lines.has(reading.leader.id)

/** Whether a page is of another list than what was read: a member may be on neither. */
const isOfAnother = (reading: Reading, { message }: Page): boolean =>
  message.view !== reading.view || message.of !== reading.of

const answerOf = ({ by, from, leader, lines, term }: Reading): Answer => ({
  members: [...lines.values()],
  leader,
  term,
  by,
  from
})

const inquire = (settings: Questioned, options: Options, isEnough: (reading: Reading) => boolean) =>
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
      // What is for this host does not leave it.
      ttl: thisHost ? 0 : settings.ttl,
      interfaces,
      multicast,
      unicastPort: 0
    })
    const seeds = yield* Seeds.make(thisHost ? { ...settings, seeds: [] } : settings, endpoint)
    const messenger = yield* Messenger.make(endpoint, Frame.groupTag(group), () => {}, seeds.holds, keys)
    const isExact = thisHost && unicastPort !== 0
    let reading: Reading | undefined
    yield* Effect.timeoutOption(
      read({
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
      }),
      timeout
    )
    const how = asked(settings, endpoint, timeout)
    if (reading !== undefined) return { reading, asked: how }
    return yield* new NoAnswer({ ...how, thisHost })
  }))

const notWithoutPort = new Setting.SettingRefused({
  setting: "unicastPort",
  as: "--this-host",
  was: "given without multicast",
  allowed: "with multicast, or with the unicastPort of the server here set (BELLWETHER_UNICAST_PORT)"
})

/** How one question is asked. */
interface Question {
  readonly messenger: Messenger.Messenger
  readonly everybody: () => ReadonlyArray<Address | null>
  readonly mayAnswer: (from: Address) => boolean
  readonly timeout: number
  readonly isEnough: (reading: Reading) => boolean
  readonly onRead: (reading: Reading) => void
}

const newNonce = Effect.map(
  Effect.all([Random.next, Random.next]),
  (numbers) => numbers.map((number) => Math.floor(number * 0x1_0000_0000).toString(16).padStart(8, "0")).join("")
)

/** How often a page is asked for before the question begins anew: who answered may be gone. */
const pageTries = Rules.probeTries
/** How often a list is read anew since it changed meanwhile. One that changes all the time is taken as it comes. */
const changesMinded = 3
/** How many pages with details a server sends in half of that many ms: at first a burst, then 100 a second. */
const detailedPages = (timeout: number): number => 50 + timeout / 20

const read = Effect.fnUntraced(function*(question: Question) {
  const { isEnough, mayAnswer, onRead, timeout } = question
  let details = true
  let changes = 0
  while (true) {
    const nonce = yield* newNonce
    const about = { nonce, ...(details ? { details } : {}) }
    const first = yield* ask(question, question.everybody(), { ...about, page: 0 }, mayAnswer)
    if (details && first.message.of > detailedPages(timeout)) {
      details = false
      continue
    }
    let reading = readOn(unread, first)
    onRead(reading)
    while (!isEnough(reading)) {
      const { from, read } = reading
      const next = yield* ask(
        question,
        [from],
        { ...about, page: read },
        (other) => other.ip === from.ip && other.port === from.port
      ).pipe(Effect.timeoutOption(pageTries * gapOf(question)))
      if (Option.isNone(next)) break
      if (isOfAnother(reading, next.value) && changes < changesMinded) {
        changes += 1
        break
      }
      reading = readOn(reading, next.value)
      onRead(reading)
    }
    if (isEnough(reading)) return
  }
})

const gapOf = ({ timeout }: Question): number => Math.min(150, timeout / 8)
/** How often a question is said so fast; then every second. */
const fastTries = 12

/** At first the leader alone is to answer, then about 4, 16 and 50 of all. */
const wantedAt = (time: number) => time === 0 ? {} : { wanted: Math.min(4 ** time, Rules.answersWanted) }

/** Asks all of these for a page until it comes from somebody who may answer. */
const ask = (
  question: Question,
  to: ReadonlyArray<Address | null>,
  about: Omit<Message.Of<"MEMBERS_ASK">, "type">,
  mayAnswer: (from: Address) => boolean
) => {
  const { messenger } = question
  const asking = Effect.gen(function*() {
    for (let time = 0;; time += 1) {
      for (const one of to) {
        yield* Effect.catch(
          messenger.send(one, { type: "MEMBERS_ASK", ...about, ...wantedAt(time) }),
          // A network that is not there yet may come within the time-out.
          (error) => Effect.logDebug(error.message)
        )
      }
      yield* Effect.sleep(time < fastTries ? gapOf(question) : Math.max(gapOf(question), 1_000))
    }
  })
  return Effect.raceFirst(listen(messenger, about, mayAnswer), asking)
}

const listen = Effect.fnUntraced(function*(
  messenger: Messenger.Messenger,
  { nonce, page }: Omit<Message.Of<"MEMBERS_ASK">, "type">,
  mayAnswer: (from: Address) => boolean
): Effect.fn.Return<Page> {
  while (true) {
    for (const { from, message } of yield* messenger.receive) {
      if (message.type !== "MEMBERS" || message.nonce !== nonce || message.page !== page) continue
      if (mayAnswer(from)) return { message, from }
    }
  }
})
