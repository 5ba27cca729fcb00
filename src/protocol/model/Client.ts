/** Clients take part without being members: a client joins, sends numbered messages and receives; it is never elected. */
import * as Schema from "effect/Schema"
import * as Member from "./Member.ts"
import * as Topic from "./Topic.ts"

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

/** The largest body of a message that goes as a whole, in bytes of JSON. A larger one goes in parts. */
export const maxBodyBytes = 512

/** The largest body of all, in bytes of JSON: the setting `maxMessageBytes` is at most that. */
export const maxMessageBytes = 1_048_576

/** The most parts of a message: a part holds 253 bytes of it, if each of them is written as two. */
export const maxParts = 4_200

/**
 * Which part of a message this is: `at` counts from 0, `of` is how many there are. The body of each is a text, and all of them
 * one after the other are the JSON of the message.
 */
export const Part = Schema.Struct({
  at: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: maxParts - 1 })),
  of: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: maxParts }))
})

/** */
export type Part = typeof Part.Type

/** What a message has besides its body: its topic, unless that is the default one, and which part of it this is, if it is not whole. */
export const about = { topic: Schema.optionalKey(Topic.TopicName), part: Schema.optionalKey(Part) }

/** */
export interface About {
  readonly topic?: string
  readonly part?: Part
}

/** The same of something that has more, or has it undefined. */
export const aboutOf = (
  { part, topic }: { readonly topic?: string | undefined; readonly part?: Part | undefined }
): About => ({
  ...topic === undefined ? {} : { topic },
  ...part === undefined ? {} : { part }
})

/** Whether an older program, which knows no topics and no parts, would read it as something else. */
export const isNewer = ({ part, topic }: About): boolean => topic !== undefined || part !== undefined

/**
 * How many messages of one client may be on their way at once: sent and not acknowledged. So many, too, are held back of
 * one client where they are ahead of their turn.
 */
export const window = 64

const encoder = new TextEncoder()

/** The bytes that a body takes as JSON in UTF-8. */
export const bodyBytes = (body: Schema.Json): number => {
  const json = JSON.stringify(body)
  return ascii.test(json) ? json.length : encoder.encode(json).length
}

const ascii = /^[ -~]*$/

/** Whether a body is short enough. Most are by a first estimate, for which none is written as JSON. */
export const fits = (body: Schema.Json): boolean => atMost(body) <= maxBodyBytes || bodyBytes(body) <= maxBodyBytes

/** So many bytes or fewer: what JSON writes as it is counts once, any other character of that text six times. */
const atMost = (body: Schema.Json): number => {
  if (typeof body === "string") return 2 + (verbatim.test(body) ? 1 : 6) * body.length
  // The longest number is -1.2345678901234567e-123.
  if (typeof body !== "object" || body === null) return 25
  let bytes = 2
  if (Array.isArray(body)) { for (const item of body) bytes += atMost(item) + 1 }
  else for (const [key, value] of Object.entries(body)) bytes += atMost(key) + atMost(value) + 2
  return bytes
}

const verbatim = /^[ !#-[\]-~]*$/

/** The content of a message: any JSON of at most {@link maxBodyBytes}. */
export const Body = Schema.Json.check(
  Schema.makeFilter(fits, {
    expected: `at most ${maxBodyBytes} bytes of JSON`
  })
)

/** */
export type Body = Schema.Json

/** The most messages of clients that follow the first in one datagram: all that may be on their way of one client. */
export const maxMore = window - 1

/**
 * The messages that follow the one that carries them, each with the next index. Without a `client` one is of the same client as the
 * message before it, and without a `seq` it has the next number.
 */
export const Following = Schema.Struct({
  client: Schema.optionalKey(Client),
  seq: Schema.optionalKey(Seq),
  ...about,
  body: Body
})

/** */
export type Following = typeof Following.Type
