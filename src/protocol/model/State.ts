/**
 * The state of a server between two steps ({@link State}), and the time of a step ({@link Now}).
 */
import type * as HashMap from "effect/HashMap"
import type * as HashSet from "effect/HashSet"
import type { Flights } from "../delivery/Flights.ts"
import type * as Receiver from "../delivery/Receiver.ts"
import type * as Client from "./Client.ts"
import type { Commanded } from "./Command.ts"
import type * as Election from "./Election.ts"
import type { Grants } from "./Grants.ts"
import type { Promise } from "./Lease.ts"
import type * as Member from "./Member.ts"
import type * as Message from "./Message.ts"
import type { LinkPeer } from "./Output.ts"
import type * as Places from "./Places.ts"
import type * as PromiseRecord from "./PromiseRecord.ts"
import type * as Reach from "./Reach.ts"
import type * as Reign from "./Reign.ts"
import type { Runs } from "./Runs.ts"
import type * as Talk from "./Talk.ts"
import type { Timer } from "./Timer.ts"
import type * as Timers from "./Timers.ts"
import type * as Timing from "./Timing.ts"

/**
 * The time and the chance that a step is given.
 *
 * `monotonic` is ms on a clock that never steps: all durations are counted on it. `wall` is Unix ms, for people and for
 * new terms. `entropy` is a whole number below 2^32 that no one could foretell.
 */
export interface Now {
  readonly monotonic: number
  readonly wall: number
  readonly entropy: number
  /** Ms on a clock that also counts while the machine is suspended; absent where there is none. */
  readonly sinceBoot?: number | undefined
  /**
   * Ms by which the uptime of the system has gone ahead in all, while no other clock did: perhaps suspended, perhaps not.
   */
  readonly doubted?: number | undefined
  /** An id of the machine that changes when it is set back to a snapshot; absent where there is none. */
  readonly generation?: string | undefined
}

/**
 * What this server knows of another member besides the member's own word. It changes with every datagram; the view does
 * not.
 */
export interface Known {
  readonly member: Member.Member
  /** Where its last datagram came from, of those that it said since it last moved. */
  readonly address: Member.Address
  /** Where else it was lately heard, since it last moved: it is on several networks. */
  readonly alsoAt: ReadonlyArray<Places.Place>
  /** How often it has moved, by its own word. */
  readonly moved: number
  /** Since when this very start of it has been a member. */
  readonly joinedAt: number
  readonly heardAt: number
  readonly via: "multicast" | "unicast"
  readonly multicastAt: number
  /** The heartbeat interval that it announced. */
  readonly interval: number
  /** The pace of its signs of life that it announced as a leader; null where it leads nothing, or keeps none. */
  readonly pace: number | null
  /** Whether it let all direct questions go by, and nobody that was asked has heard it since; until it is heard. */
  readonly isSilent: boolean
  /** The question that its answer is timed by, and when that was asked. */
  readonly timed: { readonly nonce: string; readonly askedAt: number }
  /** The longest, in ms, that an answer of its took lately, and when that was. */
  readonly slowest: { readonly took: number; readonly at: number }
  /** Until when it does not vote, by its own word: -Infinity where it votes, Infinity where it never does. */
  readonly votesAt: number
  /** When it last proved that it hears us, -Infinity where it never has: see `Paths`. */
  readonly hearsUsAt: number
  /** When another has heard it, by that one's word, while we have not; -Infinity where nobody said so. It keeps the member. */
  readonly witnessedAt: number
  /** The last witness, since we last heard the member. */
  readonly through: Member.NodeId | null
  /** Whether the last proof came over others, by a `PATH_PROBE`. */
  readonly isReached: boolean
  /** When it last let all questions for a proof go by. */
  readonly unansweredAt: number
  /** When it was last asked for such a proof, since it speaks of a reign that could be followed then. */
  readonly proofAskedAt: number
  /** How many servers it sees by its own word, which leaders give, and servers that see nobody else: 0 if it gave none. */
  readonly sees: number
  /** Whether it was told that another hears it and we do not. */
  readonly isLinkMissing: boolean
  /** Its newest direct question to us, and how often it was asked; and when it last asked in vain, -Infinity where not lately. */
  readonly askedBy: { readonly nonce: string; readonly times: number }
  readonly deafAt: number
  readonly unicastOnly: boolean
  /** The named elections that it takes part in, by their tags. */
  readonly elections: ReadonlyArray<string>
  /** The page that it announces, if any. */
  readonly page: string | null
  /** Until when it is taken not to hear our multicasts, and gets by unicast what is said to the group. */
  readonly unicastUntil: number
  /** Whether it was told that its settings differ from ours. */
  readonly differs: boolean
  readonly noticedAt: number
  /** The last multicast probe of its that was answered: the others of the burst are the same question. */
  readonly answered: string
}

