/**
 * Who has a vote. Under leases a server may have none: it is silent for good, as one that has just started is for a while, and says
 * so in the same field. It is no candidate, and counts in no majority. A server that leaves is silent for good, too.
 */
import * as HashMap from "effect/HashMap"
import * as Lease from "./Lease.ts"
import type * as Member from "./Member.ts"
import type { Known, State } from "./State.ts"

/** What a server that is silent for good says of how long it is, in ms: a day, longer than any lease. */
export const never = 86_400_000

/** From when on a member votes that is silent for so many ms more by its own word: Infinity where it never does. */
export const votesAt = (silent: number | undefined, monotonic: number): number =>
  silent === undefined ? -Infinity : silent >= never ? Infinity : monotonic + silent

/** Whether a member votes, now or when its silent start is over. Who has not said otherwise does. */
export const hasVote = ({ votesAt }: Pick<Known, "votesAt">): boolean => votesAt !== Infinity

/** Those of the members that have a vote. */
export const among = <A extends { readonly id: Member.NodeId }>(
  { known }: Pick<State, "known">,
  members: ReadonlyArray<A>
): ReadonlyArray<A> => members.filter(({ id }) => hasVote(HashMap.getUnsafe(known, id)))

/** How many voters this server sees: itself, where it has a vote, and those of the members that have one. */
export const count = (state: Pick<State, "known" | "members" | "timing">): number =>
  (state.timing.votes ? 1 : 0) + among(state, state.members).length

/** Whether so many servers live that somebody may lead: as many as are set, and a majority of voters where there are leases. */
export const areEnough = (state: Pick<State, "known" | "members" | "timing">): boolean => {
  const { members, timing: { lease, minimumMembers } } = state
  return members.length + 1 >= minimumMembers && (lease === null || count(state) >= Lease.majority(lease))
}
