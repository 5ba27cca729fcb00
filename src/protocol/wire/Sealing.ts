/**
 * Sealed frames: the body of a frame encrypted and, with all that stands before it, authenticated.
 *
 * `header (8) | key id (4) | salt (16) | counter (8) | sealed body`, where the sealed body is 16 bytes longer than the
 * body. AES-256-GCM (NIST SP 800-38D); its key is HKDF-SHA256 (RFC 5869) of the group's key and the salt, which each start
 * of a server draws anew, and each server every few minutes; its nonce is four zero bytes and the counter, which grows by
 * one with each frame. So no nonce is used twice under one key, however often servers restart.
 *
 * Besides messages, three things are sealed: a challenge (a nonce of 16 bytes, and the session that is asked to prove that
 * it lives), the proof (that nonce, and the counter below which nothing more is to be believed), and an introduction (the
 * salt of 16 bytes that we go on with). See `Session`.
 */
import { hkdf } from "@noble/hashes/hkdf.js"
import { sha256 } from "@noble/hashes/sha2.js"
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js"
import * as Redacted from "effect/Redacted"
import * as Frame from "./Frame.ts"
import type * as KeyRing from "./KeyRing.ts"

/**
 * AES-256-GCM: that of `PortableCipher`, or one of the platform that does the same faster. `sealed` is the body encrypted, with
 * its authentication tag of 16 bytes; `clear` is authenticated with it.
 */
export interface Cipher {
  readonly seal: (key: Uint8Array, nonce: Uint8Array, clear: Uint8Array, body: Uint8Array) => Uint8Array
  /** Throws where the tag does not fit. */
  readonly open: (key: Uint8Array, nonce: Uint8Array, clear: Uint8Array, sealed: Uint8Array) => Uint8Array
}

/** The bytes of a session's salt. */
export const saltBytes = 16

/** The bytes of a challenge's nonce. */
export const nonceBytes = 16

/** The bytes before the sealed body, all of them authenticated. */
const clearBytes = Frame.headerBytes + 28

/** The shortest sealed frame: an empty body and its authentication tag. */
const minBytes = Frame.headerBytes + Frame.sealBytes

/**
 * The fields in the clear: the id of the key and the salt in hex, and the counter. A counter above 2^53 is Infinity: no
 * server gets there, and it is never admitted.
 */
export interface Clear {
  readonly keyId: string
  readonly salt: string
  readonly counter: number
}

/** Reads the fields in the clear of a frame whose flags say that it is sealed; null if it is too short for that. */
export const clear = (frame: Uint8Array): Clear | null => {
  if (frame.length < minBytes) return null
  const view = new DataView(frame.buffer, frame.byteOffset)
  const high = view.getUint32(28)
  return {
    keyId: bytesToHex(frame.subarray(8, 12)),
    salt: bytesToHex(frame.subarray(12, 28)),
    counter: high < 2 ** 21 ? high * 2 ** 32 + view.getUint32(32) : Infinity
  }
}

const info = new TextEncoder().encode("bellwether/1 sealing")

/** The sealing key of one session under one key of the group. */
export const sealingKey = (key: KeyRing.Key, salt: string): Uint8Array =>
  hkdf(sha256, Redacted.value(key.secret), hexToBytes(salt), info, 32)

const nonceOf = (frame: Uint8Array): Uint8Array => {
  const nonce = new Uint8Array(12)
  nonce.set(frame.subarray(28, 36), 4)
  return nonce
}

/** Seals a body. `tag` is the group's, `counter` one that this salt never had before. */
export const seal = (
  body: Uint8Array,
  { counter, flags, keyId, salt, sealingKey, tag }: Clear & {
    readonly flags: number
    readonly sealingKey: Uint8Array
    readonly tag: Uint8Array
  },
  cipher: Cipher
): Uint8Array => {
  const frame = new Uint8Array(Frame.headerBytes + Frame.sealBytes + body.length)
  frame.set(Frame.header(tag, flags))
  frame.set(hexToBytes(keyId), 8)
  frame.set(hexToBytes(salt), 12)
  const view = new DataView(frame.buffer)
  view.setUint32(28, Math.floor(counter / 2 ** 32))
  view.setUint32(32, counter % 2 ** 32)
  frame.set(cipher.seal(sealingKey, nonceOf(frame), frame.subarray(0, clearBytes), body), clearBytes)
  return frame
}

/** Opens a sealed frame; null where it was not sealed with this key, or was changed since. Never throws. */
export const open = (frame: Uint8Array, sealingKey: Uint8Array, cipher: Cipher): Uint8Array | null => {
  try {
    return cipher.open(sealingKey, nonceOf(frame), frame.subarray(0, clearBytes), frame.subarray(clearBytes))
  } catch {
    return null
  }
}

/**
 * A new salt, of random bytes and of the time: a machine that was set back to a snapshot may draw the same bytes again, but not
 * at the same time.
 */
export const salt = (random: Uint8Array, wall: number): string => {
  const drawn = new Uint8Array(random.length + 8)
  drawn.set(random)
  new DataView(drawn.buffer).setFloat64(random.length, wall)
  return bytesToHex(sha256(drawn).subarray(0, saltBytes))
}

/**
 * A proof: the nonce that it answers (hex), and the counter below which nothing of the session is to be believed any more.
 */
export interface Proof {
  readonly nonce: string
  readonly floor: number
}

/** A challenge: a nonce, and the salt of the session that is to answer it (both hex). */
export interface Challenge {
  readonly nonce: string
  readonly salt: string
}

/** The challenge in an opened body; null if it is none. */
export const readChallenge = (body: Uint8Array): Challenge | null =>
  body.length !== nonceBytes + saltBytes ? null : {
    nonce: bytesToHex(body.subarray(0, nonceBytes)),
    salt: bytesToHex(body.subarray(nonceBytes))
  }

/** The body of a challenge. */
export const writeChallenge = ({ nonce, salt }: Challenge): Uint8Array => hexToBytes(nonce + salt)

/** The salt (hex) that an opened introduction names; null where it is none. */
export const readIntroduction = (body: Uint8Array): string | null => body.length === saltBytes ? bytesToHex(body) : null

/** The proof in an opened body; null if it is none. */
export const readProof = (body: Uint8Array): Proof | null => {
  if (body.length !== nonceBytes + 8) return null
  const view = new DataView(body.buffer, body.byteOffset)
  return {
    nonce: bytesToHex(body.subarray(0, nonceBytes)),
    floor: view.getUint32(nonceBytes) * 2 ** 32 + view.getUint32(nonceBytes + 4)
  }
}

/** The body of a proof. */
export const writeProof = ({ floor, nonce }: Proof): Uint8Array => {
  const body = new Uint8Array(nonceBytes + 8)
  body.set(hexToBytes(nonce))
  const view = new DataView(body.buffer)
  view.setUint32(nonceBytes, Math.floor(floor / 2 ** 32))
  view.setUint32(nonceBytes + 4, floor % 2 ** 32)
  return body
}