/** A tombstone. `nonce` is the question whose answer would prove that a server removed for silence lives after all. */
export interface Tombstone {
  readonly incarnation: number
  readonly until: number
  readonly mayReturn: boolean
  readonly nonce: string
  readonly askedAt: number
}

/**
 * A silent member that is being asked directly. `refused` is how often its host said that nobody listens there, the last
 * time at `refusedAt`; `linkRefused` whether it said so of the port of its links. `ofLead` where it is a leader that was
 * missed: then five unanswered questions are enough to follow it no more. It was first asked at `since`, the last time at
 * `askedAt`.
 */
export interface Check {
  readonly nonce: string
  readonly tries: number
  readonly refused: number
  readonly linkRefused: boolean
  readonly refusedAt: number
  readonly ofLead: boolean
  readonly since: number
  readonly askedAt: number
}

/**
 * The crash links of a server: those that it keeps open, since when, and what is known of its links with members, opened
 * by either side.
 */
export interface CrashLinks {
  readonly kept: ReadonlyArray<LinkPeer>
  readonly changedAt: number
  readonly links: HashMap.HashMap<Member.NodeId, CrashLink>
}

/**
 * A link with one start of a member. `ip` is where the member was when the link came up, or when this server was told of its
 * crash.
 *
 * - `up`: it is up. `broke`: it broke, and is being tried again. `again`: so it is once more, as something was heard after the
 *   break.
 * - `told`: there was none. Another says that the member has crashed, and whether it can be connected to is being tried.
 */
export interface CrashLink {
  readonly incarnation: number
  readonly ip: string
  readonly stage: "up" | "broke" | "again" | "told"
  /** Whether its host has refused since it broke, or since another told: nothing more is being tried. */
  readonly isTried: boolean
  /** Since when it is up, or the member may be gone. */
  readonly since: number
}

/** The witness questions of a server, and how many of others it has answered. */
export interface Witnesses {
  /** The members that the next question is about. */
  readonly missed: ReadonlyArray<Member.NodeId>
  /** The nonce of the last questions, and when the first of that nonce was asked. */
  readonly nonce: string
  readonly askedAt: number
  /** How many questions were answered in the second that began then. */
  readonly answers: number
  readonly since: number
}

/** The facts about a server's own id besides the id itself. */
export interface Identity {
  readonly startedAt: number
  /** When it started, or its machine was last set back to a snapshot: since then it knows all that it said. */
  readonly anewAt: number
  /** The incarnations that it has given up for higher ones since then. */
  readonly raised: ReadonlyArray<number>
  /** When it last told of a duplicate. */
  readonly duplicateAt: number
  /** How often its addresses have changed. */
  readonly moved: number
  /** Addresses that were its own until lately: its datagrams from there may still come back. */
  readonly former: ReadonlyArray<{ readonly address: Member.Address; readonly until: number }>
}

/**
 * A client as this server knows it. `accepted` is the `seq` whose turn it is to be accepted in the reign of this term of
 * ours; `waiting` are those ahead of it. A client that has left is remembered for a while, so that its late messages do not
 * bring it back.
 */
export interface KnownClient {
  readonly client: Client.Client
  readonly address: Member.Address
  readonly heardAt: number
  /** The interval that it announced between two of its signs of life. */
  readonly interval: number
  readonly hasLeft: boolean
  /** Until when it gets by unicast what is said to the group, since it asked by unicast to be let in. */
  readonly unicastUntil: number
  readonly term: number
  readonly accepted: number
  readonly waiting: ReadonlyArray<Message.Of<"CLIENT_MESSAGE">>
  /** How many of its messages it has given up, by its own word: what comes of a lower count is late. */
  readonly refused: number
  /** From which number on nothing of that count is accepted, since that one was refused, and for whom. */
  readonly refusal: { readonly at: number; readonly older: ReadonlyArray<string> } | null
  /** Whether it reads several messages in one datagram, and takes an acknowledgement for all up to it. */
  readonly batches: boolean
  /** Whether it reads topics and parts. */
  readonly topics: boolean
  readonly noticedAt: number
}

/**
 * The clients and their messages: those that have arrived, and those that this server owes to receivers that missed them.
 */
export interface Delivery {
  readonly clients: HashMap.HashMap<Client.ClientId, KnownClient>
  /** How many of the clients have left. */
  readonly left: number
  /** Those that are there and do not read several messages in one datagram. */
  readonly older: HashSet.HashSet<Client.ClientId>
  /** Those that are there and do not read topics and parts. */
  readonly untopical: HashSet.HashSet<Client.ClientId>
  readonly receiver: Receiver.Receiver
  /** Messages that were asked of the group, and that nobody has repeated yet. */
  readonly answers: ReadonlyArray<Receiver.Delivered>
  /** When we last handed a message on as leader, and when the timer for repairs is due. */
  readonly relayedAt: number
  readonly repairAt: number
}

