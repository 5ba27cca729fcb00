/**
 * What the JSON gateway answers. Keys and values are base64, 64-bit numbers are texts, and what is 0, false or empty is left
 * out (proto3's mapping to JSON).
 */
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

const Long = Schema.String.check(Schema.isPattern(/^-?\d{1,20}$/))

export const Header = Schema.Struct({
  cluster_id: Schema.optionalKey(Long),
  raft_term: Schema.optionalKey(Long),
  revision: Schema.optionalKey(Long)
})

export type Header = typeof Header.Type

/** All answers have a header, that of a stream one below. */
export type Headed = { readonly header: Header } | { readonly result: { readonly header: Header } }

export const headerOf = (answer: Headed): Header => "header" in answer ? answer.header : answer.result.header

const KeyValue = Schema.Struct({
  key: Schema.String,
  value: Schema.optionalKey(Schema.String),
  create_revision: Schema.optionalKey(Long),
  mod_revision: Schema.optionalKey(Long),
  lease: Schema.optionalKey(Long)
})

export type KeyValue = typeof KeyValue.Type

export const Range = Schema.Struct({
  header: Header,
  kvs: Schema.optionalKey(Schema.Array(KeyValue)),
  more: Schema.optionalKey(Schema.Boolean),
  count: Schema.optionalKey(Long)
})

export const Txn = Schema.Struct({ header: Header, succeeded: Schema.optionalKey(Schema.Boolean) })

export const Granted = Schema.Struct({ header: Header, ID: Long, TTL: Schema.optionalKey(Long) })

/** Of a lease that is over there is no TTL. */
const Kept = Schema.Struct({ header: Header, TTL: Schema.optionalKey(Long) })

/** The one answer of a stream, which ends with the request. */
export const KeptAlive = Schema.Struct({ result: Kept })

export const TimeToLive = Schema.Struct({
  header: Header,
  TTL: Schema.optionalKey(Long),
  keys: Schema.optionalKey(Schema.Array(Schema.String))
})

/** What a node says of itself. Those it cannot do its work for are among its errors, such as a full disk. */
export const Status = Schema.Struct({
  header: Schema.Struct({ ...Header.fields, member_id: Schema.optionalKey(Long) }),
  /** The node that leads, as this one knows; 0 or left out where none does. */
  leader: Schema.optionalKey(Long),
  errors: Schema.optionalKey(Schema.Array(Schema.String))
})

export const Done = Schema.Struct({ header: Header })

export const Authenticated = Schema.Struct({ header: Header, token: Schema.String })

const Event = Schema.Struct({
  type: Schema.optionalKey(Schema.Literals(["PUT", "DELETE"])),
  kv: KeyValue
})

export type Event = typeof Event.Type

const Watched = Schema.Struct({
  header: Schema.optionalKey(Header),
  created: Schema.optionalKey(Schema.Boolean),
  canceled: Schema.optionalKey(Schema.Boolean),
  compact_revision: Schema.optionalKey(Long),
  cancel_reason: Schema.optionalKey(Schema.String),
  events: Schema.optionalKey(Schema.Array(Event))
})

export type Watched = typeof Watched.Type

/** One line of a stream. */
export const Line = Schema.fromJsonString(
  Schema.Struct({ result: Schema.optionalKey(Watched), error: Schema.optionalKey(Schema.Unknown) })
)

export const encoded = (text: string): string => Base64.encode(text)

/** A value that is no text has been put by somebody else: it reads as empty. */
export const decoded = (base64: string | undefined): string =>
  base64 === undefined ? "" : Result.getOrElse(Base64.decodeString(base64), () => "")

/** The end of the range of all keys that begin with this text, which ends in ASCII: its last character is one higher. */
export const endOf = (prefix: string): string =>
  prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)
