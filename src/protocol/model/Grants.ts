/** What a server knows of grants: as the leader, of all that is held; and as a holder, of what it holds itself. */
import * as HashMap from "effect/HashMap"
import type * as Lease from "./Lease.ts"
import type * as Member from "./Member.ts"
import type * as Resources from "./Resources.ts"

/** The most of each. */
export const limits = {
  /** Spaces, and sessions of all of them, in the table of a leader. */
  spaces: 4_096,
  sessions: 16_384,
  /** Sessions of one server's own. */
  holdings: 1_024,
  /** Sessions that are over and still known: an ask of one of them that was overtaken begins it anew otherwise. */
  ended: 256
} as const

// --- The leader's ---

/** A session in the leader's table: of one server, until it asks no more. */
export interface Session {
  readonly id: Member.NodeId
  /** The number of the newest ask that was read. */
  readonly seq: number
  /** Until when what it holds stays its own, on the leader's monotonic clock. */
  readonly until: number
  /** Which session of all that have come this is. */
  readonly arrived: number
  /** What it waits for; null where it takes its share. */
  readonly wanted: Resources.Resources | null
  readonly weight: number
  /** What it holds, as `holders` of its space says for each resource: so that an ask costs what its session holds, not all. */
  readonly held: Resources.Resources
}

/** The resources of one name, who holds them, and who asks for them. */
export interface Space {
  readonly count: number
  readonly expiry: number
  /** Whether sessions take their share; else they say what they want, and who came first gets it. */
  readonly isShared: boolean
  readonly sessions: HashMap.HashMap<string, Session>
  /** The session that holds each resource. */
  readonly holders: HashMap.HashMap<number, string>
  readonly shares: Shares | null
}

/** Who should hold what of a shared space, as long as the sessions are `among`. */
export interface Shares {
  readonly among: string
  /** The session that should hold each resource, or null. */
  readonly sessions: ReadonlyArray<string | null>
  /** What each session should hold. */
  readonly of: ReadonlyMap<string, Resources.Resources>
}

/** All that is held, as the leader of one reign knows it. */
export interface Table {
  readonly term: number
  /** When the reign began, on the leader's monotonic clock. */
  readonly since: number
  readonly grants: number
  readonly arrivals: number
  readonly spaces: HashMap.HashMap<string, Space>
  /** How many sessions there are in all spaces. */
  readonly sessions: number
  /** Those that ended, the newest first. */
  readonly ended: ReadonlyArray<string>
}

// --- The holder's ---

/** A resource that is held. */
export interface Held {
  readonly token: string
  /** When the ask was sent on which it rests. */
  readonly sentAt: Lease.Instant
  /** Whether the app was told to end what it does with it. */
  readonly isEnding: boolean
  /** Until when the app has time for that, on the monotonic clock. */
  readonly endBy: number
}

/** A resource that was held: a wall clock that was set forward has left the app less time than it needs. */
export interface Ending {
  readonly token: string
  /** Until when, on the monotonic clock, the leader is asked not to give it to another. */
  readonly until: number
}

/** A session of this server's own. */
export interface Holding {
  readonly session: string
  readonly space: string
  readonly count: number
  readonly expiry: number
  /** What it would hold; null where it takes its share. */
  readonly wanted: Resources.Resources | null
  readonly weight: number
  readonly held: HashMap.HashMap<number, Held>
  /** What is held no more by the clocks of this server, while the app may not have had its time to end what it does with it. */
  readonly ending: HashMap.HashMap<number, Ending>
  /** The newest ask, and when each was sent of those that may still be answered. */
  readonly seq: number
  readonly sent: ReadonlyArray<{ readonly seq: number; readonly at: Lease.Instant }>
  /** The first ask whose answer may grant something: what was let go since an earlier one is not taken back. */
  readonly grantsFrom: number
  /** How often it was asked since the last answer. */
  readonly tries: number
  /** When it asks next, on the monotonic clock. */
  readonly askAt: number
  /** Whether it ends: it takes nothing more, and is gone when it holds nothing more. */
  readonly isOver: boolean
}

/** All of it. */
export interface Grants {
  /** Null where this server does not lead. */
  readonly table: Table | null
  /** By the numbers that the app gave them. */
  readonly holdings: HashMap.HashMap<number, Holding>
  /** When something is due for a session of this server's own, on the monotonic clock, as it was found out at that instant. */
  readonly dueAt: number
  readonly seenAt: Lease.Instant
}

/** Nothing is held. */
export const none: Grants = {
  table: null,
  holdings: HashMap.empty(),
  dueAt: Infinity,
  seenAt: { monotonic: 0, wall: 0, sinceBoot: undefined }
}
