/**
 * Keeps the last decoded messages of each source. Most datagrams of a group are heartbeats, and a heartbeat is the same to
 * the byte while nothing changes, but for the number of the leader's signs of life; important messages are sent three times.
 * So the last heartbeat of each source is kept, and its last other message: the same bytes again are not decoded again.
 */
import * as Result from "effect/Result"
import type * as Message from "../protocol/model/Message.ts"
import * as Frame from "../protocol/wire/Frame.ts"
import * as RecentlyUsed from "./RecentlyUsed.ts"

/** How many bytes of heartbeats are kept at least, and of other messages; twice as many at most: those of 10,000 members fit. */
export const capacity = { heartbeats: 4 * 2 ** 20, others: 2 ** 20 }

/** Reads the body of a frame that came from a source, as `Frame.readBody` does. */
export type Read = (body: Uint8Array, source: string) => Result.Result<Message.Message, Frame.Refused>

type Answer = ReturnType<Read>

/** An empty cache. It answers by the bytes alone, so all servers of one process may share it. */
export const make = ({ heartbeats: most, others: mostOthers } = capacity): Read => {
  const heartbeats = RecentlyUsed.make<string, Kept>(most, bytesOf)
  const others = RecentlyUsed.make<string, Kept>(mostOthers, bytesOf)
  return (body, source) => {
    const last = again(heartbeats.get(source), body) ?? again(others.get(source), body)
    if (last !== undefined) return last
    const read = Frame.readBody(body)
    // Messages of clients are long, and never the same.
    if (Result.isFailure(read) || !("sender" in read.success)) return read
    // A copy, since the bytes may be the system's.
    const kept = { body: body.slice(), read, number: numberIn(body, read.success) }
    const table = read.success.type === "SERVER_ALIVE" ? heartbeats : others
    table.set(source, kept)
    return read
  }
}

// internal

/** A body and what it says; and where in it the number of the leader's signs of life stands, if it does. */
interface Kept {
  readonly body: Uint8Array
  readonly read: Answer
  readonly number: Span | null
}

/** The bytes from `start` to before `end`. */
interface Span {
  readonly start: number
  readonly end: number
}

const bytesOf = ({ body }: Kept): number => body.length

/** What a body says that is the kept one again, but for that number perhaps. */
const again = (kept: Kept | undefined, body: Uint8Array): Answer | undefined => {
  if (kept === undefined || kept.body.length !== body.length) return undefined
  const { number, read } = kept
  if (number === null) return isSame(kept.body, body, 0, body.length) ? read : undefined
  // From the end, where two messages of one server differ most often.
  if (!isSame(kept.body, body, number.end, body.length) || !isSame(kept.body, body, 0, number.start)) return undefined
  const alive = numberAt(body, number)
  const before = Result.getOrThrow(read)
  if (alive === undefined || !("alive" in before)) return undefined
  return alive === before.alive ? read : Result.succeed({ ...before, alive })
}

const isSame = (one: Uint8Array, other: Uint8Array, start: number, end: number): boolean => {
  for (let at = end - 1; at >= start; at--) if (one[at] !== other[at]) return false
  return true
}

const [zero, nine, comma, brace, backslash] = Array.from("09,}\\", (letter) => letter.charCodeAt(0)) as [
  number,
  number,
  number,
  number,
  number
]

/** The whole number above 0 that these digits are; undefined where they are none as JSON writes it. */
const numberAt = (body: Uint8Array, { end, start }: Span): number | undefined => {
  if (body[start] === zero) return undefined
  let value = 0
  for (let at = start; at < end; at++) {
    const digit = body[at]!
    if (digit < zero || digit > nine) return undefined
    value = 10 * value + digit - zero
  }
  return value
}

const key = new TextEncoder().encode("\"alive\":")

/**
 * Where the number of the leader's signs of life stands, if it is clear that other digits there would be another such number and
 * nothing else. In a body with no backslash, a quote is never part of a text; so the key is a key, and if there is one only, the
 * field of the message is that one. The number of digits stays the same, so what its schema allows is allowed again.
 */
const numberIn = (body: Uint8Array, message: Message.Message): Span | null => {
  if (!("alive" in message) || body.includes(backslash)) return null
  const found = placesOf(key, body)
  if (found.length !== 1) return null
  const start = found[0]! + key.length
  let end = start
  while (body[end]! >= zero && body[end]! <= nine) end++
  const isWhole = body[end] === comma || body[end] === brace
  return isWhole && numberAt(body, { start, end }) === message.alive ? { start, end } : null
}

const placesOf = (text: Uint8Array, body: Uint8Array): ReadonlyArray<number> => {
  const places: Array<number> = []
  for (let at = body.indexOf(text[0]!); at >= 0; at = body.indexOf(text[0]!, at + 1)) {
    if (text.every((letter, n) => body[at + n] === letter)) places.push(at)
  }
  return places
}
