/**
 * The messages of servers and clients: one schema-validated tagged union, told apart by `type`.
 *
 * A server's message carries the {@link Header}: its `sender`, the reign that the sender follows (`term` and `leader`;
 * while vacant, the term of the last one and null), and `heard`, the highest term it has heard of. `term` and `heard` are
 * two numbers: only the reign is ever followed. `moved` orders its addresses. In a message that names an election all three
 * are of that election, in every other message of the group's own.
 *
 * Fields that this version does not know are ignored, so a newer server can say more to its like.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as ClientMessages from "./ClientMessages.ts"
import * as CommandMessages from "./CommandMessages.ts"
import * as GrantMessages from "./GrantMessages.ts"
import * as LeaseMessages from "./LeaseMessages.ts"
import * as Member from "./Member.ts"
import {
  Ago,
  Agreement,
  Cause,
  delivered,
  ElectionName,
  elections,
  header,
  Interval,
  kind,
  life,
  Listed,
  maxHops,
  Nonce,
  Page,
  PreVote,
  sees,
  silent,
  someOf,
  start,
  view
} from "./MessageFields.ts"
import * as Reign from "./Reign.ts"
import * as RunMessages from "./RunMessages.ts"
import * as TalkMessages from "./TalkMessages.ts"

export { maxOlder, Missed } from "./ClientMessages.ts"
export { handover, Promised } from "./LeaseMessages.ts"
export {
  Agreement,
  isPage,
  Listed,
  maxAgo,
  maxAlive,
  maxHops,
  maxInterval,
  maxMissed,
  maxMoved,
  maxPage,
  PreVote
} from "./MessageFields.ts"

/** Every message there is. */
export const Message = Schema.Union([
  /** I live, and follow this reign. `interval`: ms to the next heartbeat, `pace`: to the next sign of life of a leader. */
  kind("SERVER_ALIVE", {
    ...header,
    interval: Interval,
    ...life,
    sees,
    delivered,
    elections,
    pace: Schema.optionalKey(Interval),
    silent,
    view,
    // Any text: what a later version may put here is no reason to miss a sign of life. See `StatusPages`.
    page: Schema.optionalKey(Schema.String)
  }),
  /**
   * Who is there? By unicast: are you there? A burst of one nonce is one question. `port` where it comes from a socket of its
   * own that closes soon: that of the sender's unicast socket at the same address. `preVote`, by unicast: and would you vote for
   * me in that election?
   */
  kind("SERVER_PROBE", {
    ...header,
    nonce: Nonce,
    port: Schema.optionalKey(Member.Port),
    preVote: Schema.optionalKey(ElectionName)
  }),
  /** I am here, in answer to the probe of that nonce; and I would vote so. */
  kind("SERVER_RESPONSE", {
    ...header,
    nonce: Nonce,
    interval: Interval,
    delivered,
    elections,
    view,
    preVote: Schema.optionalKey(PreVote)
  }),
  /** That start of a server asks, over so many others, which servers hear it: repeat this. */
  kind("PATH_PROBE", {
    ...header,
    origin: Schema.Struct({ id: Member.NodeId, incarnation: Member.Incarnation }),
    nonce: Nonce,
    over: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: maxHops }))
  }),
  /** I saw that start of a server crash: find out for yourself. */
  kind("CRASHED", { ...header, gone: start }),
  /** Forget me now. */
  kind("SERVER_LEAVING", { ...header, delivered }),
  /**
   * I am a candidate in term `standing`; those that rank higher, object. With `lease`: vote. By unicast to a leader that is
   * outranked: yield.
   */
  kind("ELECTION", {
    ...header,
    election: ElectionName,
    standing: Reign.Term,
    lease: Schema.optionalKey(Agreement)
  }),
  /** I outrank `to`: the lead is mine. With `hops`: the leader can be followed through the sender. */
  kind("OK", { ...header, ...life, election: ElectionName, standing: Reign.Term, to: Member.NodeId }),
  /**
   * This is the reign. By unicast: a leader notice to a server that does not know it. `cause` is `Transferred` if the
   * former leader transferred the lead to this one: higher ranked servers do not depose it for a `memberTimeout`. The reign
   * rests on `lease`.
   */
  kind("COORDINATOR", {
    ...header,
    election: ElectionName,
    cause: Schema.optionalKey(Cause),
    lease: Schema.optionalKey(Agreement),
    pace: Schema.optionalKey(Interval),
    delivered
  }),
  /** I stay, but lead no more; `successor` should go first. `cause` is one of `Event.Cause`, left out for `Resigned`. */
  kind("STEPPING_DOWN", {
    ...header,
    election: ElectionName,
    successor: Schema.NullOr(Member.NodeId),
    cause: Schema.optionalKey(Cause),
    delivered
  }),
  /**
   * Which of these have you heard yourself, within so many ms? `from` does not hear them. It carries no full header, so that
   * many fit.
   */
  kind("WITNESS_ASK", { from: start, nonce: Nonce, within: Ago, missed: someOf(start) }),
  /** I have heard these, that very start of each, so many ms `ago`: in answer to the question of that nonce. */
  kind("WITNESS", { from: start, nonce: Nonce, heard: someOf(Schema.Struct({ id: Member.NodeId, ago: Ago })) }),
  /**
   * Who is in the group, and who leads? It has no sender: asking makes nobody a member. `wanted`: not only the leader may
   * answer, but about so many. `details`: with host names, tags and `view`. With a `view`, that of the asker: the line of
   * the one member by which it differs is enough, if the asker misses that member.
   */
  kind("MEMBERS_ASK", {
    nonce: Nonce,
    page: Page,
    wanted: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 65_535 }))),
    details: Schema.optionalKey(Schema.Boolean),
    view
  }),
  /**
   * Page `page` of `of` pages. It carries no full sender, so that one page holds several members. Pages of one `view` are
   * of one list.
   */
  kind("MEMBERS", {
    from: Schema.Struct({ id: Member.NodeId, incarnation: Member.Incarnation }),
    term: Reign.Term,
    leader: Schema.NullOr(Reign.Leader),
    nonce: Nonce,
    page: Page,
    of: Page,
    view,
    list: Schema.Array(Listed).check(Schema.isMaxLength(64))
  }),
  ...LeaseMessages.renewals,
  ...LeaseMessages.handovers,
  ...ClientMessages.kinds,
  ...CommandMessages.kinds,
  ...RunMessages.kinds,
  ...TalkMessages.kinds,
  ...GrantMessages.kinds
]).pipe(Schema.toTaggedUnion("type"))

