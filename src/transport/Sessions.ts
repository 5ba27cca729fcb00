/**
 * The sessions of one endpoint: our own, and the table of those of others. Sealed frames go in; bodies that may be believed
 * come out, and with them the answers to send. The decisions on one session of another are in `protocol/wire/Session`, and
 * our own are in `OwnSessions`.
 *
 * Only a frame that opens makes an entry, so nobody without a key fills the table. Any entry may be forgotten, since an
 * unknown session is authenticated anew.
 */
import { bytesToHex } from "@noble/hashes/utils.js"
import * as Result from "effect/Result"
import type { Address } from "../protocol/model/Member.ts"
import * as Frame from "../protocol/wire/Frame.ts"
import * as KeyRing from "../protocol/wire/KeyRing.ts"
import * as Sealing from "../protocol/wire/Sealing.ts"
import * as Session from "../protocol/wire/Session.ts"
import type * as Datagrams from "./Datagrams.ts"
import * as OwnSessions from "./OwnSessions.ts"

/**
 * Why a sealed frame, or a plain one where it should be sealed, was not read.
 *
 * - `NotSealed`: plain, and only sealed ones are heard. `UnknownKey`: sealed with a key that we do not have.
 * - `Forged`: it does not open. `Repeated`: it came before, or is too old to tell.
 * - `Unauthenticated`: it was held back, and its session was not proven in time. `Own`: our own, back from the group.
 */
export type Refused = "NotSealed" | "UnknownKey" | "Forged" | "Repeated" | "Unauthenticated"

/** The drop reasons that show that another has no key, or not ours, or does not seal at all. */
export type UnauthenticatedSender = Extract<Refused, "NotSealed" | "UnknownKey" | "Forged"> | "Sealed"

/**
 * The keys by which an endpoint speaks and hears. `ring` is asked each time: it may change. `onUnauthenticated` is called for
 * each datagram that was dropped for a matter of keys; it must not block.
 */
export interface Keys {
  readonly ring: () => KeyRing.KeyRing
  /** For how long a session is believed: asked each time, since heartbeats come less often in a larger group. */
  readonly freshness: () => Session.Freshness
  readonly onUnauthenticated?: ((problem: UnauthenticatedSender, from: Address) => void) | undefined
  /**
   * Of how many others sessions are kept that have proved themselves: two of each, since everyone changes it now and then.
   * {@link unauthenticatedOf} of such as have still to.
   */
  readonly maxSessions: number
}

/** The key ring of a program that has no key. */
export const noKeys: Keys = { ring: () => KeyRing.none, freshness: () => Session.freshness(30_000), maxSessions: 1 }

/** How many sessions that have still to prove themselves are kept beside so many that have. */
export const unauthenticatedOf = (maxSessions: number): number => Math.max(16, Math.floor(maxSessions / 16))

/** The body of a datagram that may be believed. */
export interface Body extends Omit<Datagrams.Received, "payload"> {
  readonly body: Uint8Array
}

/** The result of a sealed datagram: the bodies that may be believed now, in order, and the answers to send for it. */
export interface Opened {
  /** Whether its session has proved itself; else it may be a recording. */
  readonly isAuthenticated: boolean
  readonly bodies: ReadonlyArray<Body>
  readonly replies: ReadonlyArray<{ readonly to: Address; readonly frame: Uint8Array }>
}

/** Seals and opens for one endpoint. Times are ms on a clock that never steps. */
export interface Sessions {
  /** A frame as it is to be sent: sealed where a key is active, else as it was. */
  readonly seal: (frame: Uint8Array, now: number) => Uint8Array
  /** The introduction of our next session, while there is one: to be sent there first, or to the group (null). */
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
  readonly size: () => { readonly authenticated: number; readonly unauthenticated: number }
}

/**
 * Makes the sessions of an endpoint: its own, and none of others yet. `random` must be unforeseeable: it draws nonces, and
 * with the time of the wall clock (`wall`, Unix ms) salts.
 * `onForgotten` is called for each session that was forgotten for another though it still counted; it must not block.
 */
