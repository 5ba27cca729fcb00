/**
 * What a server knows of its group that has two backends, as a pure function of what each of them tells: nobody is told to come who was
 * there by the other one, nor to go who still is; and who is followed is who leads in both, or alone in one.
 */
import * as Election from "../protocol/model/Election.ts"
import type * as Event from "../protocol/model/Event.ts"
import * as Member from "../protocol/model/Member.ts"
import * as Reign from "../protocol/model/Reign.ts"
import type * as Step from "../protocol/Step.ts"

type LeaderChanged = Extract<Event.Event, { readonly event: "LeaderChanged" }>

/** What one of the two has told so far. */
interface Side {
  readonly members: ReadonlyMap<Member.NodeId, Member.Member>
  /** The newest of each election. */
  readonly leaders: ReadonlyMap<string, LeaderChanged>
}

/** What both have told so far. */
export interface Joined {
  readonly self: Member.Member
  readonly first: Side
  readonly second: Side
  /** The newest of each election that the app was told. */
  readonly told: ReadonlyMap<string, LeaderChanged>
}

/** Which of the two tells something: the one around, or the registry within. */
export type From = "first" | "second"

const sideOf = ({ members }: Step.View): Side => ({
  members: new Map(members.map((member) => [member.id, member])),
  leaders: new Map()
})

/** Before either has told anything. */
export const make = (first: Step.View, second: Step.View): Joined => ({
  self: first.self,
  first: sideOf(first),
  second: sideOf(second),
  told: new Map()
})

/** Who leads, of whom each of the two says so. Who is in both leads in both or not at all, and who leads in the registry leads. */
export const followed = <A extends { readonly leader: { readonly id: Member.NodeId } }>(
  first: A | null,
  second: A | null,
  isInBoth: (id: Member.NodeId) => boolean
): A | null => second ?? (first === null || isInBoth(first.leader.id) ? null : first)

/** What the app sees of the group. */
export const view = ({ first, second, self, told }: Joined): Step.View => {
  const newest = told.get(Election.ofGroup)
  const others = new Map([...second.members, ...first.members])
  others.delete(self.id)
  return {
    self,
    members: [self, ...others.values()].sort((one, other) => Member.compareRank(other, one)),
    reign: newest === undefined || newest.leader === null ? null : Reign.make(newest.term, newest.leader),
    term: newest?.term ?? 0
  }
}

/** Whether two show the same, so that the view need not be made and told anew. */
export const showsSame = (before: Joined, after: Joined): boolean =>
  before.self === after.self && before.told === after.told
  && before.first.members === after.first.members && before.second.members === after.second.members

/** One of the two has told something; what the app is told. */
export const tell = (
  joined: Joined,
  from: From,
  event: Event.Event
): readonly [Joined, ReadonlyArray<Event.Event>] => {
  const after = { ...joined, [from]: apply(joined[from], event) }
  const isOfSelf = from === "first" && event.event === "MemberChanged" && event.after.id === joined.self.id
  const known: Joined = isOfSelf ? { ...after, self: event.after } : after
  const said = isNews(joined, from, event) ? [event] : []
  const [told, changes] = changesOf(known, event.at)
  return [{ ...known, told }, [...said, ...changes]]
}

const apply = (side: Side, event: Event.Event): Side => {
  switch (event.event) {
    case "MemberJoined":
      return { ...side, members: new Map(side.members).set(event.member.id, event.member) }
    case "MemberChanged":
      return { ...side, members: new Map(side.members).set(event.after.id, event.after) }
    case "MemberRemoved": {
      const members = new Map(side.members)
      members.delete(event.member.id)
      return { ...side, members }
    }
    case "LeaderChanged":
      return { ...side, leaders: new Map(side.leaders).set(event.election, event) }
    default:
      return side
  }
}

const isNews = (joined: Joined, from: From, event: Event.Event): boolean => {
  const isKnownToOther = (id: Member.NodeId) => joined[from === "first" ? "second" : "first"].members.has(id)
  switch (event.event) {
    case "MemberJoined":
    case "MemberRemoved":
      return !isKnownToOther(event.member.id)
    case "MemberChanged":
      return from === "first" || !isKnownToOther(event.after.id)
    // It is one server, which starts and leaves once.
    case "Started":
    case "Left":
      return from === "first"
    case "LeaderChanged":
      return false
    default:
      return true
  }
}

const led = (change: LeaderChanged | undefined) =>
  change === undefined || change.leader === null ? null : { leader: change.leader, change }

/** Who leads each election now, and which of that is news. */
const changesOf = (
  { first, second, told }: Joined,
  at: number
): readonly [ReadonlyMap<string, LeaderChanged>, ReadonlyArray<LeaderChanged>] => {
  const changes: Array<LeaderChanged> = []
  let newest = told
  for (const election of new Set([...first.leaders.keys(), ...second.leaders.keys()])) {
    const [one, other] = [first.leaders.get(election), second.leaders.get(election)]
    const now = followed(led(one), led(other), (id) => second.members.has(id))
    const before = told.get(election)
    const change = now?.change ?? vacancyOf(one, other, before)
    const isSame = change === undefined || (before !== undefined && isSameLead(before, change))
    if (isSame) continue
    const event = { ...change, at }
    newest = new Map(newest).set(election, event)
    changes.push(event)
  }
  return [newest, changes]
}

const isSameLead = (before: LeaderChanged, after: LeaderChanged): boolean =>
  before.leader?.id === after.leader?.id && (after.leader === null || before.term === after.term)

/** That nobody leads, by who told that of the one that led; nothing where nobody was said to lead. */
const vacancyOf = (
  one: LeaderChanged | undefined,
  other: LeaderChanged | undefined,
  before: LeaderChanged | undefined
): LeaderChanged | undefined => {
  if (before === undefined || before.leader === null) return undefined
  const said = [other, one].find((change) => change !== undefined && change.leader === null)
  return said ?? { ...before, leader: null, from: Reign.make(before.term, before.leader).leader, cause: "Superseded" }
}
