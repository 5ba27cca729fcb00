/**
 * Typed messages over an endpoint: frames them, seals and opens them where the group has a key, drops what is none and
 * counts why, hears nobody without end, and answers nobody too often.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Ip from "../protocol/model/Ip.ts"
import type { Address } from "../protocol/model/Member.ts"
import type * as Message from "../protocol/model/Message.ts"
import * as Frame from "../protocol/wire/Frame.ts"
import * as Sealing from "../protocol/wire/Sealing.ts"
import * as Copies from "./Copies.ts"
import type * as Datagrams from "./Datagrams.ts"
import * as DecodeCache from "./DecodeCache.ts"
import * as RateLimit from "./RateLimit.ts"
import * as RecentlyUsed from "./RecentlyUsed.ts"
import * as Sessions from "./Sessions.ts"
import * as SourceRateLimit from "./SourceRateLimit.ts"
import * as Volume from "./Volume.ts"

/**
 * A message that does not fit one datagram. Nothing was sent. The limits on what people may set keep the program's own
 * messages small enough, so only a message made by hand meets this.
 */
export class MessageTooLarge extends Schema.TaggedError<MessageTooLarge>()("MessageTooLarge", {
  type: Schema.String,
  field: Schema.String,
  fieldBytes: Schema.Natural,
  bytes: Schema.Natural,
  limit: Schema.Natural
}) {
  override get message() {
    return `${this.type} takes ${this.bytes} bytes, ${this.limit} are allowed; its largest field is ${this.field} with ${this.fieldBytes}`
  }
}

/** A message that arrived. */
export interface Received {
  readonly message: Message.Message
  readonly from: Address
  readonly via: "multicast" | "unicast"
  /** Said of a `COMMAND` that was sealed: its sender has a key of the group. */
  readonly isSealed?: boolean
}

/**
 * Why a datagram went no further, in or out: it was no frame of ours, its seal was refused, it could not be sent, it was one
 * answer too many to one address (`TooManyAnswers`), its sender sends too much (`SourceTooFast`), or its receiver or its
 * sender is on no network of ours (`NotDirect`). `TalkTooFast`: it would be more than members may say to one of them in a second. `SessionsFull`: a session was forgotten for another though it still counted.
 */
export type DropReason =
  | Frame.Refused
  | Sessions.Refused
  | "Own"
  | "SessionsFull"
  | "SourceTooFast"
  | "TooManyAnswers"
  | "TalkTooFast"
  | "NotDirect"
  | "SendFailed"

/** One member's way to speak and to listen. */
export interface Messenger {
  /**
   * Sends to one address, or to the group (null). It fails if the network refuses; a message that may not be sent is only
   * counted.
   */
  readonly send: (
    to: Address | null,
    message: Message.Message
  ) => Effect.Effect<void, Refusal>
  /** The same message to each of them, encoded once. Succeeds with the refusals, of each address by itself. */
  readonly sendAll: (
    to: ReadonlyArray<Address | null>,
    message: Message.Message
  ) => Effect.Effect<ReadonlyArray<Refusal>>
  /**
   * Sends to one address and waits a moment, some 50 ms at most, for its host to say that nobody listens there. `refused`
   * is strong evidence and no proof; `sent` proves nothing. Each call opens a socket: not for the packet path.
   */
  readonly ask: (
    to: Address,
    message: Message.Message
  ) => Effect.Effect<"sent" | "refused", Refusal>
  /** After a pause: begins a new session for sealing, since the machine may have been set back to a snapshot. */
  readonly renew: () => void
  /** Waits for the next messages, and takes all that are there in order of arrival. May be empty. */
  readonly receive: Effect.Effect<ReadonlyArray<Received>>
  /** What has come and gone since the start. */
  readonly volume: Readonly<Volume.Volume>
  /** How many sessions of others are kept. */
  readonly sessions: () => number
}

type Refusal = Datagrams.DatagramsFailed | MessageTooLarge

/**
 * Speaks as a member of one group over an endpoint. `onDrop` is called for each datagram dropped, with that of another
 * group or program; it must not block. `isKnown` says of an address that is on no directly connected network that it may be
 * spoken to all the same. A sender that may not be spoken to is not heard either: a server that cannot be answered is no
 * member. `keys` are those of the group.
 *
 * The caller of `receive` sends and answers challenges and proofs of sessions.
 */
