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
import * as Client from "./Client.ts"
import * as Member from "./Member.ts"
import * as Reign from "./Reign.ts"

/**
 * The longest interval that a server may announce for its next heartbeat, 1 hour in ms: three of them are how long a
 * silent server stays a member.
 */
export const maxInterval = 3_600_000

/** So many changes of its addresses are told apart of one start of a server. */
export const maxMoved = 999_999

/** The most signs of life that are numbered in one reign: it lasts for years. */
export const maxAlive = 999_999_999

/** Over how many servers a leader can be followed. */
export const maxHops = 3

/**
 * How often the addresses of the sender have changed since it started; left out if they have not. A late message from
 * before the last change has a lower one.
 */
const Moved = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: maxMoved }))

const header = {
  sender: Member.Member,
  term: Reign.Term,
  leader: Schema.NullOr(Reign.Leader),
  heard: Reign.Term,
  moved: Schema.optionalKey(Moved),
  /** A server that the sender has heard, said to that one. */
  hears: Schema.optionalKey(Member.NodeId)
}

/**
 * The newest sign of life of the leader that the sender names: the highest number of that leader's signs of life in its
 * reign, and over how many servers it came, 0 (left out) at the leader itself; from 2 on `through` which of them it came
 * last.
 */
const life = {
  alive: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: maxAlive }))),
  hops: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: maxHops }))),
  through: Schema.optionalKey(Member.NodeId)
}

/** How many servers the sender sees, itself included. A leader says it, and a server that sees nobody else. */
const sees = Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 999_999 })))

/** A text, since later versions may know more causes than this one. */
const Cause = Schema.String.check(Schema.isPattern(/^[A-Za-z]{1,32}$/))
/** The most characters of the address of a page. */
export const maxPage = 64
/** Where people see in a browser what the sender sees; left out where it serves no page. */
const PageUrl = Schema.String.check(Schema.isMaxLength(maxPage), Schema.isPattern(/^https?:\/\/[!#-[\]-~]+$/))
/** Whether that can be announced as the address of a page. */
export const isPage = Schema.is(PageUrl)
/** A digest of the members that its sender sees. */
const view = Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff_ffff })))
const Interval = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: maxInterval }))
/** For how many ms more its sender does not vote; left out where it does, and where there are no leases. */
const silent = Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 86_400_000 })))
const Nonce = Schema.String.check(Schema.isPattern(/^[0-9a-f]{1,32}$/))
const Page = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65_535 }))

/** Which named elections a server takes part in, by `Election.tag`; left out where there are none. */
const elections = Schema.optionalKey(
  Schema.Array(Schema.String.check(Schema.isPattern(/^[0-9a-f]{8}$/))).check(Schema.isMaxLength(16))
)

/**
 * The settings that all servers of a group with a majority lease must have in common: their number, for how long a promise
 * binds (ms), and by how much their clocks may differ in speed (0.01 is one in a hundred).
 */
export const Agreement = Schema.Struct({
  groupSize: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000 })),
  duration: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 86_400_000 })),
  drift: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 0.1 }))
})

export type Agreement = typeof Agreement.Type

/** The name of the election: empty for the group's own. */
export const ElectionName = Schema.String.check(
  Schema.makeFilter((text: string) => text.length <= 32 && Member.jsonBytes(text) <= 32, {
    expected: "at most 32 bytes of text"
  })
)

/**
 * Whether a server would vote for the asker, in a term above `promised`. `boundTo` is the server that it is bound to, if
 * any, and `remaining` for how many ms more it votes for nobody else.
 */
export const PreVote = Schema.Struct({
  granted: Schema.Boolean,
  promised: Reign.Term,
  boundTo: Schema.NullOr(Member.NodeId),
  remaining: Schema.Natural
})

export type PreVote = typeof PreVote.Type

/**
 * One line of a `MEMBERS` list. `heard` is how many ms ago the answering server last heard of it, 0 for itself. `votesIn` is in how
 * many ms it votes, of one that does not yet. `hostname`
 * and `tags` are there where they were asked for, unless the answering server is too old to tell them.
 */
export const Listed = Schema.Struct({
  id: Member.NodeId,
  ip: Member.Ip,
  port: Member.Port,
  name: Member.Member.fields.name,
  priority: Member.Priority,
  incarnation: Member.Incarnation,
  heard: Schema.Natural,
  votesIn: Schema.optionalKey(Schema.Natural),
  hostname: Schema.optionalKey(Member.Member.fields.hostname),
  tags: Schema.optionalKey(Member.Member.fields.tags)
})

/** */
export type Listed = typeof Listed.Type

/** The most members that one question to a witness is about, and its answer. */
export const maxMissed = 16

/** The longest ago, in ms, that a witness is asked for: more than a day, longer than any member may be silent. */
export const maxAgo = 99_999_999

const start = Schema.Struct({ id: Member.NodeId, incarnation: Member.Incarnation })
const Ago = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: maxAgo }))
const someOf = <Item extends Schema.Top>(item: Item) =>
  Schema.Array(item).check(Schema.isMinLength(1), Schema.isMaxLength(maxMissed))

/**
 * The promise of a server in one election: the term, the server that it is still bound to, if any, and the highest term
 * that it has heard of.
 */
export const Promised = Schema.Struct({
  election: ElectionName,
  term: Reign.Term,
  to: Schema.NullOr(start),
  heard: Reign.Term
})

/** */
export type Promised = typeof Promised.Type

/** The most pages of one handover, and the most promises of one page. */
export const handover = { pages: 32, promises: 5 } as const

const promises = {
  page: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: handover.pages - 1 })),
  of: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: handover.pages })),
  promises: Schema.Array(Promised).check(Schema.isMaxLength(handover.promises))
}

