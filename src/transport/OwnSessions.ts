/**
 * The sessions that one endpoint sends in, with their sealing keys. When a session begins and ends is decided in
 * `protocol/Voice`.
 */
import { hexToBytes } from "@noble/hashes/utils.js"
import type { Address } from "../protocol/model/Member.ts"
import * as Frame from "../protocol/wire/Frame.ts"
import * as KeyRing from "../protocol/wire/KeyRing.ts"
import * as Sealing from "../protocol/wire/Sealing.ts"
import * as Session from "../protocol/wire/Session.ts"
import * as Voice from "../protocol/wire/Voice.ts"

/** Times are ms on a clock that never steps. */
export interface OwnSessions {
  readonly isOwn: (salt: string) => boolean
  /** Draws the next session, or takes it up, when that is due. */
  readonly advance: (now: number) => void
  /** After a pause: a new session at once. */
  readonly renew: (now: number) => void
  readonly seal: (key: KeyRing.Key, body: Uint8Array, flags: Frame.Flags, now: number) => Uint8Array
  /** The answer to a challenge; null where it names no session in which we may seal. */
  readonly proof: (key: KeyRing.Key, challenge: Sealing.Challenge, now: number) => Uint8Array | null
  /** The introduction of our next session, while there is one: to be sent first to an address, or to the group (null). */
  readonly introduction: (key: KeyRing.Key | null, to: Address | null, now: number) => Uint8Array | null
}

/** The sealing key of a session under a key of the ring; it is made once. */
export const sealingKey = (known: Map<string, Uint8Array>, key: KeyRing.Key, salt: string): Uint8Array => {
  const before = known.get(key.id)
  if (before !== undefined) return before
  const made = Sealing.sealingKey(key, salt)
  // Keys come and go as they are changed.
  if (known.size >= KeyRing.maxKeys) known.clear()
  known.set(key.id, made)
  return made
}

/** `silence` is for how long the next session is introduced before it is taken up. */
export const make = ({ cipher, random, silence, tag, wall }: {
  readonly cipher: Sealing.Cipher
  readonly tag: Uint8Array
  readonly silence: () => number
  readonly random: (bytes: number) => Uint8Array
  readonly wall: () => number
}): OwnSessions => {
  const draw = () => Sealing.salt(random(Sealing.saltBytes), wall())
  // By salt, and then by the id of the key.
  const sealingKeys = new Map<string, Map<string, Uint8Array>>()
  let voice = Voice.make(draw(), 0)

  const keysOf = (salt: string): Map<string, Uint8Array> => {
    const known = sealingKeys.get(salt)
    if (known !== undefined) return known
    for (const old of sealingKeys.keys()) if (!Voice.isOwn(voice, old)) sealingKeys.delete(old)
    const made = new Map<string, Uint8Array>()
    sealingKeys.set(salt, made)
    return made
  }
  const sealIn = (session: Voice.Own, key: KeyRing.Key, body: Uint8Array, flags: Frame.Flags, now: number) => {
    const { salt } = session
    const [after, counter] = Voice.speak(voice, session, now)
    voice = after
    const own = sealingKey(keysOf(salt), key, salt)
    return Sealing.seal(body, { flags, counter, keyId: key.id, salt, sealingKey: own, tag }, cipher)
  }
  const advance = (now: number): void => {
    voice = Voice.advance(voice, now, silence(), draw)
  }

  return {
    isOwn: (salt) => Voice.isOwn(voice, salt),
    advance,
    renew: (now) => {
      voice = Voice.renew(voice, now, draw)
    },
    seal: (key, body, flags, now) => sealIn(voice.speaking, key, body, flags, now),
    proof: (key, { nonce, salt }, now) => {
      const asked = Voice.challenged(voice, salt)
      if (asked === null) return null
      const body = Sealing.writeProof({ nonce, floor: Session.floor(asked.sender, now) })
      return sealIn(asked, key, body, Frame.flags.proof, now)
    },
    introduction: (key, to, now) => {
      advance(now)
      const { next } = voice
      const [after, isDue] = Voice.introduce(voice, to)
      if (key === null || next === null || !isDue) return null
      voice = after
      return sealIn(voice.speaking, key, hexToBytes(next.salt), Frame.flags.introduction, now)
    }
  }
}
