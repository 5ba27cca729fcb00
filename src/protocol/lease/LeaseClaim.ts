/**
 * A claimant's part in its own lease, as far as every change of role must know of it: how a claim begins and ends, and how
 * long this server must wait before it may make one. What it does with it is in `LeaseElection`.
 *
 * A claim ends before anything is said of its end: what comes later, a vote or an acknowledgement, is for nothing.
 */
import type * as Contest from "../election/Contest.ts"
import * as Lease from "../model/Lease.ts"
import * as Member from "../model/Member.ts"
import * as Rules from "../model/Rules.ts"
import type { Turn } from "../model/Turn.ts"
import * as Voter from "./Voter.ts"

type At = Contest.Contest

/**
 * How long until this server may stand, in ms: its silent start, its backoff after a failed candidacy, and, while the place
 * is vacant, what it has promised to another, and when it may ask again who would vote for it. 0 where nobody votes.
 */
export const standsIn = (at: At): number => {
  if (at.state.rules.lease === null) return 0
  const { rules, self, silentUntil } = at.state
  const { backoffUntil, lastUntil, owed, preVoteAgainAt, reign, workUntil } = at.election
  // Whoever found no majority lets a leader that has one be for a while.
  if (reign !== null) {
    // While its own work may still run, it asks nobody to make way for it.
    const busy = owed === null ? -Infinity : workUntil
    return wholeMillis(at, silentUntil, busy, lastUntil, backoffUntil + rules.memberTimeout)
  }
  const promise = Voter.promiseIn(at.state, at.name)
  // What a former start of its own was promised binds it as any other's does.
  const bound = promise.to !== null && !Member.isSameStart(promise.to, self) ? promise.until : -Infinity
  return wholeMillis(at, silentUntil, backoffUntil, preVoteAgainAt, lastUntil, bound)
}

/** Until the last of some instants: whole ms, as what is left of one by rounding would be no time for a timer to run. */
const wholeMillis = (at: At, ...instants: ReadonlyArray<number>): number =>
  Math.max(0, Math.ceil(Math.max(...instants) - at.turn.now.monotonic))

/** Claims a term: this server promises itself first. Answers whether it may. */
export const begin = (at: At, agreement: Lease.Agreement, term: number): boolean => {
  const { self } = at.state
  if (!Voter.mayGrant(at.turn, at.name, self, term)) return false
  if (!Voter.bind(at.turn, agreement, at.name, self, term)) return false
  at.change({ claim: Lease.claim(term, at.turn.now) })
  return true
}

/** Whether this server holds a claim whose lease lasts. */
export const isHeld = (at: At): boolean => {
  const { claim } = at.election
  const { lease } = at.state.rules
  return claim !== null && lease !== null && Lease.isHeld(claim, lease, at.turn.now)
}

/**
 * Ends the claim, if there is one, and gives back what was promised for it. One that was held is given back at once only where
 * its leading work is known to have ended (`workEnded`). Else it is owed, and so is what the same servers promised for the next
 * claim, which has taken the place of that: {@link settle} gives it back when no work runs any more.
 */
export const end = (at: At, workEnded = false): void => {
  const { claim } = at.election
  if (claim === null) return
  at.change({ claim: null })
  for (const key of ["beat", "lease"]) at.clearTimer(key)
  if (claim.held) at.change({ workUntil: workEnded ? -Infinity : mayWorkUntil(at, claim) })
  if (at.election.workUntil <= at.turn.now.monotonic) return giveBack(at, claim.term)
  at.change({ owed: claim.term })
  at.turn.outputs.push({ _tag: "AwaitIdle", election: at.name, term: claim.term })
}

/**
 * No leading work of this election runs any more, of whatever reign: what is owed for the claim of this term is given back, but
 * not while a later claim is held, whose work may run. Says whether anything was.
 */
export const settle = (at: At, term: number): boolean => {
  const { claim, owed } = at.election
  if (owed !== term || claim?.held === true) return false
  at.change({ workUntil: -Infinity })
  giveBack(at, term)
  return true
}

/**
 * Whether this server is not done saying what it has given back: whoever misses it stays bound, so a goodbye waits for that.
 */
export const isGivingBack = ({ state: { timers } }: Turn): boolean =>
  timers.some(({ key }) => key.startsWith("release:"))

/** Whoever hears a claim is bound by it, whether or not it is in view here: so all the group is told. */
const giveBack = (at: At, term: number): void => {
  at.change({ owed: null })
  Voter.onRelease(at.turn, at.name, at.state.self, term)
  at.sayOften(`release:${term}`, { type: "RELEASE", election: at.name, claim: term }, Rules.gaps.release)
}

/** By the clock that nobody sets: where another ended the lease early, the promises have left its work its time. */
const mayWorkUntil = ({ state: { rules }, turn: { now } }: At, { anchor }: Lease.Claim): number =>
  Math.max(anchor.monotonic + Lease.lasts(rules.lease!), now.monotonic + rules.stopTimeout)
