/**
 * A group as an observer sees it, which is no member: a fold over what is heard of it and what its servers answer. Pure. An
 * observer judges nobody by silence of its own: a member is gone when it says so, when another start of it is heard, or
 * when a server whose list it was on leaves it out.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Description from "../protocol/membership/Description.ts"
import * as Membership from "../protocol/membership/Membership.ts"
import * as Event from "../protocol/model/Event.ts"
import * as Member from "../protocol/model/Member.ts"
import * as Message from "../protocol/model/Message.ts"
import type * as Reign from "../protocol/model/Reign.ts"
import * as Zone from "../protocol/model/Zone.ts"
import * as ObservedElection from "./ObservedElection.ts"

/** The times of an instant, as a server's steps have them. */
export interface Now {
  readonly monotonic: number
  readonly wall: number
}

/**
 * A member. `hostname` and `tags` are undefined while nobody has told them. `heardAt` is when it was heard itself, `toldAt` when
 * it was heard by the word of a list, -Infinity where never; `via` is how it was heard. `follows` is the leader that it named
 * last, `interval` its heartbeat's, in ms.
 */
export interface ObservedMember extends Omit<Message.Listed, "heard" | "hostname" | "tags" | "votesIn"> {
  readonly hostname: string | undefined
  readonly tags: Member.Member["tags"] | undefined
  readonly votesIn: number | undefined
  readonly heardAt: number
  readonly toldAt: number
  readonly via: "multicast" | "unicast"
  readonly follows: string | null | undefined
  readonly interval: number | undefined
  readonly view: number | undefined
  /** It was heard again after a list had left it out: no list does so again. */
  readonly disputed: boolean
}

/** All that is known. `answeredBy` is the server whose list came last, and `answeredAt` when; `heardAt` is when anything was heard. */
export interface Observation {
  readonly members: HashMap.HashMap<string, ObservedMember>
  readonly elections: ReadonlyMap<string, ObservedElection.ObservedElection>
  /** The starts that are gone, by id: nothing that is still under way brings them back. */
  readonly gone: ReadonlyMap<string, { readonly incarnation: number; readonly at: number; readonly left: boolean }>
  readonly heardAt: number
  readonly answeredAt: number
  readonly answeredBy: string | null
  /** Something shows that the members may be others than are known: a list should be asked for. */
  readonly isDoubtful: boolean
}

/** A list as a server answered it: asked for at `askedAt`, whole or not. */
export interface Answered {
  readonly by: string
  readonly members: ReadonlyArray<Message.Listed>
  readonly leader: Reign.Leader | null
  readonly term: number
  readonly askedAt: number
}

/** An observation after something, and the events that came of it. */
export type Result = readonly [observation: Observation, events: ReadonlyArray<Event.Event>]

/** Nothing is known. */
export const make = ({ monotonic }: Now): Observation => ({
  members: HashMap.empty(),
  elections: new Map([["", ObservedElection.make(monotonic)]]),
  gone: new Map(),
  heardAt: -Infinity,
  answeredAt: -Infinity,
  answeredBy: null,
  isDoubtful: false
})

/** How many members, elections and gone ones are kept at most: any host that can send to a group without a key could make up more. */
const limits = { members: 4_096, elections: 64, gone: 1_024 } as const

/** How long before the question a member must have been heard to be missing in the answer: datagrams pass each other. */
const margin = 100

/** How long something that is still under way may name a start that is gone, in ms. */
const remembered = 60_000

const asMember = (
  { hostname = "", id, incarnation, ip, name, port, priority, revision, tags = {} }: ObservedMember
): Member.Member => ({
  id,
  ip,
  port,
  hostname,
  name,
  priority,
  incarnation,
  ...(revision === undefined ? {} : { revision }),
  tags
})

/** A member by its id; undefined where it is none. */
export const memberBy = ({ members }: Observation, id: string): ObservedMember | undefined =>
  Option.getOrUndefined(HashMap.get(members, id))

/** A leader of which nothing but its reign is known yet is called by its id. */
const memberOf = (observation: Observation, leader: Reign.Leader): Member.Member => {
  const known = memberBy(observation, leader.id)
  return known !== undefined && known.incarnation === leader.incarnation
    ? asMember(known)
    : { ...leader, name: leader.id, hostname: "", tags: {} }
}

