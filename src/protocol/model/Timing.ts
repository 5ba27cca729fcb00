/** The settings that the protocol itself goes by, all times in whole milliseconds, and what follows from them. */
import * as Message from "./Message.ts"

/** The protocol's times and sizes for one server. `Settings` documents each of them. */
export interface Timing {
  readonly heartbeatInterval: number
  /** Time between two signs of life of a leader, at most `heartbeatInterval`. */
  readonly leaderInterval: number
  /** The most heartbeats of others that a server hears in a second, on the average: in a large group they come less often. */
  readonly maxHeartbeatsPerSecond: number
  readonly cleanupInterval: number
  readonly memberTimeout: number
  readonly probeTimeout: number
  readonly discoveryWindow: number
  readonly electionStagger: number
  readonly okTimeout: number
  readonly coordinatorTimeout: number
  /** Whether the group is spoken to by multicast; else each member by unicast. */
  readonly multicast: boolean
  readonly preempt: boolean
  /** For how long after its start a server leaves a healthy leader alone, regardless of rank. */
  readonly stableAfter: number
  readonly minimumMembers: number
  /** The most members that a view holds, besides its own server; datagrams of one more are dropped and counted. */
  readonly maxMembers: number
  /**
   * The most clients that a server knows; datagrams of one more are dropped and counted. A client that has left makes room.
   */
  readonly maxClients: number
  /** The most tombstones that are kept; beyond, the longest gone are forgotten first, and counted. */
  readonly maxTombstones: number
  /** The largest message of a client that is put together of parts, in characters of its JSON, and the largest question or answer, in bytes of it. */
  readonly maxMessageBytes: number
  readonly stopTimeout: number
  /** The agreement of a majority lease; null if the Bully algorithm alone decides. */
  readonly lease: Message.Agreement | null
  /** Whether this server has a vote, and may lead. Only under a lease may it have none. */
  readonly votes: boolean
}

/** How long after it last ran a server must conclude that it was paused, in ms. */
export const pauseThreshold = ({ heartbeatInterval }: Pick<Timing, "heartbeatInterval">): number =>
  Math.min(100, heartbeatInterval) + Math.max(heartbeatInterval / 2, 100)

/**
 * How often a server looks at its clocks at least, in ms. Each step is a look, so this is for one to which nothing happens: half
 * of what counts as a pause may go by in peace, and the other half may be how late it is.
 */
export const pauseCheckInterval = (timing: Pick<Timing, "heartbeatInterval">): number => pauseThreshold(timing) / 2

/** The same of a server whose work depends on it, as it leads or holds something, where a leader gives no signs of life between its heartbeats. */
export const checkInterval = (timing: Pick<Timing, "heartbeatInterval">, works: boolean): number =>
  works ? Math.min(100, timing.heartbeatInterval) : pauseCheckInterval(timing)

/** For how long after a pause what is read may have waited in the sockets, in ms. */
export const drainFor = ({ heartbeatInterval }: Pick<Timing, "heartbeatInterval">): number =>
  Math.min(100, heartbeatInterval)

/**
 * Above the threshold a server says each heartbeat after at least this share of the interval that it announces, at random, so
 * that not all of a group say theirs at one instant. (RFC 3550, 6.3, draws from the half of its interval to one and a half.)
 */
export const leastShare = 0.5

/**
 * The heartbeat interval of a server that leads nothing beside so many others, in ms: `heartbeatInterval`, or so many of them
 * that the others hear no more than `maxHeartbeatsPerSecond` together.
 */
export const intervalBeside = (
  { heartbeatInterval, maxHeartbeatsPerSecond }: Pick<Timing, "heartbeatInterval" | "maxHeartbeatsPerSecond">,
  others: number
): number => {
  const mean = others * 1_000 / maxHeartbeatsPerSecond
  if (mean <= heartbeatInterval) return heartbeatInterval
  const most = Math.max(1, Math.floor(Message.maxInterval / heartbeatInterval))
  return heartbeatInterval * Math.min(most, Math.ceil(2 * mean / (1 + leastShare) / heartbeatInterval))
}

/** For how long a silent member is left alone, in ms, given the interval that it announced for its heartbeats. */
export const patience = (timing: Timing, announcedInterval: number): number =>
  Math.max(timing.memberTimeout, 3 * announcedInterval)

/**
 * After how long a silence a sweep asks a member directly, in ms: one heartbeat is overdue by half its interval. Only a
 * member whose host refuses the question is removed so early; a silent one has all its {@link patience}.
 */
export const overdue = (announcedInterval: number): number => 1.5 * announcedInterval

/**
 * Whether a leader gives signs of life between its heartbeats. One that leads by a lease renews it, and while those who follow
 * it are bound to it nobody else may lead.
 */
export const keepsPace = ({ heartbeatInterval, leaderInterval, lease }: Timing): boolean =>
  lease === null && leaderInterval < heartbeatInterval

/** After how long a silence a leader is asked directly, in ms, given the pace that it announced: it was missed three times. */
export const leaderOverdue = (pace: number): number => 3 * pace

/**
 * How long after its last sign of life a leader that keeps a pace must conclude that others may have replaced it, in ms. Two of its signs
 * may have been lost before. Then one interval later it was asked, five times in vain, and the next one asked for objections.
 */
export const leaderReplacedAfter = (
  { leaderInterval, okTimeout, probeTimeout }: Pick<Timing, "leaderInterval" | "okTimeout" | "probeTimeout">
): number => leaderInterval + probeTries * probeTimeout + Math.min(2 * probeTimeout, okTimeout)

/** How many refusals make a crash: one may be a socket being opened anew. */
export const refusalsWanted = 2

/** How many direct questions a silent member is asked before it is removed, `probeTimeout` apart. */
export const probeTries = 5

/** How long a tombstone is kept, in ms. */
export const tombstoneFor = (timing: Timing): number => 2 * timing.memberTimeout

/** The most seeds, and the most of those that fell silent, that are looked for by unicast. */
export const maxContacts = 64

/** For how long one that fell silent is looked for by unicast, in ms: a day. */
export const lostFor = 86_400_000

/**
 * About how many servers answer a multicast probe, however large the group, and at most how many are wanted to answer one
 * question for the members.
 */
export const answersWanted = 50

/** About how many of those that are asking themselves answer such a probe: they have still to say again that they are there. */
export const answersOfAskers = 8

/** A message to the whole group may be lost if it is said only once: the gaps, in ms, after which it is said again. */
export const gaps = {
  probe: [50, 100],
  coordinator: [50, 150],
  steppingDown: [50],
  leaving: [20],
  // The first gap is over before a server that leaves has left.
  release: [20, 60, 120]
} as const

/** The shortest time between two notices to one server, in ms. */
export const leaderNoticeInterval = 100

/**
 * How often a server goes beyond an incarnation that it hears under its own id and address. Earlier starts are few and say
 * nothing more; a server that is ahead of us a fourth time lives, and is a duplicate.
 */
export const maxRaises = 3