export const make = Effect.fnUntraced(function*(
  endpoint: Datagrams.Endpoint,
  tag: Uint8Array,
  onDrop: (reason: DropReason, datagram?: Datagrams.Received) => void,
  isKnown: (ip: string) => boolean = () => false,
  keys: Sessions.Keys = Sessions.noKeys
): Effect.fn.Return<Messenger> {
  const clock = yield* Clock.Clock
  const monotonic = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const wall = () => clock.currentTimeMillisUnsafe()
  const cipher = endpoint.cipher ?? (yield* portableCipher)
  const sessions = Sessions.make(keys, tag, endpoint.random, cipher, () => onDrop("SessionsFull"), wall)
  const spelt = RecentlyUsed.make<string, string>(addressesSpelt)
  const canonical = (text: string): string | undefined => {
    const known = spelt.get(text)
    if (known !== undefined) return known
    const ip = Ip.canonical(text)
    if (ip !== undefined) spelt.set(text, ip)
    return ip
  }
  const isNear = (text: string): boolean => {
    const ip = canonical(text)
    return ip !== undefined && (endpoint.isDirect(ip) || isKnown(ip))
  }
  let wallAhead = wall() - monotonic()
  const link: Link = {
    endpoint,
    tag,
    onDrop,
    monotonic,
    sessions,
    volume: Volume.make(),
    isNear,
    renewIfSet: () => {
      const ahead = wall() - monotonic()
      // As on the way back from a snapshot, when the machine learns what time it is.
      if (Math.abs(ahead - wallAhead) >= clockStep) sessions.renew(monotonic())
      wallAhead = ahead
    },
    mayTalk: (to, limit) => {
      const refused = !isNear(to.ip) ? "NotDirect" : limit?.(to.ip, monotonic()) === false ? "TooManyAnswers" : null
      if (refused !== null) onDrop(refused)
      return refused === null
    }
  }
  return {
    ...sender(link),
    receive: receiver(link),
    renew: () => sessions.renew(monotonic()),
    volume: link.volume,
    sessions: () => {
      const { authenticated, unauthenticated } = sessions.size()
      return authenticated + unauthenticated
    }
  }
})

// internal

const portableCipher = Effect.map(
  Effect.promise(() => import("../protocol/wire/PortableCipher.ts")),
  ({ cipher }) => cipher
)

/** The state that sending and receiving share. Times are ms on a clock that never steps. */
interface Link {
  readonly endpoint: Datagrams.Endpoint
  readonly tag: Uint8Array
  readonly onDrop: (reason: DropReason, datagram?: Datagrams.Received) => void
  readonly monotonic: () => number
  readonly sessions: Sessions.Sessions
  readonly volume: Volume.Volume
  /** Whether an address is on a network of ours, or known. */
  readonly isNear: (ip: string) => boolean
  /** Renews the session where the wall clock was set. */
  readonly renewIfSet: () => void
  /** Whether something may be sent to an address: it is near, and it is within the limit. If not, that is counted. */
  readonly mayTalk: (to: Address, limit: Limit | null) => boolean
}

type Limit = (ip: string, now: number) => boolean

/** Of how many addresses it is remembered how they are spelt. */
const addressesSpelt = SourceRateLimit.capacity.known

/** How far, in ms, a wall clock is set at once that tells of more than a correction. */
const clockStep = 1_000

/** Answers: a forged question must not make us send much to an address that never asked. */
const isAnswer = (type: Message.Message["type"]): boolean =>
  type === "SERVER_RESPONSE" || type === "MEMBERS" || type === "PROMISES" || type === "COMMAND_DONE"

/** What members say to each other. */
const isTalk = (type: Message.Message["type"]): boolean =>
  type === "TALK" || type === "QUESTION" || type === "ANSWER" || type === "PARTS_ASK"

// --- Sending ---

