/**
 * A group as an observer sees it, which is no member: a fold over what is heard of it and what its servers answer. Pure. An
 * observer judges nobody by silence of its own: a member is gone when it says so, when another start of it is heard, or
 * when a server that saw it leaves it out. Who asks, and when, is decided in `Asking`.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Description from "../protocol/membership/Description.ts"
import * as Membership from "../protocol/membership/Membership.ts"
import * as Ranked from "../protocol/membership/Ranked.ts"
import * as Event from "../protocol/model/Event.ts"
import * as Member from "../protocol/model/Member.ts"
import * as Message from "../protocol/model/Message.ts"
import type * as Reign from "../protocol/model/Reign.ts"
import * as Zone from "../protocol/model/Zone.ts"
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

/**
 * What a server answered to a question that was asked at `askedAt`: its whole list (`isAll`), or only the lines that the asker
 * misses. `view` is the digest of the members that it sees, undefined where it did not tell.
 */
export interface Answered {
  readonly by: string
  readonly isAll: boolean
  readonly view: number | undefined
  readonly members: ReadonlyArray<Message.Listed>
  readonly leader: Reign.Leader | null
  readonly term: number
  readonly askedAt: number
}

/** An observation after something, and the events that came of it. */
export type Result = readonly [observation: Observation, events: ReadonlyArray<Event.Event>]

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

/** How many members, elections and gone ones are kept at most: any host that can send to a group without a key could make up more. */
const limits = { members: 4_096, elections: 64, gone: 1_024 } as const

/** For how long, in ms, a leader may not have heard yet who has just joined or left. */
const settling = 1_000

/** How long something that is still under way may name a start that is gone, in ms. */
const remembered = 60_000

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

/** Who changes an observation step by step, and notes the events. */
class Step {
  readonly events: Array<Event.Event> = []
  now: Observation
  readonly #time: Now

  constructor(before: Observation, time: Now) {
    this.now = before
    this.#time = time
  }

  set(change: Partial<Observation>): void {
    this.now = { ...this.now, ...change }
  }

  tell(event: Event.Event): void {
    this.events.push(event)
  }

  put(member: ObservedMember.ObservedMember): void {
    const before = memberBy(this.now, member.id)
    const { digest, members, version } = this.now
    const isSame = before !== undefined && ObservedMember.looksSame(before, member)
    this.set({
      members: HashMap.set(members, member.id, member),
      version: isSame ? version : version + 1,
      digest: before === undefined ? withOne(digest, member) : digest
    })
  }

