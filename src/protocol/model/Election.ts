/**
 * One election: the register of the reign, and this server's part in it. A group has its own election, which has no name,
 * and may hold others by name, each with a leader of its own.
 */
import { sha256 } from "@noble/hashes/sha2.js"
import { bytesToHex } from "@noble/hashes/utils.js"
import * as HashMap from "effect/HashMap"
import type * as Event from "./Event.ts"
import type { Claim } from "./Lease.ts"
import * as Losses from "./Losses.ts"
import * as Member from "./Member.ts"
import type * as Message from "./Message.ts"
import * as Name from "./Name.ts"
import type * as Reign from "./Reign.ts"

/** The name of the group's own election. */
export const ofGroup = ""

/** The most named elections that one server takes part in at a time. */
export const maxNamed = 16

/**
 * The part of a server in an election at the moment.
 *
 * - `Idle`: nothing. `Pending`: it will be a candidate when the stagger is over. `Standing`: it asked for objections.
 * - `Waiting`: a higher ranked server objected or is a candidate. `PreVote`: it asked for pre-votes; so far these are the
 *   `answers`.
 */
export type Activity =
  | { readonly _tag: "Idle" }
  | { readonly _tag: "Pending" }
  | { readonly _tag: "Standing"; readonly standing: number }
  | { readonly _tag: "Waiting" }
  | {
    readonly _tag: "PreVote"
    readonly nonce: string
    readonly answers: ReadonlyArray<PreVoteAnswer>
    /** How many more times all are asked. */
    readonly left: number
  }

/** The last answer of a member to a pre-vote: null if it is of a version that answers only that it is there. */
export interface PreVoteAnswer {
  readonly by: Member.NodeId
  readonly vote: Message.PreVote | null
  /** From when it may vote for anybody, on our monotonic clock. */
  readonly freeAt: number
}

/**
 * The newest number of the leader's signs of life by the word of a member, which knows it over so many `hops`; and until
 * when that is enough.
 */
export interface Relay {
  readonly by: Member.NodeId
  readonly number: number
  readonly hops: number
  readonly until: number
}

/**
 * The signs of life of the leader of the last reign followed: the highest `number`, of our own if we led; the member
 * `through` which it is followed, null if it is followed directly; and the last word of that member, or of another that
 * could take its place.
 */
export interface Life {
  readonly number: number
  readonly through: Member.NodeId | null
  readonly relay: Relay | null
}

/** Nothing is known of a leader's life. */
export const noLife: Life = { number: 0, through: null, relay: null }

/** The register of the lead, and what this server does about it. */
export interface Election {
  /** The reign followed; null while vacant. */
  readonly reign: Reign.Reign | null
  /** The greatest reign ever followed: only a greater one is followed again, or this one itself. */
  readonly last: Reign.Reign | null
  readonly life: Life
  /** A greater reign that could not be followed when it was heard of, and the number of its leader's signs of life then. */
  readonly mention: { readonly reign: Reign.Reign; readonly number: number; readonly until: number } | null
  /** The highest term heard of. */
  readonly heard: number
  /** The term that a leader must lead in for this server to follow it, where two led in the last one's; else 0. */
  readonly toExceed: number
  readonly activity: Activity
  /** Why the place is vacant, since when, and what follows from it. */
  readonly vacancy: {
    readonly cause: Event.Cause
    readonly since: number
    /** The server that stepped down: it does not compete with its successor. */
    readonly ineligible: Member.NodeId | null
    readonly successor: Member.NodeId | null
    /** The leader was only silent: a server that outranks all asks before it leads. */
    readonly askFirst: boolean
    /** Until when this server waits to hear of a greater reign that its leader made way for, -Infinity where it does not. */
    readonly passedUntil: number
  }
  /** Set while our leading work is being ended: why. */
  readonly ending: Event.Cause | null
  /**
   * Until when this server is ineligible: `firmly`, in any case; otherwise unless nobody leads. `transferee` is the member
   * in whose favour it is: if that is gone, or its reign is over, this server is eligible again.
   */
  readonly ineligibility: {
    readonly until: number
    readonly firmly: boolean
    readonly transferee: Member.NodeId | null
  }
  /** Leading work of a former reign still runs: this server is ineligible until it has ended. */
  readonly overrun: boolean
  /** All leading work here has failed for good: this server is ineligible until the app offers some again. */
  readonly hasNoWork: boolean
  readonly secondHandAt: number
  /** This server's lease claim, in a group that leads by a lease. */
  readonly claim: Claim | null
  /** Until when leading work may run by the promises for a claim that is over. */
  readonly workUntil: number
  /** The newest term of this server's own that was promised to it, is over, and has not been given back; null where none. */
  readonly owed: number | null
  /** Until when others may lead first, since this server has given the lead up and its work has only now ended. */
  readonly lastUntil: number
  /** Until when this server is no candidate, after no majority voted for it. */
  readonly backoffUntil: number
  /** Until when it asks for no pre-votes again, after no majority would have voted for it. */
  readonly preVoteAgainAt: number
  /** The leads that this server lost. */
  readonly losses: Losses.Losses
  /** When each member last got a notice of the reign. */
  readonly leaderNotices: HashMap.HashMap<Member.NodeId, number>
  /** Set when the app takes part no more, until the others have been told. Never in the group's own election. */
  readonly withdrawn: boolean
}

/** Nobody keeps this server from standing. */
export const noIneligibility: Election["ineligibility"] = { until: -Infinity, firmly: false, transferee: null }

/** The register at the start of a server, or of its taking part. */
export const make = (monotonic: number): Election => ({
  reign: null,
  last: null,
  life: noLife,
  mention: null,
  heard: 0,
  toExceed: 0,
  activity: { _tag: "Idle" },
  vacancy: {
    cause: "Start",
    since: monotonic,
    ineligible: null,
    successor: null,
    askFirst: false,
    passedUntil: -Infinity
  },
  ending: null,
  ineligibility: noIneligibility,
  overrun: false,
  hasNoWork: false,
  secondHandAt: -Infinity,
  claim: null,
  workUntil: -Infinity,
  owed: null,
  lastUntil: -Infinity,
  backoffUntil: -Infinity,
  preVoteAgainAt: -Infinity,
  losses: Losses.none,
  leaderNotices: HashMap.empty(),
  withdrawn: false
})

/** Whether others may lead before this server, regardless of rank. */
export const isIneligible = ({ ineligibility, hasNoWork, overrun }: Election, monotonic: number): boolean =>
  overrun || hasNoWork || ineligibility.until > monotonic

/** The register of an election of which nothing is known. */
export const blank: Election = make(0)

const encoder = new TextEncoder()

/**
 * How a server says which named elections it takes part in: 8 hex digits for each, the first 4 bytes of SHA-256 of the
 * name. Two names with one tag would only have servers wait for each other in vain.
 */
export const tag = (name: string): string => bytesToHex(sha256(encoder.encode(name)).subarray(0, 4))

/** Whether a text may name an election: 1 to 32 bytes, counted as in JSON, of a plain name. */
export const isName = (text: string): boolean =>
  text.length > 0 && text.length <= 32 && Member.jsonBytes(text) <= 32 && Name.isPlain(text)