const sender = (link: Link): Pick<Messenger, "send" | "sendAll" | "ask"> => {
  const { endpoint, mayTalk, monotonic, sessions, tag } = link
  const answers = RateLimit.make({ perSecond: 100, burst: 100, addresses: 1_024 })
  // As many messages said again: one question may ask for 64 of them, each several times as long as the question.
  const repairs = RateLimit.make({ perSecond: 2_000, burst: 2_000, addresses: 1_024 })
  const isTooFast = talkLimit(link)
  const maySend = (to: Address, type: Message.Message["type"]) =>
    mayTalk(to, isAnswer(type) ? answers : type === "CLIENT_DELIVER" ? repairs : null)
  const encode = (message: Message.Message) =>
    Result.mapError(Frame.encode(message, tag), ({ _tag, ...sizes }) => new MessageTooLarge(sizes))
  const seal = (frame: Uint8Array): Uint8Array => {
    link.renewIfSet()
    return sessions.seal(frame, monotonic())
  }
  const introduce = introducer(link)
  /**
   * One frame for the multicast, and one for all others: a receiver takes a frame once, and it matters to it by which way it
   * hears whom.
   */
  const sendAll: Messenger["sendAll"] = (to, message) =>
    Effect.suspend(() => {
      const allowed = to.filter((one) => !isTooFast(one, message.type) && (one === null || maySend(one, message.type)))
      if (allowed.length === 0) return Effect.succeed([])
      const encoded = encode(message)
      if (Result.isFailure(encoded)) return Effect.succeed<ReadonlyArray<Refusal>>([encoded.failure])
      const introductions = introduce(allowed)
      let multicast: Uint8Array | undefined
      let unicast: Uint8Array | undefined
      const frameTo = (one: Address | null) =>
        one === null ? multicast ??= seal(encoded.success) : unicast ??= seal(encoded.success)
      const failed: Array<Refusal> = []
      const said = Effect.forEach(
        allowed,
        (one) => Effect.catch(put(link, one, frameTo(one)), (error) => Effect.sync(() => void failed.push(error))),
        { discard: true }
      )
      return Effect.as(Effect.andThen(introductions, said), failed as ReadonlyArray<Refusal>)
    })
  return {
    send: (to, message) =>
      Effect.flatMap(sendAll([to], message), ([failed]) => failed === undefined ? Effect.void : Effect.fail(failed)),
    sendAll,
    ask: (to, message) =>
      Effect.suspend(() =>
        maySend(to, message.type)
          ? Effect.flatMap(
            Effect.fromResult(encode(withPort(message, endpoint.portTowards(to.ip)))),
            (frame) => {
              const sealed = seal(frame)
              count(link.volume, sealed)
              return endpoint.ask(to, sealed)
            }
          )
          : Effect.succeed("sent" as const)
      )
  }
}

/**
 * Whether it is one thing too many that members say to each other, which is counted. Its limit is less than the share that a
 * receiver lets one source have: what members say must not push out their heartbeats.
 */
const talkLimit = ({ monotonic, onDrop }: Link) => {
  const talks = RateLimit.make({ perSecond: 2_000, burst: 1_000, addresses: 1_024 })
  return (to: Address | null, type: Message.Message["type"]): boolean => {
    if (!isTalk(type) || talks(to === null ? "" : SourceRateLimit.nameOf(to), monotonic())) return false
    onDrop("TalkTooFast")
    return true
  }
}

/** Sends the introductions that are due. If one fails, the message that follows fails too. */
const introducer = (link: Link) => (to: ReadonlyArray<Address | null>) => {
  const { monotonic, renewIfSet, sessions } = link
  renewIfSet()
  const due = to.flatMap((one) => {
    const frame = sessions.introduction(one, monotonic())
    return frame === null ? [] : [{ one, frame }]
  })
  return due.length === 0
    ? Effect.void
    : Effect.forEach(due, ({ frame, one }) => Effect.ignore(put(link, one, frame)), { discard: true })
}

const put = ({ endpoint, volume }: Link, to: Address | null, frame: Uint8Array) => {
  count(volume, frame)
  return to === null ? endpoint.multicast(frame) : endpoint.unicast(to, frame)
}

const count = (volume: Volume.Volume, frame: Uint8Array): void => {
  volume.sent += 1
  volume.sentBytes += frame.length
}

/** A probe from a socket that closes soon names the port of the one that stays. */
const withPort = (message: Message.Message, port: number): Message.Message =>
  message.type === "SERVER_PROBE" ? { ...message, port } : message

// --- Receiving ---

/** Of all servers of this process: in tests they are many, and hear the same. */
const readBody = DecodeCache.make()

type Reply = Sessions.Opened["replies"][number]

/** What was read of some datagrams. */
interface Taken {
  readonly messages: Array<Received>
  readonly replies: Array<Reply>
}

