/**
 * What must hold of who follows whom where some links are missing for good: each part whose servers reach each other has one
 * leader, and nobody follows a server that does not lead.
 */
import * as Reign from "../../protocol/model/Reign.ts"
import type { State } from "../../protocol/model/State.ts"
import * as Invariants from "../Invariants.ts"
import * as LinkGraph from "../LinkGraph.ts"

/** A server that lives: what it is, and the reign that it would say is its own if it were asked now. */
export interface Follower {
  readonly index: number
  readonly state: Pick<State, "election" | "self">
  readonly claim: Reign.Reign | null
}

export interface Wanted {
  /** How many servers are a majority under a lease; null where the Bully alone decides. */
  readonly majority: number | null
  readonly minimumMembers: number
  /** Who of them has a vote, where not all have. */
  readonly voters?: ReadonlyArray<number> | undefined
}

/** Over how many links a leader is followed through others. */
export const mostHops = 3

/** Null, or what is wrong. */
export const disagreement = (
  graph: LinkGraph.LinkGraph,
  living: ReadonlyArray<Follower>,
  { majority, minimumMembers, voters = living.map(({ index }) => index) }: Wanted
): string | null => {
  const among = living.map(({ index }) => index)
  const parts = LinkGraph.parts(graph, among)
  // Where some are farther from each other than a leader is followed, the lead goes round among them without one.
  const isFollowed = majority !== null || parts.every(({ hops }) => hops <= mostHops)
  const phantom = isFollowed ? followsNobody(living) : null
  if (phantom !== null) return phantom
  if (majority !== null) {
    const centres = LinkGraph.centres(graph, voters, Math.max(majority, minimumMembers))
    return centres.length === 0 || living.some(({ claim }) => claim !== null)
      ? null
      : `nobody leads, though ${shown(centres)} and a majority reach each other`
  }
  for (const part of parts) {
    const { hops, servers } = part
    if (servers.length < Math.max(2, minimumMembers) || hops > mostHops) continue
    const what = divided(living.filter(({ index }) => servers.includes(index)))
    if (what !== null) return `${what}, though ${shown(servers)} reach each other over ${hops} links at most`
  }
  return null
}

/** Who follows another that would not say that it leads by that reign. */
const followsNobody = (living: ReadonlyArray<Follower>): string | null => {
  for (const { state: { election: { reign }, self } } of living) {
    if (reign === null) continue
    const leader = living.find(({ state }) => state.self.id === reign.leader.id)
    const claim = leader?.claim ?? null
    if (claim !== null && Reign.compare(claim, reign) === 0) continue
    return `${self.name} follows ${Invariants.formatReign(reign)}, of ${
      leader === undefined ? "one who does not live" : `${leader.state.self.name}, which does not lead so`
    }`
  }
  return null
}

/** Null where all follow one of them. That it leads has been seen before. */
const divided = (part: ReadonlyArray<Follower>): string | null => {
  const [first] = part
  const expected = first?.state.election.reign ?? null
  for (const { state: { election: { reign }, self } } of part) {
    if (reign === null) return `${self.name} has no leader`
    if (expected !== null && Reign.compare(expected, reign) !== 0) {
      return `${first?.state.self.name} follows ${Invariants.formatReign(expected)}, but ${self.name} ${
        Invariants.formatReign(reign)
      }`
    }
    if (part.every(({ state }) => state.self.id !== reign.leader.id)) {
      return `${self.name} follows ${Invariants.formatReign(reign)}, which it does not reach both ways`
    }
  }
  return null
}

const shown = (servers: ReadonlyArray<number>): string => servers.map((index) => `s${index}`).join(" ")
