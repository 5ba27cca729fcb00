/**
 * One session of another, as one receiver knows it: the datagrams that a program sealed with one salt. And our own, which
 * numbers ours ({@link Sender}).
 *
 * A recording of a session opens as well as the session itself. So a session is believed only while it is
 * **authenticated**: it has answered a nonce that this receiver drew, or was introduced by one that has, and was heard of
 * since without a long silence. A few datagrams from before the proof are held back, and let through when the proof is
 * there. The proof names the counter below which nothing is believed, so nothing older than a few seconds is. An
 * authenticated session may be forgotten at any time: it is only authenticated anew.
 */
import * as ReplayWindow from "./ReplayWindow.ts"
import type * as Sealing from "./Sealing.ts"

/**
 * How long, in ms, a session stays authenticated. `silence`: without being heard. `proof`: after its last proof, however
 * often it is heard; it is asked anew well before. Not longer than a member may be silent: otherwise recorded datagrams
 * that the network lost could keep a dead server in view.
 */
export interface Freshness {
  readonly silence: number
  readonly proof: number
}

/** The freshness for members that may be silent for so many ms. */
export const freshness = (memberTimeout: number): Freshness => ({ silence: memberTimeout, proof: 10 * memberTimeout })

/** The shortest time between two challenges of one unauthenticated session, in ms. */
export const askAgain = 40

/** For how long, in ms, a nonce may be answered. Then another one is drawn. */
const nonceLife = 5_000

/** The most datagrams of one unauthenticated session that are held back. */
export const maxHeld = 8

/** A session. `What` is the part of a held datagram that the receiver keeps. */
export interface Session<What> {
  readonly window: ReplayWindow.ReplayWindow
  /** Nothing below is believed. */
  readonly floor: number
  /** -Infinity while it is not authenticated. */
  readonly authenticatedAt: number
  /** When its highest counter came. */
  readonly heardAt: number
  readonly question: { readonly nonce: string; readonly drawnAt: number; readonly askedAt: number } | null
  readonly held: ReadonlyArray<{ readonly counter: number; readonly what: What }>
}

/** A session of which nothing was heard yet. */
export const unheard: Session<never> = {
  window: ReplayWindow.empty,
  floor: 0,
  authenticatedAt: -Infinity,
  heardAt: -Infinity,
  question: null,
  held: []
}

/**
 * The verdict on a datagram of a session that opened.
 *
 * - `Deliver`: believe it. `Hold`: it is held back, or it is one too many (`lost` says how many were dropped for it).
 * - `Repeated`: it came before, or is too old to tell. `ask`: the nonce of a challenge that is to be sent now, or null.
 */
export type Verdict =
  | { readonly _tag: "Deliver"; readonly ask: string | null }
  | { readonly _tag: "Hold"; readonly ask: string | null; readonly lost: number }
  | { readonly _tag: "Repeated" }

/** Whether a session is believed at this time (ms, monotonic). */
export const isAuthenticated = <What>(
  { heardAt, authenticatedAt }: Session<What>,
  now: number,
  freshness: Freshness
): boolean => now - authenticatedAt <= freshness.proof && now - heardAt <= freshness.silence

/** Whether an answer to its last challenge would still be believed at this time (ms, monotonic). */
export const isAsked = <What>({ question }: Session<What>, now: number): boolean =>
  question !== null && now - question.drawnAt <= nonceLife

const asked = <What>(session: Session<What>, now: number, spacing: number, draw: () => string): Session<What> => {
  const { question } = session
  if (question !== null && now - question.askedAt < spacing) return session
  const isOld = question === null || now - question.drawnAt > nonceLife / 2
  return {
    ...session,
    question: isOld ? { nonce: draw(), drawnAt: now, askedAt: now } : { ...question, askedAt: now }
  }
}

const nonceIfAsked = <What>(before: Session<What>, after: Session<What>): string | null =>
  after.question === before.question ? null : after.question!.nonce