const receiver = (link: Link) => {
  const { endpoint, isNear, mayTalk, monotonic, onDrop, renewIfSet, sessions, tag, volume } = link
  const sources = SourceRateLimit.make()
  const copies = Copies.make()
  const open = opener(sessions, copies, onDrop)
  /** Where the same is heard from an address that can be answered, this is no loss, and not counted. */
  const missed = (datagram: Datagrams.Received, flags: Frame.Flags, now: number): void => {
    const sender = datagram.via === "unicast" ? undefined : senderOf(datagram, flags)
    if (sender === undefined) return onDrop("NotDirect")
    copies.far(sender, now)
  }
  /** Reads one datagram; its messages, and the answers to send for it, are added to those that are there. */
  const read = (datagram: Datagrams.Received, now: number, { messages, replies }: Taken): void => {
    volume.received += 1
    volume.receivedBytes += datagram.payload.length
    const source = SourceRateLimit.nameOf(datagram.from)
    if (!sources.allows(source, datagram.from, now)) return onDrop("SourceTooFast")
    const kind = Frame.readHeader(datagram.payload, tag)
    if (Result.isFailure(kind)) return onDrop(kind.failure, datagram)
    // Regardless of the socket that it came by: unicast to the group's port comes by the same one as multicasts.
    if (!isNear(datagram.from.ip)) return missed(datagram, kind.success, now)
    const opened = open(datagram, kind.success, now)
    if (opened === undefined) return
    replies.push(...opened.replies)
    for (let i = 0; i < opened.lost; i++) onDrop("Unauthenticated")
    if (opened.isAuthenticated) sources.admit(source, now)
    else if (kind.success !== Frame.flags.plain) sources.admitUnauthenticated(source)
    for (const { body, from, via } of opened.bodies) {
      // One that was held back may be of another address of its session.
      const itsSource = from === datagram.from ? source : SourceRateLimit.nameOf(from)
      const message = readBody(body, itsSource)
      if (Result.isFailure(message)) {
        onDrop(message.failure)
        continue
      }
      sources.admit(itsSource, now)
      if (via === "multicast" && "sender" in message.success) copies.near(message.success.sender.id, now)
      const isSealed = message.success.type === "COMMAND" && kind.success !== Frame.flags.plain
      messages.push({ message: message.success, from, via, ...isSealed ? { isSealed } : {} })
    }
  }
  const handshakes = RateLimit.make({ perSecond: 250, burst: 500, addresses: 1_024 })
  const reply = ({ frame, to }: Reply) =>
    mayTalk(to, handshakes)
      ? Effect.catch(put(link, to, frame), () => Effect.sync(() => onDrop("SendFailed")))
      : Effect.void
  return Effect.flatMap(endpoint.receive, (datagrams) => {
    renewIfSet()
    const taken: Taken = { messages: [], replies: [] }
    const { messages, replies } = taken
    const now = monotonic()
    for (const datagram of datagrams) read(datagram, now, taken)
    for (let lost = copies.lost(now); lost > 0; lost--) onDrop("NotDirect")
    return replies.length === 0
      ? Effect.succeed(messages)
      : Effect.as(Effect.forEach(replies, reply, { discard: true }), messages)
  })
}

/**
 * Opens a datagram. A message that comes by several ways, from several addresses of its sender or to several of ours, is
 * read once.
 */
const opener = (sessions: Sessions.Sessions, copies: Copies.Copies, onDrop: Link["onDrop"]) =>
(
  datagram: Datagrams.Received,
  flags: Frame.Flags,
  now: number
) => {
  const opened = sessions.open(datagram, flags, now)
  const number = flags === Frame.flags.plain ? undefined : numberOf(datagram.payload)
  if (Result.isSuccess(opened)) {
    if (number !== undefined) copies.near(number, now)
    return opened.success
  }
  const isCopy = opened.failure === "Repeated" && number !== undefined && copies.isCopy(number, now)
  if (!isCopy) onDrop(opened.failure)
  return undefined
}

/** The key of a datagram that comes by several ways: its number if it is sealed, otherwise its sender. */
const senderOf = ({ from, payload }: Datagrams.Received, flags: Frame.Flags): string | undefined => {
  if (flags !== Frame.flags.plain) return numberOf(payload)
  const message = Result.getOrUndefined(readBody(payload.subarray(Frame.headerBytes), SourceRateLimit.nameOf(from)))
  return message !== undefined && "sender" in message ? message.sender.id : undefined
}

/** The key of a sealed datagram: no other has its counter in its session, so an older one is no copy of it. */
const numberOf = (payload: Uint8Array): string | undefined => {
  const clear = Sealing.clear(payload)
  return clear === null ? undefined : `${clear.salt} ${clear.counter}`
}