/** When a member was last heard or heard of. */
export const lastSign = ({ heardAt, toldAt }: ObservedMember): number => Math.max(heardAt, toldAt)

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

  /** Before the first list all are news. */
  tell(event: Event.Event): void {
    if (this.now.answeredBy !== null || event.event === "LeaderChanged") this.events.push(event)
  }

  put(member: ObservedMember): void {
    this.set({ members: HashMap.set(this.now.members, member.id, member) })
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
    const entry = { incarnation: member.incarnation, at: this.#time.monotonic, left: reason._tag === "Left" }
    const gone = new Map(this.now.gone)
    gone.delete(id)
    gone.set(id, entry)
    const [oldest] = gone.keys()
    if (gone.size > limits.gone && oldest !== undefined) gone.delete(oldest)
    this.set({ members, gone })
    this.tell({ at: this.#time.wall, event: "MemberRemoved", member: asMember(member), reason })
    const cause = reason._tag === "Evicted" ? "Silent" : reason._tag
    for (const [name, election] of this.now.elections) {
      this.#elected(name, ObservedElection.ended(election, id, cause, this.#about(name, lastSign(member))))
    }
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
    return {
      name,
      monotonic,
      leaderHeardAt: leaderHeardAt ?? (member === undefined ? monotonic : lastSign(member)),
      leaderPriority: member?.priority
    }
  }

  #elected(name: string, [election, change]: ObservedElection.Result): void {
    if (election === this.now.elections.get(name)) return
    this.set({ elections: new Map(this.now.elections).set(name, election) })
    if (change === null) return
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
    ...isStale ? descriptionOf(before) : {},
    votesIn: alive === undefined ? before?.votesIn : alive.silent,
    heardAt: time.monotonic,
    toldAt: before?.toldAt ?? -Infinity,
    via,
    follows: "election" in message && message.election !== "" ? before?.follows : message.leader?.id ?? null,
    interval: alive?.interval ?? before?.interval,
    view: view ?? before?.view,
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

const descriptionOf = ({ priority, revision, tags }: Pick<ObservedMember, "priority" | "revision" | "tags">) => ({
  priority,
  tags,
  ...(revision === undefined ? {} : { revision })
})

/** Tells that a member says otherwise of itself than before. Of a list without details nobody knows the tags. */
const tellChange = (step: Step, before: ObservedMember, time: Now): void => {
  const after = memberBy(step.now, before.id)
  if (after === undefined || !Description.isNewer(after, before)) return
  step.tell({ at: time.wall, event: "MemberChanged", before: asMember(before), after: asMember(after) })
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
    ? descriptionOf(before)
    : descriptionOf({ ...line, tags: line.tags ?? before?.tags })
  step.put({
    heardAt: -Infinity,
    via: "unicast",
    follows: undefined,
    interval: undefined,
    view: undefined,
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
      step.tell({ at: time.wall, event: "MemberJoined", member: asMember(member), via: "message" })
    }
  } else tellChange(step, before, time)
}

/** A server has answered with its whole list. */
export const answered = (before: Observation, answer: Answered, time: Now): Result => {
  const step = new Step({ ...before, heardAt: time.monotonic, isDoubtful: false }, time)
  for (const line of answer.members) told(step, line, time)
  const listed = new Set<string>(answer.members.map(({ id }) => id))
  for (const member of HashMap.values(step.now.members)) {
    const isMissing = !listed.has(member.id) && !member.disputed && member.heardAt < answer.askedAt - margin
    if (!isMissing) continue
    const silent = Math.max(0, Math.round(time.monotonic - lastSign(member)))
    step.remove(member.id, { _tag: "Silent", for: silent, lastHeardOn: member.via, ownLag: 0 })
  }
  if (answer.leader !== null) {
    step.named("", { term: answer.term, leader: answer.leader }, answer.leader.id === answer.by)
  } else {
    // Nobody leads by the word of one that knew the reign.
    const reign = step.now.elections.get("")?.reign
    if (reign !== undefined && reign !== null && answer.term >= reign.term) step.ended("", reign.leader.id, "Resigned")
  }
  step.set({ answeredAt: time.monotonic, answeredBy: answer.by })
  return [step.now, step.events]
}

/** Whether a member has missed a heartbeat, so that a list should be asked for. */
export const isOverdue = ({ members }: Observation, monotonic: number): boolean => {
  for (const { heardAt, interval } of HashMap.values(members)) {
    if (interval === undefined) continue
    const late = monotonic - heardAt - interval
    // Not for one that is silent for long: the lists tell of it by then.
    if (late > interval / 4 && late < interval * 4) return true
  }
  return false
}

/** The members, highest rank first. */
export const ranked = ({ members }: Observation): ReadonlyArray<ObservedMember> =>
  [...HashMap.values(members)].toSorted((a, b) => Member.compareRank(b, a))