export const make = (
  keys: Keys,
  tag: Uint8Array,
  random: (bytes: number) => Uint8Array,
  cipher: Sealing.Cipher,
  onForgotten: () => void = () => {},
  wall: () => number = () => 0
): Sessions => {
  const own = OwnSessions.make({ cipher, tag, silence: () => keys.freshness().silence, random, wall })
  const table = tableOf(keys, onForgotten)
  const openSealed = opener({ cipher, keys, own, table, random })
  const { onUnauthenticated, ring } = keys
  const openAny = (datagram: Datagrams.Received, flags: Frame.Flags, now: number) => {
    const hasKeys = ring().keys.length > 0
    if (flags !== Frame.flags.plain) return hasKeys ? openSealed(datagram, flags, now) : Result.fail("Sealed" as const)
    if (hasKeys && ring().mode !== "permissive") return Result.fail("NotSealed" as const)
    const { from, payload, via } = datagram
    return Result.succeed({ ...nothing, bodies: [{ body: payload.subarray(Frame.headerBytes), from, via }] })
  }
  return {
    introduction: (to, now) => own.introduction(ring().active, to, now),
    renew: own.renew,
    seal: (frame, now) => {
      own.advance(now)
      const { active } = ring()
      return active === null ? frame : own.seal(active, frame.subarray(Frame.headerBytes), Frame.flags.sealed, now)
    },
    open: (datagram, flags, now) => {
      const result = openAny(datagram, flags, now)
      if (Result.isFailure(result)) {
        const problem = result.failure
        if (problem !== "Own" && problem !== "Repeated" && problem !== "Unauthenticated") {
          onUnauthenticated?.(problem, datagram.from)
        }
      }
      return result
    },
    size: table.size
  }
}

// internal

type OpenedOrLost = Opened & { readonly lost: number }

const nothing: OpenedOrLost = { isAuthenticated: false, bodies: [], replies: [], lost: 0 }

// --- The sessions of others ---

interface Entry {
  session: Session.Session<Body>
  /** Its sealing key under each key of the ring, by id. */
  readonly sealingKeys: Map<string, Uint8Array>
}

interface Table {
  /** The session of that salt, a new one where none is kept. */
  readonly find: (salt: string) => Entry
  /** Keeps a session, and lets go of the one of its kind that was quiet the longest: how many held datagrams went with it. */
  readonly keep: (salt: string, entry: Entry, now: number) => number
  readonly size: Sessions["size"]
}

const tableOf = ({ freshness, maxSessions }: Keys, onForgotten: () => void): Table => {
  // In the order of their last use, which a Map keeps when an entry is deleted and set again.
  const authenticated = new Map<string, Entry>()
  const unauthenticated = new Map<string, Entry>()
  const forgetOldest = (kind: Map<string, Entry>, now: number): number => {
    for (const [oldest, { session }] of kind) {
      kind.delete(oldest)
      if (Session.isAuthenticated(session, now, freshness()) || Session.isAsked(session, now)) onForgotten()
      return session.held.length
    }
    return 0
  }
  return {
    find: (salt) =>
      authenticated.get(salt) ?? unauthenticated.get(salt) ?? { session: Session.unheard, sealingKeys: new Map() },
    keep: (salt, entry, now) => {
      authenticated.delete(salt)
      unauthenticated.delete(salt)
      const isAuthenticated = Session.isAuthenticated(entry.session, now, freshness())
      const kind = isAuthenticated ? authenticated : unauthenticated
      const most = isAuthenticated ? 2 * maxSessions : unauthenticatedOf(maxSessions)
      kind.set(salt, entry)
      return kind.size > most ? forgetOldest(kind, now) : 0
    },
    size: () => ({ authenticated: authenticated.size, unauthenticated: unauthenticated.size })
  }
}

// --- Opening ---

/** The kind of a sealed body, by the flags of its frame. */
type Content =
  | { readonly _tag: "Message" }
  | { readonly _tag: "Challenge"; readonly challenge: Sealing.Challenge }
  | { readonly _tag: "Proof"; readonly proof: Sealing.Proof }
  | { readonly _tag: "Introduction"; readonly salt: string }

const contentOf = (body: Uint8Array, flags: Frame.Flags): Content | null => {
  switch (flags) {
    case Frame.flags.challenge: {
      const challenge = Sealing.readChallenge(body)
      return challenge === null ? null : { _tag: "Challenge", challenge }
    }
    case Frame.flags.proof: {
      const proof = Sealing.readProof(body)
      return proof === null ? null : { _tag: "Proof", proof }
    }
    case Frame.flags.introduction: {
      const salt = Sealing.readIntroduction(body)
      return salt === null ? null : { _tag: "Introduction", salt }
    }
    default:
      return { _tag: "Message" }
  }
}

