/** What one server knows and does in a group that is kept by a registry, and what can happen to it. */
import * as HashMap from "effect/HashMap"
import type * as Backend from "../backend/Backend.ts"
import * as Election from "../protocol/model/Election.ts"
import type * as Event from "../protocol/model/Event.ts"
import type * as Lease from "../protocol/model/Lease.ts"
import type * as Member from "../protocol/model/Member.ts"
import type * as Reign from "../protocol/model/Reign.ts"
import type * as Runs from "../protocol/model/Runs.ts"
import * as Mirror from "./Mirror.ts"
import type * as Registry from "./Registry.ts"

/** The times that it goes by, in ms, and by how much clocks may differ in speed. */
export interface Timing {
  readonly stopTimeout: number
  readonly drift: number
  readonly preempt: boolean
  readonly stableAfter: number
  /** Candidates try one after the other, so far apart. */
  readonly electionStagger: number
  /** So long a successor that was named is waited for. */
  readonly coordinatorTimeout: number
  /** So long who gave the lead up lets others lead. */
  readonly memberTimeout: number
  readonly maxMembers: number
}

/** How long a session lasts from the instant in which its newest renewal was sent. */
export interface Granted {
  readonly sentAt: Lease.Instant
  readonly ttl: number
}

/** The session of this server: that of its newest renewal, and since when it has it. */
export interface Session extends Granted {
  readonly id: string
  readonly since: number
}

/** Why the reign of this server is being ended, and what becomes of it. */
export interface Ending {
  readonly cause: Event.Cause
  readonly successor: Member.NodeId | null
  /** What the reign rested on when it began to end. */
  readonly granted: Granted
  /** Its work has ended, so that the key can be given back. */
  readonly finished: boolean
  /** Its work has had its time to end: then the key is given back when the reign would be over anyway. */
  readonly hadTime: boolean
  /** Nobody leads any more, though the key is not given back yet. */
  readonly isOver: boolean
}

/** A reign of this server: it has the leader's key. */
export interface Own {
  readonly reign: Reign.Reign
  readonly session: string
  /** The watch has shown the key. */
  readonly isSeen: boolean
  readonly ending: Ending | null
}

/** One election that this server takes part in. */
export interface RegistryElection {
  /** The reign that is followed. */
  readonly reign: Reign.Reign | null
  /** The newest that was followed. */
  readonly last: Reign.Reign | null
  readonly own: Own | null
  /** The newest term of its own that is over: it is not led in again. */
  readonly over: number
  /** The newest term of its own whose key is known to be given back: the watch may still show it. */
  readonly returned: number
  readonly vacancy: { readonly cause: Event.Cause; readonly since: number }
  /** Since when the leader's key is known to be free; null where it is not. */
  readonly freeSince: number | null
  readonly ineligibility: { readonly until: number; readonly isFirm: boolean }
  readonly overrun: boolean
  readonly hasNoWork: boolean
  readonly withdrawn: boolean
  /** The term of the reign elsewhere within which this server may lead here; null where it may not. See `State.isEnclosed`. */
  readonly enclosing: number | null
  /** Until when a leader that was named does not make way for a higher rank. */
  readonly heldUntil: number
}

/** A change that is asked for, so that it is known what its outcome means. */
export type Purpose =
  | { readonly _tag: "Announce" }
  | { readonly _tag: "Lead"; readonly election: string; readonly reign: Reign.Reign }
  | { readonly _tag: "Release"; readonly election: string; readonly term: number }
  | { readonly _tag: "Mark"; readonly request: number; readonly known: Runs.Known }

/** One change at a time is asked for of each kind: the one under way, or until when none is asked for. */
export interface Lane {
  readonly id: number | null
  readonly purpose: Purpose
  readonly session: string
  readonly notBefore: number
}

/** Marks of a job that the app wants kept. */
export interface Marking extends Runs.Job {
  readonly request: number
  readonly mark: Runs.Mark
}

/** How often in a row each failed, and whether that was told. */
export interface Trouble {
  readonly renewals: number
  readonly watches: number
  readonly commits: number
  readonly isTold: boolean
}

/** The state of a server between two steps. */
export interface State {
  readonly timing: Timing
  readonly self: Member.Member
  readonly phase: "Discovering" | "Live" | "Leaving" | "Left"
  readonly startedAt: number
  readonly session: Session | null
  /** The renewal that is under way. */
  readonly renewing: { readonly number: number; readonly sentAt: Lease.Instant } | null
  readonly renewals: number
  readonly renewAt: number
  readonly trouble: Trouble
  readonly mirror: Mirror.Mirror
  /** The watch goes on: what the mirror shows is not far behind. */
  readonly isWatching: boolean
  /**
   * The group moves from one backend to another, and has both: this server leads here only within a reign of its own in the other, and
   * under the very term of that one. So one term is the order of all reigns, of those in either and of those in both.
   */
  readonly isEnclosed: boolean
  /** The other members, highest rank first, and when each was first seen. */
  readonly members: ReadonlyArray<Member.Member>
  /** Another has taken this server's id. */
  readonly isDisplaced: boolean
  readonly membersFull: number
  readonly group: RegistryElection
  readonly named: HashMap.HashMap<string, RegistryElection>
  /** The highest term that is known from elsewhere, such as of the engine that the group had before. */
  readonly highest: number
  readonly commits: number
  readonly lanes: HashMap.HashMap<string, Lane>
  readonly marking: ReadonlyArray<Marking>
  /** Leading work runs that is not known to end: what it holds is not given back. */
  readonly leavesWork: boolean
  /** When something is to be done, on the monotonic clock. */
  readonly due: number
}

