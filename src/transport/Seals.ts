/**
 * The seals of one endpoint: our own sessions, and the table of those of others. Sealed frames go in, what may be believed
 * comes out, and with it what is to be answered. What is decided about one session is in `protocol/Session`,
 * and about our own in `protocol/Voice`.
 *
 * Only what opens makes an entry, so nobody without a key fills the table; and any entry may be forgotten, since a session
 * that is not known proves itself again.
 */
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js"
import * as Result from "effect/Result"
import * as Frame from "../protocol/Frame.ts"
import * as KeyRing from "../protocol/KeyRing.ts"
import type { Address } from "../protocol/Member.ts"
import * as Sealing from "../protocol/Sealing.ts"
import * as Session from "../protocol/Session.ts"
import * as Voice from "../protocol/Voice.ts"
import type * as Datagrams from "./Datagrams.ts"

/**
 * Why a sealed frame, or a plain one where it should be sealed, was not read.
 *
 * - `NotSealed`: plain, and only sealed ones are heard. `UnknownKey`: sealed with a key that we do not have.
 * - `Forged`: it does not open. `Repeated`: it came before, or is too old to tell.
 * - `Unproven`: it was held back, and its session did not prove itself. `Own`: our own, back from the group.
 */
export type Refused = "NotSealed" | "UnknownKey" | "Forged" | "Repeated" | "Unproven"

/** What shows that another has no key, or not ours, or does not seal at all. */
export type Stranger = Extract<Refused, "NotSealed" | "UnknownKey" | "Forged"> | "Sealed"

/**
 * The keys by which an endpoint speaks and hears. `ring` is asked each time: it may change. `onStranger` is called for each
 * datagram that was dropped for a matter of keys; it must not block.
 */
export interface Keys {
  readonly ring: () => KeyRing.KeyRing
  readonly freshness: Session.Freshness
  readonly onStranger?: ((problem: Stranger, from: Address) => void) | undefined
  /**
   * Of how many others sessions are kept that have proved themselves: two of each, since everyone changes it now and then.
   * {@link unprovenOf} of such as have still to.
   */
  readonly maxSessions: number
}

/** The keys of who has none. */
export const noKeys: Keys = { ring: () => KeyRing.none, freshness: Session.freshness(30_000), maxSessions: 1 }

/** How many sessions that have still to prove themselves are kept beside so many that have. */
export const unprovenOf = (maxSessions: number): number => Math.max(16, Math.floor(maxSessions / 16))

/** The body of a datagram that may be believed. */
export interface Body extends Omit<Datagrams.Received, "payload"> {
  readonly body: Uint8Array
}

/** What came of a sealed datagram: what may be believed now, in order, and what is to be sent for it. */
export interface Opened {
  /** Whether its session has proved itself; else it may be a recording. */
  readonly isProven: boolean
  readonly bodies: ReadonlyArray<Body>
  readonly replies: ReadonlyArray<{ readonly to: Address; readonly frame: Uint8Array }>
}

/** Seals and opens for one endpoint. Times are ms on a clock that never steps. */
export interface Seals {
  /** A frame as it is to be sent: sealed where a key is active, else as it was. */
  readonly seal: (frame: Uint8Array, now: number) => Uint8Array
  /** What is to be sent there first, or to the group (null): the introduction of our next session, while there is one. */
  readonly introduction: (to: Address | null, now: number) => Uint8Array | null
  /** After a pause: a new session of ours at once. */
  readonly renew: (now: number) => void
  /** Takes a datagram whose header is right. `lost` of those held back were let go. */
  readonly open: (
    datagram: Datagrams.Received,
    flags: Frame.Flags,
    now: number
  ) => Result.Result<Opened & { readonly lost: number }, Refused | "Sealed" | "Own">
  /** How many sessions of others are kept. */
  readonly size: () => { readonly proven: number; readonly unproven: number }
}

interface Entry {
  session: Session.Session<Body>
  /** Its sealing key under each key of the ring, by id. */
  readonly sealingKeys: Map<string, Uint8Array>
}

