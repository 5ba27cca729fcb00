/**
 * A group as an observer sees it, which is no member: all that it knows, and what an app is shown of that. `Learning` says how it comes to
 * know it.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Ranked from "../protocol/membership/Ranked.ts"
import type * as Event from "../protocol/model/Event.ts"
import * as Member from "../protocol/model/Member.ts"
import type * as Reign from "../protocol/model/Reign.ts"
import * as ObservedElection from "./ObservedElection.ts"
import * as ObservedMember from "./ObservedMember.ts"

/** The times of an instant, as a server's steps have them. */
export interface Now {
  readonly monotonic: number
  readonly wall: number
}

/** A start that is gone, since when, and whether it said so. */
interface Gone {
  readonly incarnation: number
  readonly digest: number
  readonly at: number
  readonly left: boolean
}

/**
 * All that is known. `answeredBy` is the server whose list came last, and `answeredAt` when; `heardAt` is when anything was heard.
 * `digest` is that of the members, as servers say it of theirs. `confirmedAt` is when a server last saw these very members, and
 * `differsAt` since when one sees others, null where none does. `version` rises with each change of what an app is shown.
 */
export interface Observation {
  readonly version: number
  readonly members: HashMap.HashMap<string, ObservedMember.ObservedMember>
  readonly digest: number
  readonly confirmedAt: number
  readonly differsAt: number | null
  readonly elections: ReadonlyMap<string, ObservedElection.ObservedElection>
  /** The starts that are gone, by id: nothing that is still under way brings them back. */
  readonly gone: ReadonlyMap<string, Gone>
  readonly heardAt: number
  readonly answeredAt: number
  readonly answeredBy: string | null
  /** Something shows that the members may soon be others than are known: who is in a hurry asks. */
  readonly isDoubtful: boolean
}

/** Nothing is known. */
export const make = ({ monotonic }: Now): Observation => ({
  version: 0,
  members: HashMap.empty(),
  digest: 0,
  confirmedAt: -Infinity,
  differsAt: null,
  elections: new Map([["", ObservedElection.make(monotonic)]]),
  gone: new Map(),
  heardAt: -Infinity,
  answeredAt: -Infinity,
  answeredBy: null,
  isDoubtful: false
})

/** A member by its id; undefined where it is none. */
export const memberBy = ({ members }: Observation, id: string): ObservedMember.ObservedMember | undefined =>
  Option.getOrUndefined(HashMap.get(members, id))

/** Whether that very start is known. */
export const knows = (observation: Observation, { id, incarnation }: Ranked.Start): boolean =>
  memberBy(observation, id)?.incarnation === incarnation

/** The digest of the same members and one more. */
export const withOne = (digest: number, one: Ranked.Start): number => (digest ^ Ranked.hash(one)) >>> 0

/** A leader of which nothing but its reign is known yet is called by its id. */
export const memberOf = (observation: Observation, leader: Reign.Leader): Member.Member => {
  const known = memberBy(observation, leader.id)
  return known !== undefined && known.incarnation === leader.incarnation
    ? ObservedMember.asMember(known)
    : { ...leader, name: leader.id, hostname: "", tags: {} }
}

/** What of these events is news to people who see the group for the first time: before the first list only who leads. */
export const news = (
  events: ReadonlyArray<Event.Event>,
  { answeredBy }: Pick<Observation, "answeredBy">
): ReadonlyArray<Event.Event> => answeredBy === null ? events.filter(({ event }) => !aboutMembers.has(event)) : events

const aboutMembers: ReadonlySet<Event.Event["event"]> = new Set([
  "MemberJoined",
  "MemberMoved",
  "MemberChanged",
  "MemberRemoved"
])

/** The members, highest rank first. */
export const ranked = ({ members }: Observation): ReadonlyArray<ObservedMember.ObservedMember> =>
  [...HashMap.values(members)].toSorted((a, b) => Member.compareRank(b, a))

/** The same as an app sees them. */
export const membersOf = (observation: Observation): ReadonlyArray<Member.Member> =>
  ranked(observation).map(ObservedMember.asMember)
