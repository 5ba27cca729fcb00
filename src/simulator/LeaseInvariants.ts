/** Judges who leads with leases: one at once, with a majority bound to it, and with the time left that its work takes to stop. */
import * as ElectionContext from "../protocol/election/ElectionContext.ts"
import * as Voter from "../protocol/lease/Voter.ts"
import * as Election from "../protocol/model/Election.ts"
import * as Lease from "../protocol/model/Lease.ts"
import type * as Reign from "../protocol/model/Reign.ts"
import type { State } from "../protocol/model/State.ts"
import { type Clocks, formatReign, type Living } from "./Invariants.ts"

/** Judges all that claim to lead at one instant: null where that is nobody or one. */
export const contest = (claims: ReadonlyArray<Reign.Reign | null>): string | null => {
  const leaders = claims.filter((claim) => claim !== null)
  return leaders.length < 2 ? null : `${leaders.map(formatReign).join(" and ")} lead at once`
}

/**
 * Judges each lease that lasts by what it rests on: a majority of servers that let nobody else lead for longer than it can
 * last, however fast or slow clocks go within `clockDrift`. Null, or what is wrong.
 *
 * It is why there are never two leaders, and what breaks it is seen here at once: two leaders need a successor besides,
 * and clocks that differ. Who does not live counts among the bound, since a start grants nothing for as long as a promise
 * lasts. Who has no vote counts as nothing, and leads nothing.
 */
export const unbound = (living: ReadonlyArray<Living>): string | null => {
  for (const { clocks, state } of living) {
    const { election: { claim }, timing: { lease }, self } = state
    // What it may have forgotten, nobody can see; that it promises anew, they can.
    const isSilent = Lease.isSilent(state.silentUntil, clocks.monotonic)
    // One that has left is silent for good, and what it promised stands.
    if (
      isSilent && state.silentUntil !== Infinity &&
      Lease.binds(Voter.promiseIn(state, Election.ofGroup), clocks.monotonic)
    ) {
      return `${self.name} has only just started, and has promised already`
    }
    if (lease === null || claim === null || !claim.held) continue
    const left = Lease.left(claim, lease, clocks)
    if (left <= 0) continue
    if (!state.timing.votes) return `${self.name} leads, and has no vote`
    // On a clock as slow as may be; and theirs are as fast.
    const lasts = left / (1 - lease.drift) - rounding
    const voters = living.filter(({ state }) => state.timing.votes)
    const bound = voters.filter((other) => boundFor(other, self, claim.term) / (1 + lease.drift) >= lasts)
    const dead = Math.max(0, lease.groupSize - voters.length)
    if (bound.length + dead >= Lease.majority(lease)) continue
    const who = bound.map(({ state }) => state.self.name).join(" ") || "nobody"
    return `the lease of ${self.name} in term ${claim.term} may last ${
      Math.round(lasts)
    } ms, and for that long only ${who} of ${lease.groupSize} will let nobody else lead${
      dead === 0 ? "" : `, and ${dead} that do not live`
    }`
  }
  return null
}

/**
 * Whether what a claim rests on still lasts, regardless of what the wall clock was set to since, if there is another that counts
 * while the machine sleeps: for so long nobody else's work may start while some of this one's runs, that which takes too long
 * to stop included.
 */
export const isLasting = (claim: Lease.Claim, lease: Lease.Agreement, clocks: Clocks): boolean =>
  Lease.left(claim, lease, clocks.sinceBoot === undefined ? clocks : { ...clocks, wall: claim.leaseStart.wall }) > 0

/** Who leads after a step has its work told to stop in a later one: it must not be too late for that. */
export const overstayed = (state: State, clocks: Clocks): string | null => {
  const { election: { claim }, timing: { lease, stopTimeout } } = state
  const own = lease === null ? null : ElectionContext.ownReign(state)
  if (lease === null || own === null) return null
  const left = claim === null || claim.term !== own.term ? 0 : Lease.left(claim, lease, clocks)
  return left >= stopTimeout
    ? null
    : `leads on in term ${own.term}, whose lease lasts ${Math.round(left)} ms: less than work may take to stop`
}

// internal

/** What arithmetic may leave of a lease and a promise that last equally long, in ms. */
const rounding = 0.001

/** How long, by its own clock, a server lets nobody lead but that holder in that term, regardless of what it is asked. */
const boundFor = ({ clocks: { monotonic }, state }: Living, holder: Lease.Holder, term: number): number => {
  const promise = Voter.promiseIn(state, Election.ofGroup)
  const promised = Lease.bindsTo(promise, holder, term, monotonic) ? promise.until : -Infinity
  return Math.max(state.silentUntil, promised) - monotonic
}