/** What this server publishes: as which client, under which reign it was last sent, and when that client says again that it is there. */
export interface Publisher extends Flights {
  readonly client: Client.Client
  readonly reign: Reign.Reign | null
  readonly joinAt: number
}

/**
 * The questions that go over others (`PathProbes`): the server's own newest one (`nonce`), when the next may be asked and
 * how long it waits after that; and the questions of others that it has repeated: the newest ones, and how many since
 * `since`.
 */
export interface PathProbes {
  readonly nonce: string
  readonly until: number
  readonly wait: number
  readonly relayed: ReadonlyArray<string>
  readonly since: number
  readonly count: number
}

/**
 * The stage of a server's life.
 *
 * - `Discovering`: in the window after the start, it judges nobody and is no candidate. `Live`: in full.
 * - `Recovering`: as discovering, after a pause. `Leaving`: it ends its work. `Left`: it has said that it leaves.
 */
export type Phase = "Discovering" | "Live" | "Recovering" | "Leaving" | "Left"

/** One server, whole. */
export interface State {
  readonly timing: Timing.Timing
  readonly self: Member.Member
  /** Where our own datagrams come from: the first is the one that we announce. */
  readonly addresses: ReadonlyArray<Member.Address>
  readonly phase: Phase
  /** Whether it is a newcomer, which leaves a healthy leader alone. */
  readonly newcomer: boolean
  /** The others, highest rank first. A new array with every change and only then. */
  readonly members: ReadonlyArray<Member.Member>
  readonly known: HashMap.HashMap<Member.NodeId, Known>
  readonly tombstones: HashMap.HashMap<Member.NodeId, Tombstone>
  readonly checks: HashMap.HashMap<Member.NodeId, Check>
  readonly crashLinks: CrashLinks
  readonly witnesses: Witnesses
  /** The group's own election. */
  readonly election: Election.Election
  /** The named ones that this server takes part in. */
  readonly named: HashMap.HashMap<string, Election.Election>
  readonly contacts: Reach.Contacts
  readonly delivery: Delivery
  /** Null until it publishes something. */
  readonly publisher: Publisher | null
  /** The promise in each election whose leader holds a lease. */
  readonly promises: HashMap.HashMap<string, Promise>
  /** Until when nothing is promised: it may be that an earlier start of this server has. */
  readonly silentUntil: number
  /** The promises of this server's former start, and those that it hands to the next one. */
  readonly handover: PromiseRecord.Handover
  /** The promises that it keeps for servers that have left. */
  readonly kept: ReadonlyArray<PromiseRecord.Kept>
  /** Whether fewer servers are in view than a majority. */
  readonly minority: boolean
  /** Since when more servers live than there should be: Infinity where they do not, -Infinity where it was told. */
  readonly crowdedSince: number
  /** When this server last ran, by its last step. */
  readonly lookedAt: number
  /** The same on the clock that counts suspensions, if there was one. */
  readonly lookedSinceBoot: number | undefined
  /** When it last gave a sign of life as a leader that keeps a pace, by both clocks. */
  readonly signedAt: number
  readonly signedSinceBoot: number | undefined
  /** The generation of the machine, as last seen. */
  readonly generation: string | undefined
  /** The doubtful time when this server last ran, and when that was last reported. */
  readonly doubts: { readonly watched: number; readonly toldAt: number }
  /** The longest that this server was late since the last sweep, and in the time before it. */
  readonly lag: { readonly now: number; readonly before: number }
  /**
   * The heartbeat that is put off in a large group: it is due when this share of the interval is over `from` then. Null where
   * none is, `asLeader` where the last one was a leader's.
   */
  readonly heartbeatPace: { readonly from: number; readonly share: number } | "asLeader" | null
  readonly pathProbes: PathProbes
  /** When anybody last proved that it hears this server. */
  readonly provenAt: number
  /** Since when no member is known to hear this server: Infinity where one is, -Infinity where it was told. */
  readonly unheardSince: number
  /** Until when datagrams may be ones that waited while we were paused. */
  readonly drainUntil: number
  /** The nonce of our last multicast probe. */
  readonly probe: string
  /** The page that we ask for of a list of members, and the servers on it that have still to answer. */
  readonly paging: {
    readonly from: Member.Address
    readonly nonce: string
    readonly page: number
    readonly of: number
    readonly tries: number
    readonly missing: ReadonlyArray<Message.Listed>
    /** Whether it is read since the views differ. */
    readonly compares: boolean
  } | null
  readonly identity: Identity
  /** The page that this server announces, if any. */
  readonly page: string | null
  /** The newest commands that came to it. */
  readonly commands: ReadonlyArray<Commanded>
  readonly runs: Runs
  readonly talk: Talk.Talk
  readonly grants: Grants
  readonly timers: Timers.Timers<Timer>
}
