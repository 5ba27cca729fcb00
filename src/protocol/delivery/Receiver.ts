/**
 * What brings messages into order: the multicasts of the leaders arrive lost, doubled and overtaken, and leave as each client's
 * messages in the order of `seq`, each once, regardless of the reign that carried them. Servers and clients share it.
 *
 * Two numbers show a gap. The **index** of a message in its reign shows one as soon as any later index is named, the last
 * message included: see `Tracks`. A client's **seq** shows one if a reign is over that nobody can name an index of: see
 * `ClientOrder`. A missing message is asked for, {@link Host.ask}, until it comes or is given up, and then reported as lost: see
 * `Repair`.
 *
 * Pure: each function takes a {@link Host}, which holds the receiver as it is now and takes the outputs.
 */
import * as HashMap from "effect/HashMap"
import type * as Client from "../model/Client.ts"
import type * as Event from "../model/Event.ts"
import type { NodeId } from "../model/Member.ts"
import type * as Message from "../model/Message.ts"
import * as Kept from "./Kept.ts"
import * as Parts from "./Parts.ts"

/** A message as the leader handed it on. */
export type Delivered = Message.Of<"CLIENT_DELIVER">

/** How one missing thing is being asked for. */
export interface Ask {
  readonly since: number
  readonly asks: number
  readonly dueAt: number
}

/** Indexes that are missing, `from` to `to`. */
export interface Run {
  readonly from: number
  readonly to: number
  readonly ask: Ask
}

/** The indexes of one reign: of all up to `newest` only those of `missing` are not here. */
export interface Track {
  readonly term: number
  readonly leader: NodeId
  readonly newest: number
  readonly missing: ReadonlyArray<Run>
}

/**
 * One client's messages. `next` is the `seq` whose turn it is, null until it is known where this receiver begins; `held`
 * are those ahead of their turn, in order; `highest` is the highest `seq` seen; `spilled`: one was not held for want of room.
 */
export interface Source {
  readonly next: number | null
  readonly held: ReadonlyArray<Delivered>
  readonly highest: number
  readonly spilled: boolean
  readonly ask: Ask | null
  readonly heardAt: number
}

/**
 * One receiver. `kept` are the newest messages, of all reigns; `assembly` are parts that wait for the others. `delivered`
 * counts those delivered since the start, one in parts as so many, and none is delivered from `limit` on. `asking` and `unplaced` name the sources with an `ask` and those without a `next`.
 */
export interface Receiver {
  /** The newest first. Empty until this receiver begins. */
  readonly tracks: ReadonlyArray<Track>
  /** The term in which it began: messages of an earlier one were before its time. */
  readonly since: number
  readonly sources: HashMap.HashMap<Client.ClientId, Source>
  readonly asking: ReadonlyArray<Client.ClientId>
  readonly unplaced: ReadonlyArray<Client.ClientId>
  readonly kept: Kept.Kept
  readonly assembly: Parts.Assembly
  readonly delivered: number
  readonly limit: number
  readonly isBlocked: boolean
}

/** The owner of a receiver: its present state, the time in ms, randomness, and the outputs. */
export interface Host {
  receiver: Receiver
  readonly now: number
  readonly random: () => number
  /** Whether there is a leader, other than this host, to be asked. */
  readonly hasLeader: boolean
  /**
   * How many clients' order is remembered at most; beyond, the eighth not heard for the longest is forgotten. It is not
   * forgotten with the client: what comes late of it must not come twice.
   */
  readonly maxSources: number
  /** The most characters of JSON that a message in parts may have. */
  readonly maxMessage: number
  readonly deliver: (message: Parts.Whole) => void
  /** A part is of no use, as others of its message are lost, or it is one too many. */
  readonly dropPart: () => void
  readonly lose: (lost: Event.Lost) => void
  readonly ask: (whom: "leader" | "group", missed: Message.Missed, from: number, to: number) => void
}

/** A receiver that has heard nothing. */
export const empty: Receiver = {
  tracks: [],
  since: 0,
  sources: HashMap.empty(),
  asking: [],
  unplaced: [],
  kept: Kept.empty,
  assembly: Parts.none,
  delivered: 0,
  limit: Infinity,
  isBlocked: false
}

/** The newest index that is known of a reign, 0 where none is. */
export const newestOf = (receiver: Receiver, term: number, leader: NodeId): number => {
  for (const track of receiver.tracks) if (track.term === term && track.leader === leader) return track.newest
  return 0
}

/** Changes a receiver. */
export const change = (host: Host, change: Partial<Receiver>): void => {
  host.receiver = { ...host.receiver, ...change }
}

/** What has just been found missing is asked for soon: it may only be late. */
export const firstAsk = (host: Host): Ask => ({ since: host.now, asks: 0, dueAt: host.now + 20 + 40 * host.random() })