/**
 * What can happen to it.
 *
 * - `Start`: first of all. `Picture`, `Put`, `Gone`: what the watch tells; `WatchFailed`: it tells nothing any more, until the next
 *   `Picture`.
 * - `Renewed`, `RenewFailed`: in answer to `Renew` of that number. `Committed`: in answer to `Commit`.
 * - `WorkEnded`: in answer to `EndWork`; not `finished` where it has had its time and runs on. `WorkIdle`: in answer to `AwaitIdle`.
 * - `MarkRun`, `Describe`, `Leave`: as on the LAN. `Heard`: this term is known from elsewhere.
 * - `Enclose`: this server leads an election elsewhere, in that term; null: it does not. See `State.isEnclosed`.
 */
export type Input =
  | { readonly _tag: "Start" }
  | Registry.Change
  | { readonly _tag: "WatchFailed"; readonly kind: Registry.RegistryFailed["kind"]; readonly detail: string }
  | { readonly _tag: "Renewed"; readonly number: number; readonly session: string; readonly ttl: number }
  | {
    readonly _tag: "RenewFailed"
    readonly number: number
    readonly kind: Registry.RegistryFailed["kind"]
    readonly detail: string
  }
  | {
    readonly _tag: "Committed"
    readonly id: number
    readonly outcome: "done" | "refused" | Registry.RegistryFailed["kind"]
    readonly detail?: string
  }
  | { readonly _tag: "WorkEnded"; readonly election: string; readonly finished: boolean }
  | { readonly _tag: "WorkIdle"; readonly election: string; readonly term: number }
  | { readonly _tag: "MarkRun" } & Omit<Marking, "_tag">
  | { readonly _tag: "Describe"; readonly description: Pick<Member.Member, "priority" | "tags"> }
  | { readonly _tag: "Heard"; readonly term: number }
  | { readonly _tag: "Enclose"; readonly election: string; readonly term: number | null }
  | { readonly _tag: "Leave" }
  | { readonly _tag: "Due" }
  | Backend.LeadInput

/**
 * What is to be done.
 *
 * - `Commit`: make these changes, then step `Committed`. `Renew`: renew the session, then step `Renewed` or `RenewFailed`.
 * - `EndWork`: end all leading work of this election, then step `WorkEnded`. `AwaitIdle`: when none of it runs, step `WorkIdle`.
 * - `RunMarked`: in answer to `MarkRun`. `Emit`: tell the readers.
 * - `Farewell`: nothing more will come. Where it `closes`, the session is to be ended; else it runs out, as work goes on.
 */
export type Output =
  | { readonly _tag: "Commit"; readonly id: number; readonly transaction: Registry.Transaction }
  | { readonly _tag: "Renew"; readonly number: number }
  | { readonly _tag: "EndWork"; readonly election: string }
  | { readonly _tag: "AwaitIdle"; readonly election: string; readonly term: number }
  | { readonly _tag: "RunMarked"; readonly request: number; readonly known: Runs.Known }
  | { readonly _tag: "Emit"; readonly event: Event.Event }
  | { readonly _tag: "Farewell"; readonly closes: boolean }

/** An election that this server begins to take part in. */
export const makeElection = (monotonic: number): RegistryElection => ({
  reign: null,
  last: null,
  own: null,
  over: 0,
  returned: 0,
  vacancy: { cause: "Start", since: monotonic },
  freeSince: null,
  ineligibility: { until: -Infinity, isFirm: false },
  overrun: false,
  hasNoWork: false,
  withdrawn: false,
  enclosing: null,
  heldUntil: -Infinity
})

/** A server before its start. */
export const make = (options: {
  readonly timing: Timing
  readonly self: Member.Member
  readonly monotonic: number
  readonly highest?: number | undefined
  readonly isEnclosed?: boolean | undefined
}): State => ({
  timing: options.timing,
  self: options.self,
  phase: "Discovering",
  startedAt: options.monotonic,
  session: null,
  renewing: null,
  renewals: 0,
  renewAt: Infinity,
  trouble: { renewals: 0, watches: 0, commits: 0, isTold: false },
  mirror: Mirror.empty,
  isWatching: false,
  isEnclosed: options.isEnclosed ?? false,
  members: [],
  isDisplaced: false,
  membersFull: 0,
  group: makeElection(options.monotonic),
  named: HashMap.empty(),
  highest: options.highest ?? 0,
  commits: 0,
  lanes: HashMap.empty(),
  marking: [],
  leavesWork: false,
  due: Infinity
})

/** An election by its name; undefined where the server takes no part in it. */
export const election = (
  { group, named }: Pick<State, "group" | "named">,
  name: string
): RegistryElection | undefined =>
  name === Election.ofGroup ? group : HashMap.has(named, name) ? HashMap.getUnsafe(named, name) : undefined

/** The names of the elections that it takes part in, the group's own first. */
export const elections = ({ named }: Pick<State, "named">): ReadonlyArray<string> => [
  Election.ofGroup,
  ...HashMap.keys(named)
]

/** The reign of this server's own in an election that lasts and is not being ended, by its state alone. */
export const ownReign = (state: Pick<State, "group" | "named">, name: string): Reign.Reign | null => {
  const own = election(state, name)?.own ?? null
  return own === null || own.ending !== null ? null : own.reign
}
