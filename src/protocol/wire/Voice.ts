/**
 * Our own sessions: the one that we speak in, the one that comes next, and the one before.
 *
 * A machine that is set back to a snapshot uses the counters from then again, and a counter that seals two different bodies
 * under one key lets both be read and others be forged. So a session lasts a few minutes, and ends at once after a pause,
 * since the machine may have been set back in it.
 *
 * A receiver that knows us need not ask for a proof of the new session: for some time before we speak in it, the old one
 * introduces it to each address to which we send. A receiver that missed that asks for a proof, as of any. After a pause
 * there is no introduction: it would be sealed with a counter of the old one.
 */
import type { Address } from "../model/Member.ts"
import { formatAddress } from "../model/Member.ts"
import * as Session from "./Session.ts"

/** One session of ours. */
export interface Own {
  readonly salt: string
  /** When we began to speak in it (ms, monotonic); when it was drawn, while it is the next one. */
  readonly since: number
  readonly sender: Session.Sender
}

/**
 * Our sessions. `introduced` has the addresses to which the next one was introduced, and how often. `before` may still be
 * challenged for its last datagrams. `earlier` are the salts of those whose echo may still come.
 */
export interface Voice {
  readonly speaking: Own
  readonly next: (Own & { readonly introduced: ReadonlyMap<string, number> }) | null
  readonly before: Own | null
  readonly earlier: ReadonlyArray<string>
}

/**
 * How long a session is spoken in before another is drawn, in ms: from 4 to 6 minutes, so that not all of a group change at
 * one instant.
 */
export const lifetime = (salt: string): number => 240_000 + 120_000 * Number.parseInt(salt.slice(0, 8), 16) / 2 ** 32

/** How often a session is introduced to one address: one datagram may be lost. */
export const introductions = 3

/** To how many addresses; beyond that the oldest may be introduced to it again. */
const maxAddresses = 1_024

/** How many salts that were ours are known as such. */
const maxEarlier = 4

const own = (salt: string, now: number): Own => ({ salt, since: now, sender: Session.silent(now) })

/** At the start of a program. */
export const make = (salt: string, now: number): Voice => ({
  speaking: own(salt, now),
  next: null,
  before: null,
  earlier: []
})

/**
 * Does what is due: the next session is drawn, or taken up when it has been introduced for `overlap` ms. That is at least
 * as long as it takes to say {@link introductions} things to the group.
 */
export const advance = (voice: Voice, now: number, overlap: number, draw: () => string): Voice => {
  const { next, speaking } = voice
  if (next === null) {
    return now - speaking.since < lifetime(speaking.salt)
      ? voice
      : { ...voice, next: { ...own(draw(), now), introduced: new Map() } }
  }
  return now - next.since < overlap ? voice : {
    speaking: { salt: next.salt, since: now, sender: next.sender },
    next: null,
    before: speaking,
    earlier: [...voice.earlier, speaking.salt].slice(-maxEarlier)
  }
}

/** A new session at once: nothing more is sealed in those there were. */
export const renew = (voice: Voice, now: number, draw: () => string): Voice => ({
  speaking: own(draw(), now),
  next: null,
  before: null,
  earlier: [...voice.earlier, voice.speaking.salt].slice(-maxEarlier)
})

/** Something is to be sent there, or to the group (null): whether the next session is introduced first. */
export const introduce = (voice: Voice, to: Address | null): readonly [Voice, boolean] => {
  const { next } = voice
  if (next === null) return [voice, false]
  const name = to === null ? "" : formatAddress(to)
  const times = next.introduced.get(name) ?? 0
  if (times >= introductions) return [voice, false]
  const introduced = new Map(next.introduced.size < maxAddresses ? next.introduced : [])
  introduced.set(name, times + 1)
  return [{ ...voice, next: { ...next, introduced } }, true]
}

/** Takes the next counter of one of our sessions, and says so in its sender. */
export const speak = (voice: Voice, { salt }: Own, now: number): readonly [Voice, counter: number] => {
  const which = salt === voice.speaking.salt ? "speaking" : "before"
  const session = voice[which]!
  const [sender, counter] = Session.speak(session.sender, now)
  return [{ ...voice, [which]: { ...session, sender } }, counter]
}

/** The session that is to answer a challenge that names this salt: null where that is none in which we may seal. */
export const challenged = ({ before, speaking }: Voice, salt: string): Own | null =>
  [speaking, before].find((session) => session?.salt === salt) ?? null

/** Whether a salt is one of ours. */
export const isOwn = ({ earlier, next, speaking }: Voice, salt: string): boolean =>
  salt === speaking.salt || salt === next?.salt || earlier.includes(salt)
