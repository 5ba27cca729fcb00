/**
 * What follows at once from observations, as findings and whoever waits for them ask it. Pure.
 */
import type { Interface, Observations, Server } from "./Observations.ts"

/**
 * How many questions must go by unanswered: the first probes go out within 1.5 s, and as many lost by chance are one in a thousand
 * where a tenth of all is lost.
 */
export const probesWanted = 3

/** For so long, in ms, nothing came of what did at first, before that is said. */
export const fadedAfter = 12_000

/** The time between two of its heartbeats, in ms. */
export const intervalOf = (seen: Observations, { interval }: Server): number => interval ?? seen.heartbeatInterval

/** Servers that are heard and answer nothing. */
export const muteOf = (seen: Observations): ReadonlyArray<Server> =>
  seen.servers.filter(({ answered, asked, multicast }) =>
    multicast !== null && answered === null && asked >= probesWanted
  )

/** Whether all of several hosts are heard, and none answers. */
export const isMute = (seen: Observations): boolean => {
  const others = seen.servers.filter(({ local }) => !local)
  const hosts = new Set(others.map(({ ip }) => ip))
  return hosts.size > 1 && seen.questions.lastAnswer === null && muteOf(seen).length === others.length
    && seen.servers.every(({ answered, local }) => local || answered === null) &&
    !others.every(({ alone }) => alone === true)
}

/** Whether a server hears nobody: it says so, others are there, and it answers nothing. */
export const isDeaf = (seen: Observations, one: Server): boolean =>
  one.alone === true && muteOf(seen).includes(one)
  && seen.servers.some((other) => other !== one && other.answered !== null)

/** The interfaces that a server would use. */
export const chosenOf = (seen: Observations) => seen.interfaces.filter(({ chosen }) => chosen)

/** Those of them whose sockets are open. */
export const openOf = (seen: Observations) => chosenOf(seen).filter(({ refusal }) => refusal === null)

/** Whether other hosts can be reached. */
export const isOnNetwork = (seen: Observations) => openOf(seen).some(({ internal }) => !internal)

/** The group's port cannot be had, so that nothing is heard; a server tries again until it can. */
export const isTaken = (seen: Observations) =>
  [...chosenOf(seen).map(({ refusal }) => refusal), ...seen.refusals].some((refusal) =>
    refusal?.during === "open" && refusal.kind === "AddressInUse"
  ) && openOf(seen).every(({ echoed }) => echoed === 0)

/** What servers say of the lead, the newest term first, each at the time when it was first said. */
export const leaderships = ({ servers }: Observations) =>
  servers.flatMap(({ follows }) => follows === null ? [] : [follows])
    .toSorted((one, other) => other.term - one.term || one.since - other.since)

/** Who leads, by the newest word of it, where it is known itself. */
export const leaderOf = (seen: Observations): Server | undefined => {
  const [newest] = leaderships(seen)
  return seen.servers.find(({ id }) => id === newest?.leader)
}

/**
 * The leader answers what is asked of it alone, but nobody what all are asked: the leader, whoever it is, answers that. A
 * question that has just gone out may still be answered.
 */
export const isUnheard = (seen: Observations): boolean => {
  const { answeredBy, unanswered } = seen.questions
  const isThere = (leaderOf(seen)?.answered ?? null) !== null
  return seen.multicast && isThere && (answeredBy.length === 0 || unanswered >= probesWanted)
}

/** Whether nothing that was multicast out of it came back. */
export const isLost = ({ echoed, sent }: Interface) => sent >= probesWanted && echoed === 0

/** Whether nobody would be in a list of members, but for one server itself. */
export const isLonely = ({ servers }: Observations): boolean =>
  servers.filter(({ answered, multicast }) => answered !== null || multicast !== null).length < 2
