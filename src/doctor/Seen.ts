/**
 * What several findings need to know of observations: which interfaces are used, whether the port can be had, who leads.
 */
import { formatAddress } from "../protocol/model/Member.ts"
import type { Finding } from "./Finding.ts"
import type { Interface, Observations, Server } from "./Observations.ts"

/** From all that was seen, what is found of one matter. */
export type Rule = (seen: Observations) => ReadonlyArray<Finding>

/**
 * How many unanswered questions are evidence. That many go out within 1.5 s. Where a tenth of all datagrams is lost, that
 * many are lost by chance once in a thousand times.
 */
export const probesWanted = 3

/** A server in a sentence. */
export const server = ({ ip, name, port }: Server): string => `${name} (${formatAddress({ ip, port })})`

/** The time between two of its heartbeats, in ms. */
export const intervalOf = (seen: Observations, { interval }: Server): number => interval ?? seen.heartbeatInterval

/** An interface in a sentence. */
export const interfaceName = ({ address, name }: Interface) => `${name} (${address})`

export const chosenOf = (seen: Observations) => seen.interfaces.filter(({ chosen }) => chosen)
export const openOf = (seen: Observations) => chosenOf(seen).filter(({ refusal }) => refusal === null)
export const isOnNetwork = (seen: Observations) => openOf(seen).some(({ internal }) => !internal)

/** Whether another socket holds the group's port, so that nothing is heard. A server tries again until it is free. */
export const isTaken = (seen: Observations) =>
  [...chosenOf(seen).map(({ refusal }) => refusal), ...seen.refusals].some((refusal) =>
    refusal?.during === "open" && refusal.kind === "AddressInUse"
  ) && openOf(seen).every(({ echoed }) => echoed === 0)

/** The leaders that servers follow, the newest term first, each with the time when it was first named. */
export const leaderships = ({ servers }: Observations) =>
  servers.flatMap(({ follows }) => follows === null ? [] : [follows])
    .toSorted((one, other) => other.term - one.term || one.since - other.since)

export const leaderOf = (seen: Observations): Server | undefined => {
  const [newest] = leaderships(seen)
  return seen.servers.find(({ id }) => id === newest?.leader)
}

/**
 * Whether the leader answers by unicast while questions to the group, which it should answer, go unanswered. One that has
 * just gone out does not count yet.
 */
export const isUnheard = (seen: Observations): boolean => {
  const { answeredBy, unanswered } = seen.questions
  const isThere = (leaderOf(seen)?.answered ?? null) !== null
  return seen.multicast && isThere && (answeredBy.length === 0 || unanswered >= probesWanted)
}

/** Whether enough probes went out of an interface, and none came back. */
export const isLost = ({ echoed, sent }: Interface) => sent >= probesWanted && echoed === 0
