/**
 * A claimant's part in its own lease, as far as every change of role must know of it: how a claim begins and ends, and how
 * long this server must wait before it may make one. What it does with it is in `LeaseElection`.
 *
 * A claim ends before anything is said of its end: what comes later, a vote or an acknowledgement, is for nothing.
 */
import * as ElectionContext from "../election/ElectionContext.ts"
import * as Lease from "../model/Lease.ts"
import * as Member from "../model/Member.ts"
import type { Now, State } from "../model/State.ts"
import type { StepContext } from "../model/StepContext.ts"
import * as Timing from "../model/Timing.ts"
import * as Voter from "./Voter.ts"

type Context = ElectionContext.ElectionContext

/** The agreement of a server that goes by leases: it has one, or it would go by the Bully. */
export const agreementOf = ({ state }: { readonly state: Pick<State, "timing"> }): Lease.Agreement =>
  state.timing.lease!

/**
 * How long until this server may stand, in ms: its silent start, its backoff after a failed candidacy, and, while the place
 * is vacant, what it has promised to another, and when it may ask again who would vote for it. Where nobody votes all that is over: 0.
 */
export const standsIn = (election: Context): number => {
  const { timing, self, silentUntil } = election.state
  const { backoffUntil, lastUntil, owed, preVoteAgainAt, reign, workUntil } = election.register
  // A server that found no majority does not disturb a leader that has one for a while.
  if (reign !== null) {
    // While its own work may still run, it asks nobody to make way for it.
    const busy = owed === null ? -Infinity : workUntil
    return wholeMillis(election, silentUntil, busy, lastUntil, backoffUntil + timing.memberTimeout)
  }
  const promise = Voter.promiseIn(election.state, election.name)
  // What a former start of its own was promised binds it as any other's does.
  const bound = promise.to !== null && !Member.isSameStart(promise.to, self) ? promise.until : -Infinity
  return wholeMillis(election, silentUntil, backoffUntil, preVoteAgainAt, lastUntil, bound)
}

/** Until the last of some instants: whole ms, as what is left of one by rounding would be no time for a timer to run. */
const wholeMillis = (election: Context, ...instants: ReadonlyArray<number>): number =>
  Math.max(0, Math.ceil(Math.max(...instants) - election.context.now.monotonic))

/** Claims a term: this server promises itself first. Answers whether it may. */
export const begin = (election: Context, agreement: Lease.Agreement, term: number): boolean => {
  const { self } = election.state
  if (!Voter.mayGrant(election.context, election.name, self, term)) return false
  if (!Voter.bind(election.context, agreement, election.name, self, term)) return false
  election.change({ claim: Lease.claim(term, election.context.now) })
  return true
}

/** Whether a server holds a claim in an election whose lease lasts. */
export const lasts = (
  state: Pick<State, "timing" | "election" | "named">,
  election: string,
  now: Pick<Now, "monotonic" | "wall" | "sinceBoot">
): boolean => {
  const claim = ElectionContext.register(state, election)?.claim ?? null
  return claim !== null && Lease.isHeld(claim, agreementOf({ state }), now)
}

/** The same of this server, now. */
export const isHeld = ({ context: { now }, name, state }: Context): boolean => lasts(state, name, now)

/**
 * Ends the claim, if there is one, and gives back what was promised for it. One that was held is given back at once only where
 * its leading work is known to have ended (`workEnded`). Else it is owed, and so is what the same servers promised for the next
 * claim, which has taken the place of that: {@link settle} gives it back when no work runs any more.
 */
export const end = (election: Context, workEnded = false): void => {
  const { claim } = election.register
  if (claim === null) return
  election.change({ claim: null })
  for (const key of ["beat", "lease"]) election.clearTimer(key)
  if (claim.held) election.change({ workUntil: workEnded ? -Infinity : mayWorkUntil(election, claim) })
  if (election.register.workUntil <= election.context.now.monotonic) return giveBack(election, claim.term)
  election.change({ owed: claim.term })
  election.context.outputs.push({ _tag: "AwaitIdle", election: election.name, term: claim.term })
}

/**
 * No leading work of this election runs any more, of any reign: what is owed for the claim of this term is given back, but
 * not while a later claim is held, whose work may run. Says whether anything was.
 */
export const settle = (election: Context, term: number): boolean => {
  const { claim, owed } = election.register
  if (owed !== term || claim?.held === true) return false
  election.change({ workUntil: -Infinity })
  giveBack(election, term)
  return true
}

/**
 * Whether this server is not done saying what it has given back: a voter that misses it stays bound, so a goodbye waits for that.
 */
export const isGivingBack = ({ state: { timers } }: StepContext): boolean =>
  timers.some(({ key }) => key.startsWith("release:"))

/** A server that hears a claim is bound by it, whether or not it is in view here: so all the group is told. */
const giveBack = (election: Context, term: number): void => {
  election.change({ owed: null })
  Voter.onRelease(election.context, election.name, election.state.self, term)
  election.sayOften(`release:${term}`, { type: "RELEASE", election: election.name, claim: term }, Timing.gaps.release)
}

/** By the clock that nobody sets: where another ended the lease early, the promises have left its work its time. */
const mayWorkUntil = ({ context: { now }, state }: Context, { leaseStart }: Lease.Claim): number =>
  Math.max(leaseStart.monotonic + Lease.lasts(agreementOf({ state })), now.monotonic + state.timing.stopTimeout)
