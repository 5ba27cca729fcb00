/**
 * What a holder knows of one of its sessions: what it holds by its own clocks, what it asks, and what an answer changes. The
 * leader's side is `GrantTable`, which says why a resource has one holder at a time.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import { maxExpiry } from "../model/GrantMessages.ts"
import type { Held, Holding } from "../model/Grants.ts"
import * as Lease from "../model/Lease.ts"
import * as Resources from "../model/Resources.ts"
import type * as GrantTable from "./GrantTable.ts"

/** What grants go by: how much clocks may differ in speed, and how long before the end of a grant its work is ended, in ms. */
export interface Terms {
  readonly drift: number
  readonly stopTimeout: number
  /** How many sessions the server has: 1 unless set. */
  readonly sessions?: number
}

/** For how long a grant lasts unless it is renewed, in ms: a change of the leader, which takes about 1.2 leases, drops none. */
export const defaultExpiry = ({ duration }: Pick<Lease.Agreement, "duration">): number =>
  Math.min(maxExpiry, Math.ceil(4 * duration))

/** How often a holder says what it holds, in ms: two asks may be lost before work is ended. */
export const interval = ({ expiry }: Pick<Holding, "expiry">): number => expiry / 3

/**
 * How often one asks that waits for something, in ms, besides when it hears that there is news: the sessions of a server do so a
 * hundred times a second in all, unless what they ask for lasts for too short a time.
 */
const waitingInterval = (sessions: number): number => Math.max(500, 10 * sessions)

/** So long after an ask without an answer comes the next, in ms. */
const gap = (tries: number): number => Math.min(1_000, 25 * 2 ** tries)

/** So many asks may be answered late. */
const maxSent = 16

/** So often it is said that a session ends. */
export const maxFarewells = 6

/** What a session is made from. `wanted` is null where it takes its share. */
export interface Options {
  readonly space: string
  readonly count: number
  readonly expiry: number
  readonly wanted: Resources.Resources | null
  readonly weight: number
}

/** A session that holds nothing yet, and asks at once. */
export const make = (options: Options, session: string, now: number): Holding => ({
  ...options,
  session,
  held: HashMap.empty(),
  ending: HashMap.empty(),
  seq: 0,
  sent: [],
  grantsFrom: 1,
  tries: 0,
  askAt: now,
  isOver: false
})

/** For how long something is held on by the clock, in ms; not above 0: it is not. */
export const left = (
  { expiry }: Pick<Holding, "expiry">,
  { sentAt }: Pick<Held, "sentAt">,
  { drift }: Terms,
  now: Lease.Readings
): number => Lease.lasts({ groupSize: 1, duration: expiry, drift }) - Lease.elapsed(sentAt, now)

/** The same session, wanting something else from now on. */
export const wanting = (
  holding: Holding,
  { wanted, weight }: Pick<Options, "wanted" | "weight">,
  now: number
): Holding => ({ ...holding, wanted, weight, grantsFrom: holding.seq + 1, askAt: now })

/**
 * What was done with a resource under the grant of that token has ended: it is let go, and the leader hears of it at once. The
 * same where it is not held by that grant any more.
 */
export const released = (holding: Holding, resource: number, token: string, now: number): Holding =>
  Option.exists(HashMap.get(holding.held, resource), (one) => one.token === token)
    ? { ...holding, held: HashMap.remove(holding.held, resource), grantsFrom: holding.seq + 1, askAt: now }
    : Option.exists(HashMap.get(holding.ending, resource), (one) => one.token === token)
    ? { ...holding, ending: HashMap.remove(holding.ending, resource), askAt: now }
    : holding

/** Whether a session is over, and nothing that it holds or held is still to be ended. */
export const isGone = ({ ending, held, isOver }: Holding): boolean =>
  isOver && HashMap.isEmpty(held) && HashMap.isEmpty(ending)

/**
 * Why something must be ended. `Moving`: another is to have it. `Expiring`: its time is almost over. `Lost`: it is another's.
 * `Leaving`: this server leaves.
 */
export type Why = "Moving" | "Expiring" | "Lost" | "Leaving"

/** What has become of what a session holds. */
export interface Change {
  readonly holding: Holding
  readonly granted: ReadonlyArray<{ readonly resource: number; readonly token: string }>
  readonly ended: ReadonlyArray<{ readonly resource: number; readonly why: Why }>
}

/** The same, once the app is told to end what it does with it. */
export const toEnd = (
  held: Held,
  { stopTimeout }: Pick<Terms, "stopTimeout">,
  now: Pick<Lease.Readings, "monotonic">
): Held => held.isEnding ? held : { ...held, isEnding: true, endBy: now.monotonic + stopTimeout }

/** What is over by the clock is held no more, and what almost is must be ended. */
export const expire = (holding: Holding, terms: Terms, now: Lease.Readings): Change => {
  let ending = HashMap.filter(holding.ending, ({ until }) => until > now.monotonic)
  const hadTime = HashMap.size(ending) < HashMap.size(holding.ending)
  let held = holding.held
  const ended: Array<Change["ended"][number]> = []
  for (const [resource, one] of holding.held) {
    const rest = left(holding, one, terms, now)
    if (rest > terms.stopTimeout) continue
    if (!one.isEnding) ended.push({ resource, why: "Expiring" })
    const told = toEnd(one, terms, now)
    if (rest <= 0 && told.endBy > now.monotonic) {
      ending = HashMap.set(ending, resource, { token: one.token, until: told.endBy })
    }
    held = rest > 0 ? HashMap.set(held, resource, told) : HashMap.remove(held, resource)
  }
  const grantsFrom = HashMap.size(held) < HashMap.size(holding.held) ? holding.seq + 1 : holding.grantsFrom
  if (held === holding.held && !hadTime) return { holding, granted: [], ended }
  const askAt = hadTime ? now.monotonic : holding.askAt
  return { holding: { ...holding, held, ending, grantsFrom, askAt }, granted: [], ended }
}