/** A datagram of the session opened. `what` is null if it is not to be held back. `draw` makes a nonce. */
export const hear = <What>(
  session: Session<What>,
  { counter, draw, freshness, now, what }: {
    readonly counter: number
    readonly what: What | null
    readonly now: number
    readonly freshness: Freshness
    readonly draw: () => string
  }
): readonly [Session<What>, Verdict] => {
  const window = counter < session.floor || counter === Infinity ? null : ReplayWindow.admit(session.window, counter)
  if (window === null) return [session, { _tag: "Repeated" }]
  if (!isAuthenticated(session, now, freshness)) {
    // Once it has lapsed, only a proof brings it back.
    const all = what === null ? session.held : [...session.held, { counter, what }]
    const held = all.slice(-maxHeld)
    const after = asked({ ...session, window, held, authenticatedAt: -Infinity }, now, askAgain, draw)
    return [after, { _tag: "Hold", ask: nonceIfAsked(session, after), lost: all.length - held.length }]
  }
  // Only a new datagram is a sign of life: one that was overtaken says nothing of now.
  const heardAt = counter === window.highest ? now : session.heardAt
  const heard: Session<What> = { ...session, window, heardAt }
  const isDue = now - session.authenticatedAt > 0.8 * freshness.proof
  const after = isDue ? asked(heard, now, freshness.silence / 4, draw) : heard
  return [after, { _tag: "Deliver", ask: nonceIfAsked(session, after) }]
}

/**
 * A proof of the session opened, and was no repeat. Returns the held datagrams that are to be delivered now, in order; null
 * if the proof answers nothing that we asked lately.
 */
export const prove = <What>(
  session: Session<What>,
  { floor, nonce }: Sealing.Proof,
  now: number
): readonly [Session<What>, ReadonlyArray<What>] | null => {
  const { held, question } = session
  if (question?.nonce !== nonce || !isAsked(session, now)) return null
  return [
    { ...session, floor: Math.max(session.floor, floor), authenticatedAt: now, heardAt: now, question: null, held: [] },
    held.filter(({ counter }) => counter >= floor).map(({ what }) => what)
  ]
}

/**
 * A session that is believed has said that its program goes on in this one: it is believed as long as that one would be.
 * Returns its held datagrams, which are to be delivered now, in order.
 */
export const introduced = <What>(
  session: Session<What>,
  by: Session<What>
): readonly [Session<What>, ReadonlyArray<What>] => [
  {
    ...session,
    authenticatedAt: Math.max(session.authenticatedAt, by.authenticatedAt),
    heardAt: Math.max(session.heardAt, by.heardAt),
    question: null,
    held: []
  },
  session.held.map(({ what }) => what)
]

/**
 * Our own session: the counter of the next datagram, and two earlier marks of it, by which we can say what we said in the
 * last second.
 */
export interface Sender {
  readonly next: number
  readonly older: number
  readonly newer: { readonly counter: number; readonly at: number }
}

/** A session in which we have said nothing yet. */
export const silent = (now: number): Sender => ({ next: 0, older: 0, newer: { counter: 0, at: now } })

const markInterval = 1_000

const marked = (sender: Sender, now: number): Sender => {
  const { newer, next } = sender
  if (now - newer.at < markInterval) return sender
  // Silent for so long that the last second has nothing.
  const older = now - newer.at < 2 * markInterval ? newer.counter : next
  return { next, older, newer: { counter: next, at: now } }
}

/** Takes the next counter. */
export const speak = (sender: Sender, now: number): readonly [Sender, counter: number] => {
  const after = marked(sender, now)
  return [{ ...after, next: after.next + 1 }, after.next]
}

/**
 * The counter below which nothing of ours is to be believed: all that we said in the last second is above it, and nothing
 * that we said more than three seconds ago.
 */
export const floor = (sender: Sender, now: number): number => marked(sender, now).older