/** The missed messages: indexes of a reign, or a client's messages by their `seq`. */
export const Missed = Schema.Union([
  Schema.Struct({ term: Reign.Term, leader: Member.NodeId }),
  Schema.Struct({ client: Client.ClientId })
])

/** */
export type Missed = typeof Missed.Type

/**
 * The newest message index that the speaker knows of the reign it follows, or while it follows none, of its own that is
 * over; left out where there is none.
 */
const delivered = Schema.optionalKey(Client.Index)

/** Said by who reads several messages in one datagram; left out by a program that is too old for that. */
const batches = Schema.optionalKey(Schema.Literal(true))

const kind = <Name extends string, Fields extends Schema.Struct.Fields>(name: Name, fields: Fields) =>
  Schema.Struct({ type: Schema.Literal(name), ...fields })

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
   * The answer to `ELECTION` of that start of a server, for that term. Not `granted`: `promised` is a term that must be
   * exceeded, `boundTo` the server that this one is bound to for `remaining` more ms, if any.
   */
  kind("VOTE", {
    ...header,
    election: ElectionName,
    standing: Reign.Term,
    incarnation: Member.Incarnation,
    granted: Schema.Boolean,
    promised: Reign.Term,
    boundTo: Schema.NullOr(Member.NodeId),
    remaining: Schema.Natural
  }),
  /** A renewal of the lease of the term `claim`: bind yourself to it anew. `beat` counts from 1 with each claim. */
  kind("BEAT", { ...header, election: ElectionName, claim: Reign.Term, beat: Schema.Natural, lease: Agreement }),
  /** I am bound to that claim of that start of yours, by that renewal. */
  kind("BEAT_ACK", {
    ...header,
    election: ElectionName,
    claim: Reign.Term,
    beat: Schema.Natural,
    incarnation: Member.Incarnation
  }),
  /** I claim that term no more: it binds nobody, and a server that hears the claim later is not to be bound by it. */
  kind("RELEASE", { ...header, election: ElectionName, claim: Reign.Term }),
  /**
   * Which of these have you heard yourself, within so many ms? `from` does not hear them. It carries no full header, so that
   * many fit.
   */
  kind("WITNESS_ASK", { from: start, nonce: Nonce, within: Ago, missed: someOf(start) }),
  /** I have heard these, that very start of each, so many ms `ago`: in answer to the question of that nonce. */
  kind("WITNESS", { from: start, nonce: Nonce, heard: someOf(Schema.Struct({ id: Member.NodeId, ago: Ago })) }),
  /**
   * I leave: will you keep what I promised for the next start of mine? `start` names this one. Like all that is said of a
   * handover it has no sender: it is no sign of life.
   */
  kind("HANDOVER_OFFER", { server: Member.NodeId, start: Nonce, lease: Agreement }),
  /** To the start that offered: I will, for so long from now. The promises are handed over by `key`. */
  kind("HANDOVER_ACCEPT", { start: Nonce, key: Nonce }),
  /** Page `page` of `of` of my promises. I promise and acknowledge nothing more. */
  kind("HANDOVER", { key: Nonce, ...promises }),
  /** I have all pages. */
  kind("HANDOVER_KEPT", { key: Nonce }),
  /** I have just started: which server keeps the promises of my former start? `start` names this one. */
  kind("PROMISES_ASK", { server: Member.NodeId, start: Nonce }),
  /** To the start that asked, and to no other: the promises of your former start. */
  kind("PROMISES", { start: Nonce, key: Nonce, lease: Agreement, ...promises }),
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
  /** I want in, or still am. `interval`: ms to the next one. `seq`: the number of its newest message, 0 before the first. */
  kind("CLIENT_JOIN", {
    client: Client.Client,
    nonce: Nonce,
    interval: Interval,
    seq: Schema.Natural,
    batches
  }),
  /** You are in: the leader's answer to the join of that nonce. `members`: how many servers it sees. */
  kind("CLIENT_WELCOME", { ...header, nonce: Nonce, members: Schema.Natural, delivered }),
  /**
   * A message. `oldest`: the client's lowest `seq` that is not acknowledged. `more`: the bodies of those that follow it. `echo`: it
   * takes them, relayed, for the acknowledgement.
   */
  kind("CLIENT_MESSAGE", {
    client: Client.Client,
    seq: Client.Seq,
    oldest: Client.Seq,
    echo: Schema.optionalKey(Schema.Literal(true)),
    body: Client.Body,
    more: Schema.optionalKey(Schema.Array(Client.Body).check(Schema.isMaxLength(Client.maxMore)))
  }),
  /** The leader has it and all before it, and handed them on. */
  kind("CLIENT_ACK", { ...header, client: Client.ClientId, seq: Client.Seq }),
  /**
   * Everybody: this is message `index` of the reign `(term, leader)`. A repair repeats it as it was, except for `from`: a
   * server, or a client under the incarnation 0. It carries no full header, so that the largest body fits.
   */
  kind("CLIENT_DELIVER", {
    from: Schema.Struct({ id: Member.NodeId, incarnation: Member.Incarnation }),
    term: Reign.Term,
    leader: Member.NodeId,
    index: Client.Seq,
    client: Client.Client,
    seq: Client.Seq,
    body: Client.Body,
    more: Schema.optionalKey(Schema.Array(Client.Following).check(Schema.isMaxLength(Client.maxMore)))
  }),
  /** I missed these, `from` to `to`; send them again. */
  kind("CLIENT_REPAIR", { missed: Missed, from: Client.Seq, to: Client.Seq, batches }),
  /** Gone. */
  kind("CLIENT_LEAVE", { client: Client.Client })
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