  /** Whether a start is gone for good, by its own word. */
  isGone({ id, incarnation }: { readonly id: string; readonly incarnation: number }): boolean {
    const gone = this.now.gone.get(id)
    if (gone === undefined || this.#time.monotonic - gone.at > remembered) return false
    return incarnation < gone.incarnation || (incarnation === gone.incarnation && gone.left)
  }

  remove(id: string, reason: Event.Reason): void {
    const member = memberBy(this.now, id)
    if (member === undefined) return
    const members = HashMap.remove(this.now.members, id)
    const gone = new Map(this.now.gone)
    gone.delete(id)
    const one = Ranked.hash(member)
    const { incarnation } = member
    gone.set(id, { incarnation, digest: one, at: this.#time.monotonic, left: reason._tag === "Left" })
    const [oldest] = gone.keys()
    if (gone.size > limits.gone && oldest !== undefined) gone.delete(oldest)
    const digest = (this.now.digest ^ one) >>> 0
    this.set({ members, gone, digest, version: this.now.version + 1 })
    this.tell({ at: this.#time.wall, event: "MemberRemoved", member: ObservedMember.asMember(member), reason })
    const cause = reason._tag === "Evicted" ? "Silent" : reason._tag
    for (const [name, election] of this.now.elections) {
      const about = this.#about(name, ObservedMember.lastSign(this.now, member))
      this.#elected(name, ObservedElection.ended(election, id, cause, about))
    }
  }

  /** Somebody sees this member no more. */
  leftOut(member: ObservedMember.ObservedMember): void {
    const silent = Math.max(0, Math.round(this.#time.monotonic - ObservedMember.lastSign(this.now, member)))
    this.remove(member.id, { _tag: "Silent", for: silent, lastHeardOn: member.via, ownLag: 0 })
  }

  /** A server says at that instant whom it sees. */
  sees(view: number, at: number): void {
    if (view === this.now.digest) this.set({ confirmedAt: Math.max(this.now.confirmedAt, at), differsAt: null })
    else this.set({ differsAt: this.now.differsAt ?? this.#time.monotonic })
  }

  /** Whether that is the digest of a start that has just left, or was just replaced. */
  hasJustGone(digest: number): boolean {
    for (const gone of this.now.gone.values()) {
      if (gone.digest === digest && this.#time.monotonic - gone.at < settling) return true
    }
    return false
  }

  /** The election of a name; undefined where there are too many. */
  #election(name: string): ObservedElection.ObservedElection | undefined {
    const { elections } = this.now
    return elections.get(name)
      ?? (elections.size < limits.elections ? ObservedElection.make(this.#time.monotonic) : undefined)
  }

  #about(name: string, leaderHeardAt?: number): ObservedElection.About {
    const leader = this.now.elections.get(name)?.reign?.leader.id
    const member = leader === undefined ? undefined : memberBy(this.now, leader)
    const { monotonic } = this.#time
    const heard = member === undefined ? monotonic : ObservedMember.lastSign(this.now, member)
    return { name, monotonic, leaderHeardAt: leaderHeardAt ?? heard, leaderPriority: member?.priority }
  }

  #elected(name: string, [election, change]: ObservedElection.Result): void {
    if (election === this.now.elections.get(name)) return
    this.set({ elections: new Map(this.now.elections).set(name, election) })
    if (change === null) return
    this.set({ version: this.now.version + 1 })
    const { reign, ...rest } = change
    const leader = reign === null ? null : memberOf(this.now, reign.leader)
    this.tell({ at: this.#time.wall, event: "LeaderChanged", election: name, ...rest, leader })
  }

  named(name: string, reign: Reign.Reign, byLeader: boolean, said?: Event.Cause): void {
    const election = this.#election(name)
    if (election === undefined) return
    this.#elected(name, ObservedElection.named(election, reign, byLeader, said, this.#about(name)))
  }

  ended(name: string, id: string, cause: Event.Cause): void {
    const election = this.now.elections.get(name)
    if (election !== undefined) this.#elected(name, ObservedElection.ended(election, id, cause, this.#about(name)))
  }

  renewed(name: string, id: string, duration: number): void {
    const election = this.now.elections.get(name)
    if (election?.reign?.leader.id !== id) return
    this.#elected(name, [{ ...election, renewed: { at: this.#time.monotonic, duration } }, null])
  }
}

/** A member says something: it is there, at the address that it announces. */
const heardMember = (
  step: Step,
  message: Message.FromServer,
  from: Member.Address,
  via: "multicast" | "unicast",
  time: Now
) => {
  const sender = Zone.announced(message.sender, from)
  const known = memberBy(step.now, sender.id)
  if (known !== undefined && known.incarnation < sender.incarnation) {
    step.remove(sender.id, { _tag: "Replaced", by: sender.incarnation })
  }
  const before = memberBy(step.now, sender.id)
  if (before === undefined && HashMap.size(step.now.members) >= limits.members) return
  const gone = step.now.gone.get(sender.id)
  const alive = message.type === "SERVER_ALIVE" ? message : undefined
  const view = "view" in message ? message.view : undefined
  // What it said of itself before it changed that, and comes late.
  const isStale = before !== undefined && Description.isNewer(before, sender)
  step.put({
    ...before,
    ...sender,
    ...isStale ? ObservedMember.descriptionOf(before) : {},
    votesIn: alive === undefined ? before?.votesIn : alive.silent,
    heardAt: time.monotonic,
    toldAt: before?.toldAt ?? -Infinity,
    via,
    follows: "election" in message && message.election !== "" ? before?.follows : message.leader?.id ?? null,
    interval: alive?.interval ?? before?.interval,
    view: view ?? before?.view,
    since: before?.since ?? time.monotonic,
    disputed: before?.disputed ?? gone?.incarnation === sender.incarnation
  })
  if (before === undefined) {
    step.tell({ at: time.wall, event: "MemberJoined", member: { ...sender }, via: Membership.joinedVia(message.type) })
  } else if (Member.formatAddress(before) !== Member.formatAddress(sender)) {
    step.tell({ at: time.wall, event: "MemberMoved", member: { ...sender }, from: Member.formatAddress(before) })
  }
  if (before !== undefined) tellChange(step, before, time)
  // It sees other members than before: one of them may have crashed.
  if (before === undefined || (view !== undefined && before.view !== undefined && view !== before.view)) {
    step.set({ isDoubtful: true })
  }
}

/** Tells that a member says otherwise of itself than before. Of a list without details nobody knows the tags. */
const tellChange = (step: Step, before: ObservedMember.ObservedMember, time: Now): void => {
  const after = memberBy(step.now, before.id)
  if (after === undefined || !Description.isNewer(after, before)) return
  step.tell({
    at: time.wall,
    event: "MemberChanged",
    before: ObservedMember.asMember(before),
    after: ObservedMember.asMember(after)
  })
}

/** A message of a server was heard. */
const heardServer = (
  step: Step,
  message: Message.FromServer,
  from: Member.Address,
  via: "multicast" | "unicast",
  time: Now
) => {
  const { sender } = message
  if (step.isGone(sender)) return
  const known = memberBy(step.now, sender.id)
  // Said by its former start, and late.
  if (known !== undefined && sender.incarnation < known.incarnation) return
  if (message.type === "SERVER_LEAVING") return step.remove(sender.id, { _tag: "Left" })
  heardMember(step, message, from, via, time)
  const name = "election" in message ? message.election : ""
  if (message.type === "STEPPING_DOWN") return step.ended(name, sender.id, Event.causeOf(message.cause))
  const reign = Message.reignOf(message)
  const said = message.type === "COORDINATOR" && message.cause !== undefined
    ? Event.causeOf(message.cause)
    : undefined
  if (reign !== null) step.named(name, reign, reign.leader.id === sender.id, said)
  if (message.type === "BEAT") step.renewed(name, sender.id, message.lease.duration)
  // Somebody sees a server die: the leader says soon whom it sees.
  if (message.type === "CRASHED") step.set({ isDoubtful: true })
  if ("view" in message && message.view !== undefined) heardView(step, message.view, sender.id, time)
}

/**
 * A server says whom it sees. Where that is who is known here, nobody need be asked. Against it only the leader's word counts, as
 * others may miss somebody.
 */
const heardView = (step: Step, view: number, by: string, { monotonic }: Now) => {
  const { confirmedAt, digest, elections, members } = step.now
  const difference = (view ^ digest) >>> 0
  const leader = elections.get("")?.reign?.leader.id
  if (difference === 0 || (leader !== undefined && leader !== by)) {
    return difference === 0 ? step.sees(view, monotonic) : undefined
  }
  // It has not heard yet what was heard here.
  if (step.hasJustGone(difference)) return
  for (const member of HashMap.values(members)) {
    if (Ranked.hash(member) !== difference) continue
    if (monotonic - member.since < settling) return
    if (member.since >= confirmedAt || !ObservedMember.mayBeMissing(member, monotonic)) break
    // All others are as they were: this one is gone.
    step.set({ answeredBy: by })
    step.leftOut(member)
    break
  }
  step.sees(view, monotonic)
}

/** A message was heard. */
export const heard = (
  before: Observation,
  message: Message.Message,
  from: Member.Address,
  via: "multicast" | "unicast",
  time: Now
): Result => {
  // Who else asks, as this observer itself does, shows nothing of the group.
  if (!("sender" in message)) return [before, []]
  const step = new Step({ ...before, heardAt: time.monotonic }, time)
  const leader = step.now.elections.get("")?.reign
  heardServer(step, message, from, via, time)
  if (step.now.elections.get("")?.reign !== leader) step.set({ isDoubtful: true })
  return [step.now, step.events]
}

/** A line of a list: a member by the word of another. */
const told = (step: Step, line: Message.Listed, time: Now) => {
  if (step.isGone(line)) return
  const { heard, ...listed } = line
  const known = memberBy(step.now, line.id)
  if (known !== undefined && known.incarnation > line.incarnation) return
  if (known !== undefined && known.incarnation < line.incarnation) {
    step.remove(line.id, { _tag: "Replaced", by: line.incarnation })
  }
  const before = memberBy(step.now, line.id)
  const gone = step.now.gone.get(line.id)
  const toldAt = time.monotonic - heard
  // Another, which still has it, may answer after the one that has left it out.
  if (before === undefined && gone?.incarnation === line.incarnation && toldAt <= gone.at) return
  if (before === undefined && HashMap.size(step.now.members) >= limits.members) return
  // The list may be of a server that has not heard of a change.
  const description = before !== undefined && Description.isNewer(before, line)
    ? ObservedMember.descriptionOf(before)
    : ObservedMember.descriptionOf({ ...line, tags: line.tags ?? before?.tags })
  step.put({
    heardAt: -Infinity,
    via: "unicast",
    follows: undefined,
    interval: undefined,
    view: undefined,
    since: time.monotonic,
    disputed: false,
    ...listed,
    // What it says of itself counts for more.
    ...(before === undefined || before.heardAt === -Infinity ? {} : before),
    ...description,
    hostname: listed.hostname ?? before?.hostname,
    votesIn: listed.votesIn,
    toldAt
  })
  if (before === undefined) {
    const member = memberBy(step.now, line.id)
    if (member !== undefined) {
      step.tell({ at: time.wall, event: "MemberJoined", member: ObservedMember.asMember(member), via: "message" })
    }
  } else tellChange(step, before, time)
}

/** A server has answered. */
export const answered = (before: Observation, answer: Answered, time: Now): Result => {
  const step = new Step({ ...before, heardAt: time.monotonic, isDoubtful: false }, time)
  for (const line of answer.members) told(step, line, time)
  if (answer.isAll) {
    const listed = new Set<string>(answer.members.map(({ id }) => id))
    for (const member of HashMap.values(step.now.members)) {
      if (!listed.has(member.id) && ObservedMember.mayBeMissing(member, answer.askedAt)) step.leftOut(member)
    }
  }
  if (answer.leader !== null) {
    step.named("", { term: answer.term, leader: answer.leader }, answer.leader.id === answer.by)
  } else {
    // Nobody leads by the word of one that knew the reign.
    const reign = step.now.elections.get("")?.reign
    if (reign !== undefined && reign !== null && answer.term >= reign.term) step.ended("", reign.leader.id, "Resigned")
  }
  step.set({ answeredAt: time.monotonic, answeredBy: answer.by })
  step.sees(answer.view ?? step.now.digest, answer.askedAt)
  return [step.now, step.events]
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
