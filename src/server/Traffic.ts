/**
 * The messages of the group as one server sends and hears them, in short: who says what to whom. For displays; nothing is
 * decided by it.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Member from "../protocol/model/Member.ts"
import type * as Message from "../protocol/model/Message.ts"
import * as Reign from "../protocol/model/Reign.ts"

/**
 * One message. `by` is who says it, a server or a client; `to` the address that it goes to, null where that is the whole group;
 * what was `heard` has none. `election` and `term` are those that it is about, where it is about one.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Exchanged = Schema.Struct({
  at: Schema.Finite,
  way: Schema.Literals(["sent", "heard"]),
  type: Schema.String,
  by: Schema.NullOr(Schema.String),
  to: Schema.NullOr(Schema.String),
  election: Schema.NullOr(Schema.String),
  term: Schema.NullOr(Reign.Term)
})

/**
 * @category models
 * @since 0.1.0
 */
export type Exchanged = typeof Exchanged.Type

const short = (message: Message.Message) => ({
  type: message.type,
  by: "sender" in message ? message.sender.id : "client" in message && typeof message.client === "object"
    ? message.client?.id ?? null
    : null,
  election: "election" in message ? message.election : null,
  term: "term" in message ? message.term : null
})

/**
 * A message that this server sends.
 *
 * @internal
 */
export const sent = (at: number, to: Member.Address | null, message: Message.Message): Exchanged => ({
  at,
  way: "sent",
  ...short(message),
  to: to === null ? null : Member.formatAddress(to)
})

/**
 * A message that this server hears.
 *
 * @internal
 */
export const heard = (at: number, message: Message.Message): Exchanged => ({
  at,
  way: "heard",
  ...short(message),
  to: null
})
