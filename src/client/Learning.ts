/**
 * What an observer learns of what it hears of a group, and of what its servers answer. Pure. An observer judges nobody by silence of its
 * own: a member is gone when it says so, when another start of it is heard, or when a server that saw it leaves it out. Who asks, and
 * when, is decided in `Asking`.
 */
import * as HashMap from "effect/HashMap"
import * as Description from "../protocol/membership/Description.ts"
import * as Membership from "../protocol/membership/Membership.ts"
import * as Ranked from "../protocol/membership/Ranked.ts"
import * as Event from "../protocol/model/Event.ts"
import * as Member from "../protocol/model/Member.ts"
import * as Message from "../protocol/model/Message.ts"
import type * as Reign from "../protocol/model/Reign.ts"
import * as Zone from "../protocol/model/Zone.ts"
import * as Observation from "./Observation.ts"
import { limits, ObservationStep, settling } from "./ObservationStep.ts"
import * as ObservedMember from "./ObservedMember.ts"

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
export type Result = readonly [observation: Observation.Observation, events: ReadonlyArray<Event.Event>]

/** A member says something: it is there, at the address that it announces. */
const heardMember = (
  step: ObservationStep,
  message: Message.FromServer,
  from: Member.Address,
  via: "multicast" | "unicast",
  time: Observation.Now
) => {
  const sender = Zone.announced(message.sender, from)
  const known = Observation.memberBy(step.now, sender.id)
  if (known !== undefined && known.incarnation < sender.incarnation) {
    step.remove(sender.id, { _tag: "Replaced", by: sender.incarnation })
  }
  const before = Observation.memberBy(step.now, sender.id)
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
const tellChange = (step: ObservationStep, before: ObservedMember.ObservedMember, time: Observation.Now): void => {
  const after = Observation.memberBy(step.now, before.id)
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
  step: ObservationStep,
  message: Message.FromServer,
  from: Member.Address,
  via: "multicast" | "unicast",
  time: Observation.Now
) => {
  const { sender } = message
  if (step.isGone(sender)) return
  const known = Observation.memberBy(step.now, sender.id)
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
const heardView = (step: ObservationStep, view: number, by: string, { monotonic }: Observation.Now) => {
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
  before: Observation.Observation,
  message: Message.Message,
  from: Member.Address,
  via: "multicast" | "unicast",
  time: Observation.Now
): Result => {
  // Who else asks, as this observer itself does, shows nothing of the group.
  if (!("sender" in message)) return [before, []]
  const step = new ObservationStep({ ...before, heardAt: time.monotonic }, time)
  const leader = step.now.elections.get("")?.reign
  heardServer(step, message, from, via, time)
  if (step.now.elections.get("")?.reign !== leader) step.set({ isDoubtful: true })
  return [step.now, step.events]
}

/** A line of a list: a member by the word of another. */
const told = (step: ObservationStep, line: Message.Listed, time: Observation.Now) => {
  if (step.isGone(line)) return
  const { heard, ...listed } = line
  const known = Observation.memberBy(step.now, line.id)
  if (known !== undefined && known.incarnation > line.incarnation) return
  if (known !== undefined && known.incarnation < line.incarnation) {
    step.remove(line.id, { _tag: "Replaced", by: line.incarnation })
  }
  const before = Observation.memberBy(step.now, line.id)
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
    const member = Observation.memberBy(step.now, line.id)
    if (member !== undefined) {
      step.tell({ at: time.wall, event: "MemberJoined", member: ObservedMember.asMember(member), via: "message" })
    }
  } else tellChange(step, before, time)
}

/** A server has answered. */
export const answered = (before: Observation.Observation, answer: Answered, time: Observation.Now): Result => {
  const step = new ObservationStep({ ...before, heardAt: time.monotonic, isDoubtful: false }, time)
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
