/**
 * Bodies that one datagram has no room for: they are sent in parts with numbers that follow each other, and put together by each
 * receiver. Each client's messages come in order, each once; so a receiver needs nothing but the parts that it has in hand.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Client from "../model/Client.ts"
import type * as Message from "../model/Message.ts"
import * as Pieces from "../wire/Pieces.ts"

type Delivered = Message.Of<"CLIENT_DELIVER">

// --- Taking apart ---

/** What one message carries: a whole body or a part of one. */
export interface Piece extends Client.About {
  readonly body: Client.Body
}

/** The pieces of a body, in their order: one where it fits. It is JSON of at most `Client.maxMessageBytes`. */
export const split = (body: Client.Body, topic?: string): ReadonlyArray<Piece> => {
  if (Client.fits(body)) return [{ ...Client.aboutOf({ topic }), body }]
  const texts = Pieces.cut(JSON.stringify(body), room)
  const piece = (body: string, at: number): Piece => ({
    ...Client.aboutOf({ topic, part: { at, of: texts.length } }),
    body
  })
  return texts.map(piece)
}

/** The room for the text of a part, in bytes of JSON without the quotes. */
const room = Client.maxBodyBytes - 2

const quote = 0x22
const backslash = 0x5c

/** How deep lists and objects may be nested: as deep as in a body of one datagram. What is deeper may exhaust a stack. */
export const maxDepth = Client.maxBodyBytes

/** How deep lists and objects are nested in a text of JSON. */
export const depthOf = (json: string): number => {
  let depth = 0
  let deepest = 0
  let isText = false
  for (let at = 0; at < json.length; at += 1) {
    const code = json.charCodeAt(at)
    if (isText) {
      if (code === backslash) at += 1
      else if (code === quote) isText = false
    } else if (code === quote) isText = true
    else if (code === 0x5b || code === 0x7b) deepest = Math.max(deepest, depth += 1)
    else if (code === 0x5d || code === 0x7d) depth -= 1
  }
  return deepest
}

// --- Putting together ---

/** The parts of a message that have come of one client: so many, of `of`, the last one under `seq`, at that time. */
interface InHand {
  readonly topic: string | undefined
  readonly of: number
  readonly count: number
  readonly seq: number
  readonly text: string
  readonly at: number
}

/** The messages that are not complete yet, one of a client; and how many characters they have in all. */
export interface Assembly {
  readonly inHand: HashMap.HashMap<Client.ClientId, InHand>
  readonly characters: number
}

/** No part has come. */
export const none: Assembly = { inHand: HashMap.empty(), characters: 0 }

/** A message with all its parts; its `seq` is that of the last one. */
export interface Whole {
  readonly client: Client.Client
  readonly seq: number
  readonly topic?: string
  readonly body: Client.Body
  readonly parts: number
}

/** What comes of a message whose turn it is: it may complete one, and parts in hand may be of no use any more. */
export interface Taken {
  readonly assembly: Assembly
  readonly whole?: Whole
  readonly dropped: number
}

/** How many messages of the largest size may be in hand in all. */
const inAll = 16

/** Takes the next message of a client. A whole one has at most so many characters of JSON. */
export const take = (assembly: Assembly, message: Delivered, now: number, maxMessage: number): Taken => {
  const { body, client, part, seq, topic } = message
  const before = Option.getOrUndefined(HashMap.get(assembly.inHand, client.id))
  if (part === undefined) {
    const whole = { client, seq, ...Client.aboutOf({ topic }), body, parts: 1 }
    return { ...without(assembly, client.id, before), whole }
  }
  const goesOn = before !== undefined && part.at === before.count && part.of === before.of && topic === before.topic
    && seq === before.seq + 1
  const { assembly: rest, dropped } = without(assembly, client.id, before)
  const lost = goesOn ? 0 : dropped
  // Its first part is lost, or it is no text.
  if ((!goesOn && part.at > 0) || typeof body !== "string") return { assembly: rest, dropped: dropped + 1 }
  const text = goesOn ? before.text + body : body
  const count = part.at + 1
  if (text.length > maxMessage) return { assembly: rest, dropped: lost + count }
  if (count < part.of) {
    const kept = put(rest, client.id, { topic, of: part.of, count, seq, text, at: now }, inAll * maxMessage)
    return { ...kept, dropped: lost + kept.dropped }
  }
  const whole = parsed(text)
  return whole === undefined
    ? { assembly: rest, dropped: lost + count }
    : { assembly: rest, whole: { client, seq, ...Client.aboutOf({ topic }), body: whole, parts: count }, dropped: lost }
}

/** Puts away what is in hand of a client; where that is too much in all, those of which nothing has come for the longest are dropped. */
const put = (assembly: Assembly, client: Client.ClientId, inHand: InHand, most: number): Taken => {
  let rest = assembly
  let dropped = 0
  while (rest.characters + inHand.text.length > most) {
    const [id, oldest] = [...rest.inHand].reduce((one, other) => other[1].at < one[1].at ? other : one)
    const less = without(rest, id, oldest)
    rest = less.assembly
    dropped += less.dropped
  }
  return {
    assembly: {
      inHand: HashMap.set(rest.inHand, client, inHand),
      characters: rest.characters + inHand.text.length
    },
    dropped
  }
}

const without = (assembly: Assembly, client: Client.ClientId, before: InHand | undefined): Taken =>
  before === undefined ? { assembly, dropped: 0 } : {
    assembly: {
      inHand: HashMap.remove(assembly.inHand, client),
      characters: assembly.characters - before.text.length
    },
    dropped: before.count
  }

const parsed = (text: string): Client.Body | undefined => {
  if (depthOf(text) > maxDepth) return undefined
  try {
    return JSON.parse(text) as Client.Body
  } catch {
    return undefined
  }
}
