/** Clients take part without being members: a client joins, sends numbered messages and receives; it is never elected. */
import * as Schema from "effect/Schema"
import * as Member from "./Member.ts"

/** The name of one client for the life of its process: 16 hex digits, drawn at random at each start. */
export const ClientId = Schema.String.check(Schema.isPattern(/^[0-9a-f]{16}$/)).pipe(
  Schema.brand("bellwether/ClientId")
)

/** */
export type ClientId = typeof ClientId.Type

/** A client as it describes itself in each of its messages. */
export const Client = Schema.Struct({ id: ClientId, name: Member.Member.fields.name })

/** */
export type Client = typeof Client.Type

/** The number of a message: 1 for a client's first, and one more for each. */
export const Seq = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }))

/** The place of a message in a reign: 1 for the first that its leader accepted. 0 where it has accepted none. */
export const Index = Schema.Natural

/** The largest body of a message, in bytes of JSON. */
export const maxBodyBytes = 512

/**
 * How many messages of one client may be on their way at once: sent and not acknowledged. So many, too, are held back of
 * one client where they are ahead of their turn.
 */
export const window = 64

const encoder = new TextEncoder()

/** The bytes that a body takes as JSON in UTF-8. */
export const bodyBytes = (body: Schema.Json): number => encoder.encode(JSON.stringify(body)).length

/** The content of a message: any JSON of at most {@link maxBodyBytes}. */
export const Body = Schema.Json.check(
  Schema.makeFilter((body: Schema.Json) => bodyBytes(body) <= maxBodyBytes, {
    expected: `at most ${maxBodyBytes} bytes of JSON`
  })
)

/** */
export type Body = Schema.Json
