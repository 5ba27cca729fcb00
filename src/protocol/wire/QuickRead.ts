/**
 * Reads the messages that carry what clients say, in parsed JSON, without their schema: every receiver reads every message of every client, and
 * the schema takes several times as long as parsing the JSON. What is not plainly right here is left to the schema to judge, so the result of both is
 * the same.
 */
import type * as Schema from "effect/Schema"
import * as Client from "../model/Client.ts"
import type { NodeId } from "../model/Member.ts"
import type * as Message from "../model/Message.ts"
import * as Reign from "../model/Reign.ts"

type Quick = Message.Of<"CLIENT_DELIVER" | "CLIENT_MESSAGE">

/** The message that it surely is; undefined where the schema is to judge. */
export const read = (value: unknown): Quick | undefined => {
  if (typeof value !== "object" || value === null) return undefined
  const fields = value as Readonly<Record<string, unknown>>
  return fields["type"] === "CLIENT_DELIVER"
    ? deliveredOf(fields)
    : fields["type"] === "CLIENT_MESSAGE"
    ? sentOf(fields)
    : undefined
}

const deliveredOf = (
  { body, client, from, index, leader, more, part, seq, term, topic }: Readonly<Record<string, unknown>>
): Message.Of<"CLIENT_DELIVER"> | undefined => {
  if (!isId(leader) || !isCount(term, 0) || term > Reign.maxTerm) return undefined
  if (!isCount(index, 1) || !isCount(seq, 1) || !isBody(body)) return undefined
  const sender = startOf(from)
  const by = clientOf(client)
  const about = aboutOf(topic, part)
  if (sender === undefined || by === undefined || about === undefined) return undefined
  const type = "CLIENT_DELIVER"
  const message = {
    type,
    from: sender,
    term,
    leader: leader as NodeId,
    index,
    client: by,
    seq,
    ...about,
    body
  } as const
  if (more === undefined) return message
  const following = followingOf(more)
  return following === undefined ? undefined : { ...message, more: following }
}

const sentOf = (
  { body, client, echo, more, oldest, part, refused, seq, topic }: Readonly<Record<string, unknown>>
): Message.Of<"CLIENT_MESSAGE"> | undefined => {
  if (!isCount(seq, 1) || !isCount(oldest, 1) || !isBody(body)) return undefined
  const by = clientOf(client)
  const about = aboutOf(topic, part)
  if (by === undefined || about === undefined || (echo !== undefined && echo !== true)) return undefined
  if (refused !== undefined && !isCount(refused, 1)) return undefined
  const message = {
    type: "CLIENT_MESSAGE",
    client: by,
    seq,
    oldest,
    ...refused === undefined ? {} : { refused },
    ...echo === undefined ? {} : { echo: true as const },
    ...about,
    body
  } as const
  if (more === undefined) return message
  return isList(more) && more.every(isBody) ? { ...message, more } : undefined
}

const isId = (value: unknown): value is string => typeof value === "string" && id.test(value)

const id = /^[0-9a-f]{16}$/

const isCount = (value: unknown, minimum: number): value is number =>
  Number.isSafeInteger(value) && (value as number) >= minimum

const startOf = (value: unknown): Message.Of<"CLIENT_DELIVER">["from"] | undefined => {
  if (typeof value !== "object" || value === null) return undefined
  const { id, incarnation } = value as Readonly<Record<string, unknown>>
  return isId(id) && isCount(incarnation, 0) ? { id: id as NodeId, incarnation } : undefined
}

const clientOf = (value: unknown): Client.Client | undefined => {
  if (typeof value !== "object" || value === null) return undefined
  const { id, name } = value as Readonly<Record<string, unknown>>
  return isId(id) && typeof name === "string" && plainName.test(name) ? { id: id as Client.ClientId, name } : undefined
}

/** What JSON writes as it is, a byte for each character. */
const plainName = /^[ !#-[\]-~]{1,64}$/

/** Nearly all are of the default topic, and whole: what they share is made once. */
const nothing: Client.About = {}

const aboutOf = (topic: unknown, part: unknown): Client.About | undefined => {
  if (topic === undefined && part === undefined) return nothing
  if (topic !== undefined && !(typeof topic === "string" && plainTopic.test(topic))) return undefined
  const of = part === undefined ? undefined : partOf(part)
  return part !== undefined && of === undefined ? undefined : Client.aboutOf({ topic, part: of })
}

/** Plain letters and digits, and no more of them than a topic may have. */
const plainTopic = /^[0-9A-Za-z][0-9A-Za-z._/:-]{0,31}$/

const partOf = (part: unknown): Client.Part | undefined => {
  if (typeof part !== "object" || part === null) return undefined
  const { at, of } = part as Readonly<Record<string, unknown>>
  return isCount(at, 0) && at < Client.maxParts && isCount(of, 1) && of <= Client.maxParts ? { at, of } : undefined
}

/** Of bodies that are no plain texts, numbers or flat objects of these, the schema has the last word. */
const isBody = (value: unknown): value is Schema.Json => {
  if (isPlain(value)) return Client.fits(value)
  if (typeof value !== "object" || Object.getPrototypeOf(value) !== Object.prototype) return false
  for (const key in value) if (!isPlain((value as Record<string, unknown>)[key])) return false
  return Client.fits(value as Schema.Json)
}

const isPlain = (value: unknown): value is string | number | boolean | null =>
  typeof value === "string" || typeof value === "boolean" || value === null || Number.isFinite(value)

const isList = (value: unknown): value is ReadonlyArray<unknown> =>
  Array.isArray(value) && value.length <= Client.maxMore

const followingOf = (value: unknown): ReadonlyArray<Client.Following> | undefined => {
  if (!isList(value)) return undefined
  const all: Array<Client.Following> = []
  for (const one of value) {
    const following = typeof one === "object" && one !== null ? oneOf(one) : undefined
    if (following === undefined) return undefined
    all.push(following)
  }
  return all
}

const oneOf = (value: object): Client.Following | undefined => {
  const { body, client, part, seq, topic } = value as Readonly<Record<string, unknown>>
  const about = aboutOf(topic, part)
  if (!isBody(body) || about === undefined) return undefined
  if (client === undefined && seq === undefined) return { ...about, body }
  const by = client === undefined ? undefined : clientOf(client)
  if ((client !== undefined && by === undefined) || (seq !== undefined && !isCount(seq, 1))) return undefined
  return { ...by === undefined ? {} : { client: by }, ...seq === undefined ? {} : { seq }, ...about, body }
}