/** A frame that one of our keys opens: its body, its session and its sender. */
interface Unsealed {
  readonly body: Uint8Array
  readonly content: Content
  readonly counter: number
  readonly entry: Entry
  readonly key: KeyRing.Key
  readonly salt: string
}

interface Parts {
  readonly cipher: Sealing.Cipher
  readonly keys: Keys
  readonly own: OwnSessions.OwnSessions
  readonly table: Table
  readonly random: (bytes: number) => Uint8Array
}

const unsealer =
  ({ cipher, keys: { ring }, own, table }: Parts) =>
  (payload: Uint8Array, flags: Frame.Flags): Result.Result<Unsealed, Refused | "Own"> => {
    const clear = Sealing.clear(payload)
    if (clear === null) return Result.fail("Forged")
    const { counter, keyId, salt } = clear
    if (own.isOwn(salt)) return Result.fail("Own")
    const key = ring().keys.find(({ id }) => id === keyId)
    if (key === undefined) return Result.fail("UnknownKey")
    const entry = table.find(salt)
    const body = Sealing.open(payload, OwnSessions.sealingKey(entry.sealingKeys, key, salt), cipher)
    const content = body === null ? null : contentOf(body, flags)
    return body === null || content === null
      ? Result.fail("Forged")
      : Result.succeed({ body, content, counter, entry, key, salt })
  }

/** The proof that a challenge asks for, and the challenge of ours that is due (`ask`). */
const replier =
  ({ keys: { ring }, own }: Parts) =>
  ({ content, key, salt }: Unsealed, ask: string | null, to: Address, now: number): Opened["replies"] => {
    // With what we send with; where that is plain, with the key that it came with.
    const sealing = ring().active ?? key
    const proof = content._tag === "Challenge" ? own.proof(sealing, content.challenge, now) : null
    const challenge = ask === null
      ? null
      : own.seal(sealing, Sealing.writeChallenge({ nonce: ask, salt }), Frame.flags.challenge, now)
    return [proof, challenge].flatMap((frame) => frame === null ? [] : [{ to, frame }])
  }

const opener = (parts: Parts) => {
  const { keys: { freshness }, own, random, table } = parts
  const unseal = unsealer(parts)
  const repliesTo = replier(parts)
  /** The session has answered our challenge: gives its held datagrams. */
  const prove = ({ entry, salt }: Unsealed, proof: Sealing.Proof, now: number) => {
    const accepted = Session.prove(entry.session, proof, now)
    if (accepted === null) {
      table.keep(salt, entry, now)
      return Result.fail("Unauthenticated" as const)
    }
    const [session, bodies] = accepted
    entry.session = session
    return Result.succeed({ isAuthenticated: true, bodies, replies: [], lost: table.keep(salt, entry, now) })
  }
  /** Another goes on in the session of this salt: gives its held datagrams. */
  const introduce = (salt: string, by: Session.Session<Body>, now: number): ReadonlyArray<Body> => {
    if (own.isOwn(salt)) return []
    const entry = table.find(salt)
    const [session, held] = Session.introduced(entry.session, by)
    entry.session = session
    table.keep(salt, entry, now)
    return held
  }
  return (
    { from, payload, via }: Datagrams.Received,
    flags: Frame.Flags,
    now: number
  ): Result.Result<OpenedOrLost, Refused | "Own"> => {
    const opened = unseal(payload, flags)
    if (Result.isFailure(opened)) return Result.fail(opened.failure)
    const { body, content, counter, entry, salt } = opened.success
    const message = content._tag === "Message" ? { body, from, via } : null
    const draw = () => bytesToHex(random(Sealing.nonceBytes))
    const [session, verdict] = Session.hear(entry.session, {
      counter,
      what: message,
      now,
      freshness: freshness(),
      draw
    })
    if (verdict._tag === "Repeated") return Result.fail("Repeated")
    entry.session = session
    if (content._tag === "Proof") return prove(opened.success, content.proof, now)
    const isAuthenticated = verdict._tag === "Deliver"
    const bodies: Array<Body> = isAuthenticated && message !== null ? [message] : []
    if (isAuthenticated && content._tag === "Introduction") bodies.push(...introduce(content.salt, session, now))
    const replies = repliesTo(opened.success, verdict.ask, from, now)
    const lost = table.keep(salt, entry, now) + (verdict._tag === "Hold" ? verdict.lost : 0)
    return Result.succeed({ isAuthenticated, bodies, replies, lost })
  }
}
