/** A group as an observer sees it, for the view: pure, from what it knows to what is shown. */
import * as Observation from "../../client/Observation.ts"
import type * as ObservedElection from "../../client/ObservedElection.ts"
import * as ObservedMember from "../../client/ObservedMember.ts"
import type * as Event from "../../protocol/model/Event.ts"
import * as Member from "../../protocol/model/Member.ts"
import * as EventText from "../EventText.ts"
import * as Text from "../Text.ts"
import type * as Seen from "./Seen.ts"

/** After so many ms in which nothing is heard, what is seen is not current. */
const quietFor = 12_000

const memberOf = (
  { answeredBy, confirmedAt }: Observation.Observation,
  { heardAt, toldAt, via, ...member }: ObservedMember.ObservedMember,
  monotonic: number
): Seen.SeenMember => {
  // Of one that was never heard itself, it is known by the word of another.
  const heard = heardAt >= toldAt
    ? { ago: Math.round(monotonic - heardAt), via }
    : {
      ago: Math.round(monotonic - ObservedMember.lastSign({ confirmedAt }, { heardAt, toldAt })),
      ...(heardAt === -Infinity ? {} : { via })
    }
  return { ...member, heard: heardAt === -Infinity && answeredBy === null ? undefined : heard }
}

const electionOf = (
  name: string,
  { last, reign, renewed }: ObservedElection.ObservedElection,
  monotonic: number
): Seen.SeenElection => ({
  name,
  reign,
  term: last?.term ?? 0,
  renewed: renewed === null
    ? undefined
    : { ago: Math.round(monotonic - renewed.at), duration: renewed.duration }
})

/** What an observer sees. */
export const of = (
  observation: Observation.Observation,
  { monotonic, wall }: Observation.Now,
  how: Pick<Seen.Seen, "group" | "where">
): Seen.Seen => ({
  ...how,
  at: wall,
  self: null,
  isOwn: false,
  members: Observation.ranked(observation).map((member) => memberOf(observation, member, monotonic)),
  elections: [...observation.elections]
    .toSorted(([a], [b]) => a < b ? -1 : 1)
    .map(([name, election]) => electionOf(name, election, monotonic))
})

/** An event in words. Of a member that a list has left out, an observer knows no more than that. */
export const describe = (event: Event.Event, observation: Observation.Observation): string => {
  if (event.event !== "MemberRemoved" || event.reason._tag !== "Silent") return EventText.describe(event)
  const { ip, name, port } = event.member
  const { answeredBy } = observation
  const by = answeredBy === null ? undefined : Observation.memberBy(observation, answeredBy)?.name
  return Text.clean(
    `${name} (${Member.formatAddress({ ip, port })}) is gone: silent for ${Text.age(event.reason.for)}, and ${
      by ?? "the group"
    } lists it no more`
  )
}

/** Since when nothing has been heard, in Unix ms, where that is too long; else null. */
export const quietSince = (
  { heardAt }: Observation.Observation,
  { monotonic, wall }: Observation.Now
): number | null => monotonic - heardAt < quietFor || heardAt === -Infinity ? null : wall - (monotonic - heardAt)