const nothing: Opened & { readonly lost: number } = { isProven: false, bodies: [], replies: [], lost: 0 }

/**
 * Makes the seals of an endpoint, with a session of its own. `random` must be unforeseeable: it draws nonces, and with the
 * time of the wall clock (`wall`, Unix ms) salts.
 * `onForgotten` is called for each session that was forgotten for another though it still counted; it must not block.
 */
export const make = (
  { freshness, maxSessions, onStranger, ring }: Keys,
  tag: Uint8Array,
  random: (bytes: number) => Uint8Array,
  onForgotten: () => void = () => {},
  wall: () => number = () => 0
): Seals => {
  const draw = () => Sealing.salt(random(Sealing.saltBytes), wall())
  // Its own sealing keys, by salt and then by id of the key.
  const ownKeys = new Map<string, Map<string, Uint8Array>>()
  // In the order of their last use, which a Map keeps when an entry is deleted and set again.
  const proven = new Map<string, Entry>()
  const unproven = new Map<string, Entry>()
  let voice = Voice.make(draw(), 0)

  const sealingKey = (keys: Map<string, Uint8Array>, key: KeyRing.Key, salt: string): Uint8Array => {
    const known = keys.get(key.id)
    if (known !== undefined) return known
    const made = Sealing.sealingKey(key, salt)
    // Keys come and go as they are changed.
    if (keys.size >= KeyRing.maxKeys) keys.clear()
    keys.set(key.id, made)
    return made
  }

  const keysOf = (salt: string): Map<string, Uint8Array> => {
    const known = ownKeys.get(salt)
    if (known !== undefined) return known
    for (const old of ownKeys.keys()) if (!Voice.isOwn(voice, old)) ownKeys.delete(old)
    const made = new Map<string, Uint8Array>()
    ownKeys.set(salt, made)
    return made
  }

  const advance = (now: number): void => {
    voice = Voice.advance(voice, now, freshness.silence, draw)
  }

  const sealWith = (
    key: KeyRing.Key,
    body: Uint8Array,
    flags: Frame.Flags,
    now: number,
    session = voice.speaking
  ): Uint8Array => {
    const { salt } = session
    const [after, counter] = Voice.speak(voice, session, now)
    voice = after
    return Sealing.seal(body, {
      flags,
      counter,
      keyId: key.id,
      salt,
      sealingKey: sealingKey(keysOf(salt), key, salt),
      tag
    })
  }

  /** Keeps a session, and lets go of the one of its kind that was quiet the longest: how many held datagrams went with it. */
  const keep = (salt: string, entry: Entry, now: number): number => {
    proven.delete(salt)
    unproven.delete(salt)
    const isProven = Session.isProven(entry.session, now, freshness)
    const [table, most] = isProven ? [proven, 2 * maxSessions] : [unproven, unprovenOf(maxSessions)]
    table.set(salt, entry)
    if (table.size <= most) return 0
    for (const [oldest, { session }] of table) {
      table.delete(oldest)
      if (Session.isProven(session, now, freshness) || Session.isAsked(session, now)) onForgotten()
      return session.held.length
    }
    return 0
  }

  /** Another goes on in this session: what was held back of it. */
  const introduce = (salt: string, by: Session.Session<Body>, now: number): ReadonlyArray<Body> => {
    const entry = proven.get(salt) ?? unproven.get(salt) ?? { session: Session.unheard, sealingKeys: new Map() }
    const [session, held] = Session.introduced(entry.session, by)
    entry.session = session
    keep(salt, entry, now)
    return held
  }

  const opened = (
    { from, payload, via }: Datagrams.Received,
    flags: Frame.Flags,
    now: number
  ): Result.Result<Opened & { readonly lost: number }, Refused | "Own"> => {
    const clear = Sealing.clear(payload)
    if (clear === null) return Result.fail("Forged")
    if (Voice.isOwn(voice, clear.salt)) return Result.fail("Own")
    const { active, keys } = ring()
    const key = keys.find(({ id }) => id === clear.keyId)
    if (key === undefined) return Result.fail("UnknownKey")
    const entry: Entry = proven.get(clear.salt) ?? unproven.get(clear.salt)
      ?? { session: Session.unheard, sealingKeys: new Map() }
    const body = Sealing.open(payload, sealingKey(entry.sealingKeys, key, clear.salt))
    const challenge = body !== null && flags === Frame.flags.challenge ? Sealing.readChallenge(body) : null
    const proof = body !== null && flags === Frame.flags.proof ? Sealing.readProof(body) : null
    const introduces = body !== null && flags === Frame.flags.introduction ? Sealing.readIntroduction(body) : null
    const isMessage = flags === Frame.flags.sealed
    if (body === null || (!isMessage && (challenge ?? proof ?? introduces) === null)) return Result.fail("Forged")
    const [session, verdict] = Session.hear(entry.session, {
      counter: clear.counter,
      what: isMessage ? { body, from, via } : null,
      now,
      freshness,
      draw: () => bytesToHex(random(Sealing.nonceBytes))
    })
    if (verdict._tag === "Repeated") return Result.fail("Repeated")
    entry.session = session
    const bodies: Array<Body> = verdict._tag === "Deliver" && isMessage ? [{ body, from, via }] : []
    const replies: Array<Opened["replies"][number]> = []
    if (proof !== null) {
      const accepted = Session.prove(session, proof, now)
      if (accepted === null) {
        keep(clear.salt, entry, now)
        return Result.fail("Unproven")
      }
      entry.session = accepted[0]
      bodies.push(...accepted[1])
    } else {
      if (introduces !== null && verdict._tag === "Deliver" && !Voice.isOwn(voice, introduces)) {
        bodies.push(...introduce(introduces, session, now))
      }
      // With what we speak; where that is plain, with the key that it came with.
      const speaking = active ?? key
      if (challenge !== null) {
        const asked = Voice.challenged(voice, challenge.salt)
        if (asked !== null) {
          const body = Sealing.writeProof({ nonce: challenge.nonce, floor: Session.floor(asked.speaker, now) })
          replies.push({ to: from, frame: sealWith(speaking, body, Frame.flags.proof, now, asked) })
        }
      }
      if (verdict.ask !== null) {
        const body = Sealing.writeChallenge({ nonce: verdict.ask, salt: clear.salt })
        replies.push({ to: from, frame: sealWith(speaking, body, Frame.flags.challenge, now) })
      }
    }
    const lost = keep(clear.salt, entry, now) + (verdict._tag === "Hold" ? verdict.lost : 0)
    return Result.succeed({ isProven: verdict._tag === "Deliver" || proof !== null, bodies, replies, lost })
  }

  return {
    introduction: (to, now) => {
      advance(now)
      const { active } = ring()
      const { next } = voice
      const [after, isDue] = Voice.introduce(voice, to)
      if (active === null || next === null || !isDue) return null
      voice = after
      return sealWith(active, hexToBytes(next.salt), Frame.flags.introduction, now)
    },
    renew: (now) => {
      voice = Voice.renew(voice, now, draw)
    },
    seal: (frame, now) => {
      advance(now)
      const { active } = ring()
      return active === null ? frame : sealWith(active, frame.subarray(Frame.headerBytes), Frame.flags.sealed, now)
    },
    open: (datagram, flags, now) => {
      const { keys, mode } = ring()
      const { from, payload, via } = datagram
      const result = flags === Frame.flags.plain
        ? keys.length === 0 || mode === "permissive"
          ? Result.succeed({ ...nothing, bodies: [{ body: payload.subarray(Frame.headerBytes), from, via }] })
          : Result.fail("NotSealed" as const)
        : keys.length === 0
        ? Result.fail("Sealed" as const)
        : opened(datagram, flags, now)
      if (Result.isFailure(result)) {
        const problem = result.failure
        if (problem !== "Own" && problem !== "Repeated" && problem !== "Unproven") onStranger?.(problem, from)
      }
      return result
    },
    size: () => ({ proven: proven.size, unproven: unproven.size })
  }
}
