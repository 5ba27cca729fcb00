/** The messages of clients: joining, what they send, and its delivery. */
import * as Schema from "effect/Schema"
import * as Client from "./Client.ts"
import * as Member from "./Member.ts"
import { delivered, header, Interval, kind, Nonce } from "./MessageFields.ts"
import * as Reign from "./Reign.ts"

/** The missed messages: indexes of a reign, or a client's messages by their `seq`. */
export const Missed = Schema.Union([
  Schema.Struct({ term: Reign.Term, leader: Member.NodeId }),
  Schema.Struct({ client: Client.ClientId })
])

/** */
export type Missed = typeof Missed.Type

/** Said by who reads several messages in one datagram; left out by a program that is too old for that. */
const batches = Schema.optionalKey(Schema.Literal(true))

/** Said by who reads topics and parts; left out by a program that is too old for that. */
const topics = Schema.optionalKey(Schema.Literal(true))

/** The most names that a refusal gives. */
export const maxOlder = 3

/**
 * How many messages with numbers the client has given up; left out if none. Such a number is another message's then, so a number
 * means a message of the same count alone.
 */
const refused = Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })))

/** From clients, to them, and about what they sent. */
export const kinds = [
  /** I want in, or still am. `interval`: ms to the next one. `seq`: the number of its newest message, 0 before the first. */
  kind("CLIENT_JOIN", {
    client: Client.Client,
    nonce: Nonce,
    interval: Interval,
    seq: Schema.Natural,
    batches,
    topics
  }),
  /** You are in: the leader's answer to the join of that nonce. `members`: how many servers it sees. */
  kind("CLIENT_WELCOME", { ...header, nonce: Nonce, members: Schema.Natural, delivered }),
  /**
   * A message. `oldest`: the client's lowest `seq` that is not acknowledged. `more`: the bodies of those that follow it. `echo`: it
   * takes them, relayed, for the acknowledgement. All are of one `topic`, and `part` is of the first.
   */
  kind("CLIENT_MESSAGE", {
    client: Client.Client,
    seq: Client.Seq,
    oldest: Client.Seq,
    refused,
    echo: Schema.optionalKey(Schema.Literal(true)),
    ...Client.about,
    body: Client.Body,
    more: Schema.optionalKey(Schema.Array(Client.Body).check(Schema.isMaxLength(Client.maxMore)))
  }),
  /** The leader has it and all before it, and handed them on. */
  kind("CLIENT_ACK", { ...header, client: Client.ClientId, seq: Client.Seq }),
  /**
   * The leader does not relay it, as these would read it as something else: they are too old for topics and parts. So many of
   * their names at most.
   */
  kind("CLIENT_REFUSED", {
    ...header,
    client: Client.ClientId,
    seq: Client.Seq,
    refused,
    older: Schema.Array(Member.Member.fields.name).check(Schema.isMaxLength(maxOlder))
  }),
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
    ...Client.about,
    body: Client.Body,
    more: Schema.optionalKey(Schema.Array(Client.Following).check(Schema.isMaxLength(Client.maxMore)))
  }),
  /** I missed these, `from` to `to`; send them again. */
  kind("CLIENT_REPAIR", { missed: Missed, from: Client.Seq, to: Client.Seq, batches }),
  /** Gone. */
  kind("CLIENT_LEAVE", { client: Client.Client })
] as const
