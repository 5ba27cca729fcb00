/**
 * When an observer asks, whom, and what the answer says. Pure. Where multicast works the leader's heartbeats tell that nothing
 * has changed, and nobody is asked; else one server is asked now and then, with the digest of the members that are known, and
 * answers with those that are not.
 */
import type { Address } from "../protocol/model/Member.ts"
import type * as ListReading from "../server/ListReading.ts"
import type * as Learning from "./Learning.ts"
import * as Observation from "./Observation.ts"

/**
 * How an observer asks: `every` so many ms where nothing is heard; `inHurry` at each sign that something will change. While nobody
 * answers, its questions come less often, up to `longest`.
 */
export interface Manner {
  readonly multicast: boolean
  readonly every: number
  readonly longest: number
  readonly inHurry: boolean
}

/**
 * The last question: when it was asked, how many pages the answer had, how many in a row came to nothing, and a random share of the
 * time that observers of one group wait before they all ask the same server.
 */
export interface Asked {
  readonly at: number
  readonly pages: number
  readonly inVain: number
  readonly share: number
}

/** The shortest time between two questions, in ms, and so much more for each page of the last list. */
const soonest = 500
const everyPage = 200
/** Within which time, in ms, observers spread the questions that one datagram makes them ask. */
const spread = 200
/** For how many of its intervals the leader's word is good, and for how many ms at least. */
const lasting = { intervals: 3, ms: 2_000 } as const
/**
 * Where nothing is heard, one in so many questions is for the whole list: who answers that it sees the same may have heard that a member
 * says otherwise of itself.
 */
export const wholeEvery = 6

/** The longest time between two questions of one that would hear the group if it came, in ms. */
const longest = 30_000

/** The manner of one with these settings, in ms. Who comes is heard, unless it is no multicast that brings it. */
export const manner = (multicast: boolean, seeds: number, every: number, inHurry: boolean): Manner => ({
  multicast,
  every,
  longest: multicast && seeds === 0 ? longest : Math.max(every, soonest),
  inHurry
})

const slower = (time: number, { inVain }: Asked, { longest }: Manner): number =>
  Math.min(time * 2 ** Math.min(inVain, 6), Math.max(time, longest))

/** For how many ms it holds that a server sees the same members as are known. */
const confirmedFor = (observation: Observation.Observation, { every, multicast }: Manner): number => {
  if (!multicast) return every
  const leader = observation.elections.get("")?.reign?.leader.id
  const interval = leader === undefined ? undefined : Observation.memberBy(observation, leader)?.interval
  return Math.max(lasting.intervals * (interval ?? every), lasting.ms)
}

/** When the next question is due, on the monotonic clock. */
export const dueAt = (observation: Observation.Observation, asked: Asked, manner: Manner): number => {
  const { answeredAt, confirmedAt, differsAt, heardAt, isDoubtful } = observation
  const next = asked.at + soonest
  if (answeredAt === -Infinity) return heardAt > asked.at ? next : asked.at + slower(soonest, asked, manner)
  if (manner.inHurry && isDoubtful) return next + asked.pages * everyPage
  if (differsAt === null) {
    return confirmedAt >= asked.at
      ? confirmedAt + confirmedFor(observation, manner)
      : asked.at + Math.max(confirmedFor(observation, manner), slower(soonest, asked, manner))
  }
  return Math.max(differsAt + asked.share * spread, asked.at + slower(soonest + asked.pages * everyPage, asked, manner))
}

/** Where else the group can be asked: `first` is the server that answered last, and `seeds` where they are by now. */
export interface Places {
  readonly multicast: boolean
  readonly seeds: ReadonlyArray<Address>
  readonly first: Address | undefined
}

/** How often the first one is asked before others are. */
const triesOfFirst = 2

/**
 * Whom to ask at the try of that number: at first the leader where multicast works, else who answered last; then others, one by one;
 * where nobody has answered yet, all that are known. Null is the group.
 */
export const placesAt = (
  observation: Observation.Observation,
  { first, multicast, seeds }: Places,
  time: number
): ReadonlyArray<Address | null> => {
  const everywhere = [...multicast ? [null] : [], ...seeds]
  if (observation.answeredBy === null) return everywhere
  const leader = observation.elections.get("")?.reign?.leader
  const preferred = multicast ? leader ?? first : first
  if (time < triesOfFirst && preferred !== undefined) return [addressOf(preferred)]
  const others: ReadonlyArray<Address | null> = [...everywhere, ...Observation.ranked(observation).map(addressOf)]
  const next = others[(time - triesOfFirst) % others.length]
  return next === undefined ? [] : [next]
}

const addressOf = ({ ip, port }: Address): Address => ({ ip, port })

/**
 * What a whole answer says to a question that was asked with that digest, or without; null where it names a member and not what an app
 * is shown of it: older servers leave that out where only one is missing.
 */
export const answerOf = (
  reading: ListReading.Reading,
  askedAt: number,
  digest: number | undefined,
  observation: Observation.Observation
): Learning.Answered | null => {
  const { by, leader, lines, of, term, view } = reading
  const members = [...lines.values()]
  const answer = { by, leader, term, askedAt, members }
  const [only, ...others] = members
  const isShort = digest !== undefined && view === undefined && of === 1 && others.length === 0
  if (!isShort) return { ...answer, isAll: true, view }
  // A server's whole list has at least itself.
  if (only === undefined) return { ...answer, isAll: false, view: digest }
  // The list of an older one that sees nobody but itself.
  if (Observation.knows(observation, only)) return { ...answer, isAll: true, view: undefined }
  return only.hostname === undefined ? null : { ...answer, isAll: false, view: Observation.withOne(digest, only) }
}
