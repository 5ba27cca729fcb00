/**
 * Bytes to messages and back: one datagram is one frame of at most {@link maxBytes}.
 *
 * `magic "BW" (2) | version (1) | flags (1) | group tag (4) | body`, the body being the JSON of one message. The tag is
 * the first 4 bytes of SHA-256 of the group's name, so what is said in other groups and by other programs is dropped
 * before anything is parsed. In a group with a key the body is sealed (`Sealing`), which the flags say.
 */
import { sha256 } from "@noble/hashes/sha2.js"
import { bytesToHex } from "@noble/hashes/utils.js"
import * as Result from "effect/Result"
import * as Message from "../model/Message.ts"
import * as QuickRead from "./QuickRead.ts"

/** The largest frame, in bytes: it fits every path without IP fragmentation. */
export const maxBytes = 1_200

/** The bytes before the body. */
export const headerBytes = 8

/**
 * The bytes that sealing adds to a frame of a keyed group (key id 4, salt 16, counter 8, authentication tag 16). A body
 * is kept this much smaller than a frame, so that a group can be keyed without any message growing too large.
 */
export const sealBytes = 44

/** The largest body, in bytes. */
export const maxBodyBytes = maxBytes - headerBytes - sealBytes

/** The version of the wire format that is spoken here. */
export const version = 1

/**
 * The kind of body, by the flags: a message in the clear, a sealed message, a challenge or proof by which a session is
 * authenticated, or the introduction of the session that follows this one.
 */
export const flags = { plain: 0, sealed: 1, challenge: 3, proof: 5, introduction: 7 } as const

/** The flags that a frame may have. */
export type Flags = (typeof flags)[keyof typeof flags]

const magic = [0x42, 0x57] as const
const knownFlags: ReadonlySet<unknown> = new Set(Object.values(flags))

/**
 * Why a datagram was dropped before anyone acted on it.
 *
 * - `NotOurs`: no frame of this program. `OtherGroup`: a frame of another group. `UnknownVersion`, `UnknownFlags`: of a
 *   program newer than this one.
 * - `TooLong`: over {@link maxBytes}. `NotJson`: the body is no JSON in UTF-8.
 * - `UnknownType`: a message that a newer version may know. `Invalid`: a message that its schema refuses.
 * - `Sealed`: a sealed frame where we have no key.
 */
export type Refused =
  | "NotOurs"
  | "OtherGroup"
  | "UnknownVersion"
  | "UnknownFlags"
  | "TooLong"
  | "Sealed"
  | "NotJson"
  | Message.Refused

/**
 * A message that does not fit one frame: which one, its largest field, and the sizes in bytes.
 *
 * The limits on names and tags see to it that this cannot happen to the program's own messages.
 */
export interface TooLarge {
  readonly _tag: "TooLarge"
  readonly type: Message.Message["type"]
  readonly field: string
  readonly fieldBytes: number
  readonly bytes: number
  readonly limit: number
}

const utf8 = new TextDecoder("utf-8", { fatal: true })
const encoder = new TextEncoder()

const largestField = (message: Message.Message): readonly [field: string, bytes: number] => {
  let largest: readonly [string, number] = ["type", 0]
  for (const [field, value] of Object.entries(message)) {
    const bytes = encoder.encode(JSON.stringify(value)).length
    if (bytes > largest[1]) largest = [field, bytes]
  }
  return largest
}

/** The first 4 bytes of SHA-256 of a group's name, by which its frames are known. */
export const groupTag = (group: string): Uint8Array => sha256(encoder.encode(group)).subarray(0, 4)

/** Writes one message as one frame of the group with this tag (4 bytes). */
export const encode = (message: Message.Message, groupTag: Uint8Array): Result.Result<Uint8Array, TooLarge> => {
  const json = JSON.stringify(message)
  // As far as there is room: a rest is too much.
  const { read, written } = encoder.encodeInto(json, room)
  if (read < json.length) {
    const [field, fieldBytes] = largestField(message)
    return Result.fail({
      _tag: "TooLarge",
      type: message.type,
      field,
      fieldBytes,
      bytes: encoder.encode(json).length,
      limit: maxBodyBytes
    })
  }
  const frame = new Uint8Array(headerBytes + written)
  putHeader(frame, groupTag, flags.plain)
  frame.set(room.subarray(0, written), headerBytes)
  return Result.succeed(frame)
}

const room = new Uint8Array(maxBodyBytes)

const putHeader = (bytes: Uint8Array, groupTag: Uint8Array, flags: number): void => {
  bytes[0] = magic[0]
  bytes[1] = magic[1]
  bytes[2] = version
  bytes[3] = flags
  for (let i = 0; i < 4; i++) bytes[4 + i] = groupTag[i]!
}

/** The bytes before the body, of the group with this tag. */
export const header = (groupTag: Uint8Array, flags: number): Uint8Array => {
  const bytes = new Uint8Array(headerBytes)
  putHeader(bytes, groupTag, flags)
  return bytes
}

/** Reads the bytes before the body: what kind of frame it is, if it is one of the group's. */
export const readHeader = (frame: Uint8Array, groupTag: Uint8Array): Result.Result<Flags, Refused> => {
  if (frame.length < headerBytes || frame[0] !== magic[0] || frame[1] !== magic[1]) return Result.fail("NotOurs")
  if (frame[2] !== version) return Result.fail("UnknownVersion")
  for (let i = 0; i < 4; i++) if (frame[4 + i] !== groupTag[i]) return Result.fail("OtherGroup")
  if (!knownFlags.has(frame[3])) return Result.fail("UnknownFlags")
  return frame.length > maxBytes ? Result.fail("TooLong") : Result.succeed(frame[3] as Flags)
}

/** The tag of the group that a frame is of, as eight hex digits. */
export const tagOf = (frame: Uint8Array): string => bytesToHex(frame.subarray(4, 8))

/** Reads the body of a frame, or of one that was opened, as a message. */
export const readBody = (body: Uint8Array): Result.Result<Message.Message, Refused> => {
  let value: unknown
  try {
    value = JSON.parse(utf8.decode(body))
  } catch {
    return Result.fail("NotJson")
  }
  const quick = QuickRead.read(value)
  return quick === undefined ? Message.decode(value) : Result.succeed(quick)
}

/** Reads one frame of a group without a key. Never throws, on any bytes. */
export const decode = (frame: Uint8Array, groupTag: Uint8Array): Result.Result<Message.Message, Refused> => {
  const kind = readHeader(frame, groupTag)
  if (Result.isFailure(kind)) return Result.fail(kind.failure)
  return kind.success === flags.plain ? readBody(frame.subarray(headerBytes)) : Result.fail("Sealed")
}