/** */
export type Message = typeof Message.Type

/** The messages by which promises are handed over. */
export type OfHandover = Extract<Message, { readonly type: `HANDOVER${string}` | `PROMISES${string}` }>

/** Whether a message is one of those by which promises are handed over. */
export const isOfHandover = (message: Message): message is OfHandover =>
  message.type.startsWith("HANDOVER") || message.type.startsWith("PROMISES")

/** The message of one type. */
export type Of<Type extends Message["type"]> = Extract<Message, { readonly type: Type }>

/** A message from a server: one that carries the header. */
export type FromServer = Extract<Message, { readonly sender: Member.Member }>

/** The fields of every message from a server. */
export type Header = Pick<FromServer, "sender" | "term" | "leader" | "heard" | "moved" | "hears">

/** The reign that a message speaks of, or null while its sender follows none. */
export const reignOf = (header: Pick<Header, "term" | "leader">): Reign.Reign | null =>
  header.leader === null ? null : { term: header.term, leader: header.leader }

/**
 * Whether a message is of a kind that names, as `delivered`, the newest index of the reign it speaks of; left out, it is 0.
 */
export const namesNewest = (
  message: FromServer
): message is Extract<FromServer, { readonly delivered?: number }> => naming.has(message.type)

const naming: ReadonlySet<string> = new Set(
  Object.entries(Message.cases).flatMap(([type, { fields }]) => "delivered" in fields ? [type] : [])
)

const types: ReadonlySet<unknown> = new Set(Object.keys(Message.cases))

const decodeUnknown = Schema.decodeUnknownResult(Message)

/** Why something that claimed to be a message is none. Nothing is thrown for it: it is dropped and counted. */
export type Refused = "UnknownType" | "Invalid"

/** Reads a parsed JSON value as a message. Unknown fields are left out. */
export const decode = (value: unknown): Result.Result<Message, Refused> => {
  if (typeof value !== "object" || value === null || !("type" in value)) return Result.fail("Invalid")
  if (!types.has(value.type)) return Result.fail(typeof value.type === "string" ? "UnknownType" : "Invalid")
  return Result.mapError(decodeUnknown(value), (): Refused => "Invalid")
}
