/** The keys of one group in a registry. Each part of a key is spelled so that it has no slash. */
import * as Election from "../protocol/model/Election.ts"
import type * as Member from "../protocol/model/Member.ts"
import type * as Runs from "../protocol/model/Runs.ts"

/** No name of an election is spelled so: it stands for the group's own, which has none. */
const ofGroup = "@"

const spelled = (election: string): string => election === Election.ofGroup ? ofGroup : encodeURIComponent(election)

const named = (part: string): string => part === ofGroup ? Election.ofGroup : decodeURIComponent(part)

/** A member, as it says itself. Bound to its session. */
export const member = (id: Member.NodeId): string => `members/${id}`

/** Who leads an election, with its term. Bound to the session of the leader: where the key is, that one may lead. */
export const leader = (election: string): string => `elections/${spelled(election)}/leader`

/** The newest term of an election. It stays. */
export const term = (election: string): string => `elections/${spelled(election)}/term`

/** Why the last reign that was given up ended, and who goes first. It stays. */
export const handover = (election: string): string => `elections/${spelled(election)}/handover`

/** A server that takes part in an election. Bound to its session. */
export const candidate = (election: string, id: Member.NodeId): string =>
  `elections/${spelled(election)}/candidates/${id}`

/** The newest run of a scheduled job. It stays. */
export const job = ({ job, leadership }: Runs.Job): string => `jobs/${spelled(leadership)}/${encodeURIComponent(job)}`

/** What a key is of. */
export type Place =
  | { readonly _tag: "Member"; readonly id: string }
  | { readonly _tag: "Leader"; readonly election: string }
  | { readonly _tag: "Term"; readonly election: string }
  | { readonly _tag: "Handover"; readonly election: string }
  | { readonly _tag: "Candidate"; readonly election: string; readonly id: string }
  | { readonly _tag: "Job"; readonly leadership: string; readonly job: string }

/** What a key is of; null where it is none of ours. */
export const placeOf = (key: string): Place | null => {
  try {
    return read(key.split("/"))
  } catch {
    return null
  }
}

const ofElection = { leader: "Leader", term: "Term", handover: "Handover" } as const

const read = ([room, first = "", second = "", third = "", ...rest]: ReadonlyArray<string>): Place | null => {
  if (rest.length > 0 || first === "") return null
  if (room === "members") return second === "" ? { _tag: "Member", id: first } : null
  if (room === "jobs") {
    return second === "" || third !== ""
      ? null
      : { _tag: "Job", leadership: named(first), job: decodeURIComponent(second) }
  }
  if (room !== "elections") return null
  if (second === "candidates") return third === "" ? null : { _tag: "Candidate", election: named(first), id: third }
  const tag = Object.hasOwn(ofElection, second) ? ofElection[second as keyof typeof ofElection] : undefined
  return tag === undefined || third !== "" ? null : { _tag: tag, election: named(first) }
}
