/**
 * What must hold after every step, regardless of the network and the clocks: the promises of the protocol by their names. The
 * simulator asks after them after each step of real servers, the explorer in every state that it reaches.
 */
import type * as Reign from "../protocol/model/Reign.ts"
import type { Now, State } from "../protocol/model/State.ts"

/** Every invariant by its name, and what it says. */
export const promises = {
  oneLeader: "never two leaders at one instant of true time",
  majorityBound: "while a lease lasts, a majority is bound to it, and will be for as long as it can last",
  termsGrow: "the terms of successive leaders strictly grow",
  workWithinLease: "leading work never outlives its lease, and is told to stop when it still has its time for that",
  reignNeverBack: "the reign that a server follows never goes back, and its own, once over, stays over",
  descriptionNeverBack:
    "what a member is known to say of itself never goes back to what it said before it changed that",
  viewIsTold: "the events, replayed, give the view: nobody is in it whose removal was announced",
  returnsInOrder: "a member is announced once, removed once, and comes back only as a later start or as proven alive",
  goodbyeCounts: "who says goodbye is a member no more, and nobody leaves who did not say it",
  heardItself: "who becomes a member, or is followed, was heard itself and not only heard of",
  settles:
    "all living servers agree on one reign, of the highest ranked that waits for no lead that it lost, within the bound of the last fault",
  settlesWhereConnected:
    "where links are missing, servers that reach each other follow one that leads, within the bound of that graph",
  staysSettled: "once settled, nothing changes until the next fault",
  noFlapping: "while nothing happens the lead does not go to and fro, also where links are missing or lossy",
  trafficBounded: "while nothing happens a server sends a bounded number of datagrams in a heartbeat",
  heartbeatsBounded:
    "while nothing happens a server hears no more heartbeats of those who lead nothing than maxHeartbeatsPerSecond says",
  highestLeads:
    "in a network that is well, nobody takes the lead whose it is not: from a higher ranked one that waits for nothing, or where it may not preempt",
  noFalseEviction: "nobody is evicted who runs and is connected, also not by one that was paused",
  crashIsKnown:
    "who is killed while nothing else happens to the group is known to be gone within 100 ms, where links tell of it",
  stallIsNoticed:
    "who was paused for so long that others may have replaced it leads no more from its first step on, and judges nobody by what it did not hear",
  replacedIsNoticed:
    "a leader that was replaced while it was paused leads no more from its first step on, unless its signs of life were lost before",
  noFalseDemotion: "no leader that runs and is connected is followed no more for its silence",
  oneHolder: "never two sessions believe that they hold one resource, at one instant of true time",
  workWithinGrant:
    "what is done under a grant never outlives it, and is told to stop when it still has its time for that",
  tokensRise: "the tokens of successive grants of a resource strictly rise",
  everyPartitionOwned: "every partition is held by the one whose share it is, within the bound of the last fault",
  workNeverOverlaps: "leading work never overlaps on one server with that of its next reign",
  membersReachable:
    "views show each member where it listens; lists, and the leader that clients are told, do on the network of who asks",
  readersSeeTheView: "a reader of the events has the same view as the server",
  neverDies: "no fiber dies, and nobody sees a duplicate of its own identity"
} as const

/** The name of an invariant. */
export type Name = keyof typeof promises

/** These are looked at in every step, the others where there is something to look at. */
export const atEveryStep: ReadonlySet<Name> = new Set([
  "oneLeader",
  "majorityBound",
  "reignNeverBack",
  "descriptionNeverBack",
  "viewIsTold",
  "returnsInOrder",
  "goodbyeCounts",
  "heardItself",
  "neverDies"
])

const ofGrants: ReadonlyArray<Name> = ["oneHolder", "workWithinGrant", "tokensRise", "everyPartitionOwned"]

/** What is promised in which mode of leadership. */
export const namesOf = (leadership: "bully" | "lease"): ReadonlyArray<Name> => {
  const others: ReadonlySet<string> = new Set(
    leadership === "lease"
      ? ["highestLeads", "replacedIsNoticed", "noFalseDemotion"]
      : ["oneLeader", "majorityBound", "termsGrow", "workWithinLease", ...ofGrants]
  )
  return (Object.keys(promises) as Array<Name>).filter((name) => !others.has(name))
}

/** A complaint about an invariant. */
export interface Complaint {
  readonly invariant: Name
  readonly what: string
}

/** What those that watch a group say: that an invariant was looked at, and that it is broken. */
export interface Judge {
  readonly complain: (at: number, invariant: Name, server: number | null, what: string) => void
  readonly count: (invariant: Name) => void
}

/** What the clocks of a server show. */
export type Clocks = Pick<Now, "monotonic" | "wall" | "sinceBoot">

/** A server that has a process, and what its clocks show. */
export interface Living {
  readonly state: State
  readonly clocks: Clocks
}

/** A reign in a few words. */
export const formatReign = (reign: Reign.Reign | null): string =>
  reign === null ? "nobody" : `${reign.leader.id.slice(0, 6)}#${reign.leader.incarnation} in term ${reign.term}`
