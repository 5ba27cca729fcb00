/**
 * The keys of a group: several may be known, one of them seals what is sent. So a key is changed without losing a member:
 * the new one is first known everywhere, then used everywhere, then the old one is forgotten everywhere.
 *
 * Keys never show: a {@link Key} holds its bytes redacted, and is told apart by its id, which gives nothing away.
 */
import { hkdf } from "@noble/hashes/hkdf.js"
import { sha256 } from "@noble/hashes/sha2.js"
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js"
import * as Base64 from "effect/encoding/Base64"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"

/** The most keys that a ring holds. */
export const maxKeys = 8

/** One key. `id` is 8 hex digits, made from the key by HKDF; it goes over the network in the clear. */
export interface Key {
  readonly id: string
  readonly secret: Redacted.Redacted<Uint8Array>
}

/**
 * Whether what is not sealed is heard too.
 *
 * - `enforce`: no. `permissive`: yes, for the time in which a group gets its first key; nothing is protected meanwhile.
 */
export type Mode = "enforce" | "permissive"

/** The keys by which a server hears, and the one with which it speaks: null where it sends plain. */
export interface Keys {
  readonly keys: ReadonlyArray<Key>
  readonly active: Key | null
}

/** The keys, and whether what is not sealed is heard too. A ring of no keys is that of a group without any. */
export interface KeyRing extends Keys {
  readonly mode: Mode
}

/** The ring of a group that has no key: nothing is sealed. */
export const none: KeyRing = { keys: [], active: null, mode: "permissive" }

const encoder = new TextEncoder()
const idInfo = encoder.encode("bellwether/1 key id")

/** A key from its 32 bytes. */
export const key = (bytes: Uint8Array): Key => ({
  id: bytesToHex(hkdf(sha256, bytes, undefined, idInfo, 4)),
  secret: Redacted.make(bytes, { label: "key" })
})

/** The word in the first place of a list of keys if messages are not to be sealed yet. */
export const plainWord = "plain"

const hex = /^[0-9a-f]{64}$/i
const base64 = /^[A-Za-z0-9+/_-]{43}=?$/

const bytesOf = (word: string): Uint8Array | undefined => {
  if (hex.test(word)) return hexToBytes(word)
  if (!base64.test(word)) return undefined
  const standard = word.replaceAll("-", "+").replaceAll("_", "/").padEnd(44, "=")
  return Result.getOrUndefined(Base64.decode(standard))
}

/**
 * Reads a list of keys: 32 bytes each as base64 (44 characters, or 43 without the `=`; either alphabet) or as 64 hex
 * digits, with commas, spaces or line ends between them, at most {@link maxKeys}, each once. Text after `#` on a line is a
 * remark. The first key seals messages; with the word `plain` before it, they are not sealed. None if it is no such list.
 */
export const parse = (text: string): Option.Option<Keys> => {
  const words = text.replaceAll(/#[^\n]*/g, "").split(/[\s,]+/).filter((word) => word !== "")
  const isPlain = words[0] === plainWord
  const bytes = (isPlain ? words.slice(1) : words).map(bytesOf)
  const known = bytes.filter((one) => one !== undefined)
  if (known.length === 0 || known.length < bytes.length || known.length > maxKeys) return Option.none()
  const keys = known.map(key)
  if (new Set(keys.map(({ id }) => id)).size < keys.length) return Option.none()
  return Option.some({ keys, active: isPlain ? null : keys[0]! })
}

const mayBeKey = /(?<![\w+/-])(?:[0-9a-f]{64}|[\w+/-]{43}=?)(?![\w+/=-])/gi

/** A text to be shown, without the words in it that may be keys: one was put where something else belongs. */
export const hidden = (text: string): string => text.replaceAll(mayBeKey, "(not shown: it may be a key)")
