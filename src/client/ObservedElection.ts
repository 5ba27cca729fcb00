/** One election as an observer sees it: who leads by the word of those it hears, and why that changed. Pure. */
import type * as Event from "../protocol/model/Event.ts"
import * as Member from "../protocol/model/Member.ts"
import * as Reign from "../protocol/model/Reign.ts"

/**
 * An election. `last` is the greatest reign heard of; `reign` is it while it lasts, else null. `vacantSince` is since when nobody
 * has led, on the monotonic clock, and `cause` why. `renewed` is when the leader last asked for its lease to be renewed.
 */
export interface ObservedElection {
  readonly reign: Reign.Reign | null
  readonly last: Reign.Reign | null
  readonly cause: Event.Cause
  readonly vacantSince: number
  readonly renewed: { readonly at: number; readonly duration: number } | null
}

/** Nobody has been heard to lead. */
export const make = (monotonic: number): ObservedElection => ({
  reign: null,
  last: null,
  cause: "Start",
  vacantSince: monotonic,
  renewed: null
})

/** A change of the lead. `from` is who led until now. */
export interface Change {
  readonly reign: Reign.Reign | null
  readonly from: Reign.Leader | null
  readonly term: number
  readonly cause: Event.Cause
  readonly without: number
}

/** An election after something, and the change that came of it, if any. */
export type Result = readonly [election: ObservedElection, change: Change | null]

/**
 * What is known about the instant: its time, the name of the election, and when the leader that is followed was last heard,
 * or heard of (monotonic).
 */
export interface About {
  readonly name: string
  readonly monotonic: number
  readonly leaderHeardAt: number
  /** What that leader says of its priority now, which may be another than its reign began with. */
  readonly leaderPriority?: number | undefined
}

/** Why another leads without a word of the one before: it ranks higher, or the one before fell silent. */
const causeOf = (before: Reign.Reign, after: Reign.Reign, { leaderPriority, name }: About): Event.Cause =>
  before.leader.id === after.leader.id
    ? before.leader.incarnation === after.leader.incarnation ? "Superseded" : "Replaced"
    : Member.outranks(after.leader, { ...before.leader, priority: leaderPriority ?? before.leader.priority }, name)
    ? "HigherRank"
    : "Silent"

const begin = (
  election: ObservedElection,
  reign: Reign.Reign,
  said: Event.Cause | undefined,
  about: About
): Result => {
  const { leaderHeardAt, monotonic } = about
  const { cause: vacancy, last, reign: before, vacantSince } = election
  const cause = said ?? (before === null ? last === null ? "Start" : vacancy : causeOf(before, reign, about))
  const since = before === null
    ? last === null ? monotonic : vacantSince
    : cause === "Silent"
    ? leaderHeardAt
    : monotonic
  return [
    { ...election, reign, last: reign, renewed: null },
    {
      reign,
      from: before?.leader ?? null,
      term: reign.term,
      cause,
      without: Math.max(0, Math.round(monotonic - since))
    }
  ]
}

/**
 * Somebody names this reign: a greater one than was known is followed. The last one itself is followed again where its leader
 * says so, as one that was only thought to be gone. `said` is the cause that a new leader gave.
 */
export const named = (
  election: ObservedElection,
  reign: Reign.Reign,
  byLeader: boolean,
  said: Event.Cause | undefined,
  about: About
): Result => {
  const { last } = election
  const order = last === null ? 1 : Reign.compare(reign, last, about.name)
  if (order > 0) return begin(election, reign, said, about)
  if (order === 0 && election.reign === null && byLeader) return begin(election, reign, said, about)
  return [election, null]
}

/** The lead of this one has ended: it said so, or is gone. Of any other nothing ends. */
export const ended = (
  election: ObservedElection,
  id: string,
  cause: Event.Cause,
  { leaderHeardAt, monotonic }: About
): Result => {
  const { reign } = election
  if (reign === null || reign.leader.id !== id) return [election, null]
  const vacantSince = cause === "Silent" ? leaderHeardAt : monotonic
  return [
    { ...election, reign: null, cause, vacantSince, renewed: null },
    { reign: null, from: reign.leader, term: reign.term, cause, without: 0 }
  ]
}