/** Whether it waits for something. */
const waits = ({ held, wanted }: Holding): boolean =>
  wanted !== null && wanted.some((resource) => !HashMap.has(held, resource))

/** The next ask of a session. What is over by the clock must have been taken out before. */
export const ask = (holding: Holding, now: Lease.Readings): Holding => {
  const seq = holding.seq + 1
  const tries = holding.tries + 1
  return {
    ...holding,
    seq,
    tries,
    sent: [...holding.sent, { seq, at: Lease.instant(now) }].slice(-maxSent),
    askAt: now.monotonic + Math.min(gap(tries), interval(holding))
  }
}

/** What it says that it does not let go yet, though it holds that no more: none of it is granted anew before. */
export const endingBy = ({ ending }: Holding): Resources.Resources => Resources.of(HashMap.keys(ending))

/** What it says that it holds. */
export const heldBy = ({ held }: Holding): Resources.Resources => Resources.of(HashMap.keys(held))

/**
 * The leader has answered an ask; null where it is none that may still be answered. What is over by the clock must have been taken out before.
 *
 * What the ask said to be held is held on from when it was sent. Something new is taken only from the answer to the newest ask:
 * an ask that does not name it lets it go.
 */
export const answered = (
  before: Holding,
  seq: number,
  answer: Omit<GrantTable.Answer, "grant" | "refused"> & { readonly token: string },
  terms: Terms,
  now: Lease.Readings
): Change | null => {
  const sent = before.sent.find((one) => one.seq === seq)
  if (sent === undefined) return null
  const renewed = renew(before, sent.at, answer, terms, now)
  let held = renewed.held
  const granted: Array<Change["granted"][number]> = []
  const lasts = left(before, { sentAt: sent.at }, terms, now) > terms.stopTimeout
  const counts = seq === before.seq && seq >= before.grantsFrom && !before.isOver && lasts
  for (const resource of counts ? answer.granted : []) {
    if (HashMap.has(held, resource) || before.wanted?.includes(resource) === false) continue
    // What is done under the grant before has not ended: it comes again once that is let go.
    if (HashMap.has(before.ending, resource)) continue
    held = HashMap.set(held, resource, { token: answer.token, sentAt: sent.at, isEnding: false, endBy: Infinity })
    granted.push({ resource, token: answer.token })
  }
  const hasLost = HashMap.size(renewed.held) < HashMap.size(before.held)
  const grantsFrom = hasLost ? before.seq + 1 : before.grantsFrom
  const holding = { ...before, held, grantsFrom, sent: before.sent.filter((one) => one.seq > seq) }
  return {
    holding: seq === before.seq
      ? { ...holding, tries: 0, askAt: nextAt(holding, answer.again, terms, now.monotonic) }
      : holding,
    granted,
    ended: renewed.ended
  }
}

/**
 * The leader does not take an ask, and knows of nothing that it said; null where it is none that may still be answered. What is held
 * is held on for as long as it was before.
 */
export const refused = (before: Holding, seq: number, terms: Terms, now: number): Change | null => {
  if (!before.sent.some((one) => one.seq === seq)) return null
  const holding = { ...before, sent: before.sent.filter((one) => one.seq > seq) }
  return {
    holding: seq === before.seq ? { ...holding, tries: 0, askAt: nextAt(holding, 0, terms, now) } : holding,
    granted: [],
    ended: []
  }
}

/**
 * What an ask said to be held is held on from when it was sent, but for what is another's, or is to be. All that is held was said to
 * be: with what is granted, every ask before it is answered.
 */
const renew = (
  { held: before }: Holding,
  at: Lease.Instant,
  { lost, moving }: Pick<GrantTable.Answer, "lost" | "moving">,
  terms: Terms,
  now: Lease.Readings
): { readonly held: Holding["held"]; readonly ended: Change["ended"] } => {
  let held = before
  const ended: Array<Change["ended"][number]> = []
  for (const [resource, one] of before) {
    const isLost = lost.includes(resource)
    const isMoving = moving.includes(resource)
    if ((isLost || isMoving) && !one.isEnding) ended.push({ resource, why: isLost ? "Lost" : "Moving" })
    const isLater = Lease.elapsed(at, now) < Lease.elapsed(one.sentAt, now)
    held = isLost
      ? HashMap.remove(held, resource)
      : HashMap.set(held, resource, {
        ...isMoving ? toEnd(one, terms, now) : one,
        sentAt: isLater ? at : one.sentAt
      })
  }
  return { held, ended }
}

const nextAt = (holding: Holding, again: number, { sessions = 1 }: Terms, now: number): number => {
  const wait = waits(holding) ? Math.min(waitingInterval(sessions), interval(holding)) : interval(holding)
  return now + (again > 0 ? Math.min(wait, again) : wait)
}

/** When something is due, on the monotonic clock: an ask, where there is somebody to ask, or the end of something held. */
export const dueAt = (holding: Holding, terms: Terms, now: Lease.Readings, hasLeader: boolean): number => {
  let due = hasLeader ? holding.askAt : Infinity
  for (const [, one] of holding.held) {
    const rest = left(holding, one, terms, now)
    due = Math.min(due, now.monotonic + (one.isEnding ? rest : rest - terms.stopTimeout))
  }
  for (const [, { until }] of holding.ending) due = Math.min(due, until)
  return due
}
