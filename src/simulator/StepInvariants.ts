/**
 * Judges the steps of one server, each by what it did before: functions that say what is wrong, or null.
 *
 * They remember what they must of the steps before in a {@link Past}, so that they need not trust the state that they judge.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Election from "../protocol/model/Election.ts"
import type * as Event from "../protocol/model/Event.ts"
import * as Member from "../protocol/model/Member.ts"
import type { Output } from "../protocol/model/Output.ts"
import * as Reign from "../protocol/model/Reign.ts"
import type { State } from "../protocol/model/State.ts"
import * as Timing from "../protocol/model/Timing.ts"
import type * as Step from "../protocol/Step.ts"
import { names, sameMembers, sameReign } from "./internal/same.ts"
import { type Clocks, type Complaint, formatReign, type Name } from "./Invariants.ts"
import * as LeaseInvariants from "./LeaseInvariants.ts"

/** What one server did before, as far as a later step must be judged by it. A value: a step gives the next. */
export interface Past {
  /** The greatest reign that it has followed. */
  readonly greatest: Reign.Reign | null
  /** The greatest of its own reigns that is over. */
  readonly over: Reign.Reign | null
  /** Of each id that was removed and is not back, what became of it. */
  readonly gone: ReadonlyMap<string, Gone>
  /** What each member was asked since it was last heard, or since this server was last paused. */
  readonly asked: ReadonlyMap<string, Asked>
  /** Of the members whose links may tell of a crash the starts: a link was up with them, or another saw them crash. */
  readonly linked: ReadonlySet<string>
}

/** How many questions one member was asked, and how many of them its host refused; and how often a connection, once at most. */
export interface Asked {
  readonly times: number
  readonly refused: number
  readonly linkRefused: number
}

/**
 * A start that was removed, or the one that replaced it, for how long that counts, how it may become a member, and the
 * questions that it was asked since.
 */
export interface Gone {
  readonly incarnation: number
  readonly returns: "at once" | "by answering" | "never"
  readonly until: number
  readonly asked: ReadonlyArray<string>
}

/** A server that has done nothing yet. */
export const nothing: Past = { greatest: null, over: null, gone: new Map(), asked: new Map(), linked: new Set() }

/** One step of one server, to be judged. */
export interface Judged {
  readonly before: State
  readonly input: Step.Input
  readonly now: Clocks
  readonly after: State
  readonly outputs: ReadonlyArray<Output>
}

/** Judges one step of one server by what it did before: the past that the next is judged by, and what is wrong. */
export const judge = (
  past: Past,
  judged: Judged
): readonly [past: Past, complaints: ReadonlyArray<Complaint>] => {
  const { after, before, input, now, outputs } = judged
  const complaints: Array<Complaint> = []
  const complain = (invariant: Name, what: string | null) => {
    if (what !== null) complaints.push({ invariant, what })
  }
  let next = past
  // A leader that has moved leads on, in the same reign.
  if (!sameReign(before.election.reign, after.election.reign)) {
    complain("reignNeverBack", wentBack(past, after))
    next = followed(past, before, after)
  }
  if (before.election.reign !== after.election.reign || before.members !== after.members) {
    complain("heardItself", followsStranger(after))
  }
  if (before.members !== after.members) complain("descriptionNeverBack", describedBack(before, after))
  complain("workWithinLease", LeaseInvariants.overstayed(after, now))
  next = linked(next, input)
  if (next.asked.size > 0) next = answered(next, before, input)
  complain("goodbyeCounts", goodbyeIgnored(judged))
  let members: ReadonlyArray<Member.Member> | null = null
  let reign = before.election.reign
  for (const output of outputs) {
    if (output._tag === "Ask") next = { ...next, asked: withMore(next.asked, output.id, "times", 1) }
    if (output._tag !== "Emit") continue
    const { event } = output
    if (event.event === "MemberRemoved") {
      complain("noFalseEviction", tooSoon(next, before, event, now.monotonic))
      complain("goodbyeCounts", goodbyeInvented(input, event))
    }
    if (event.event === "FiberDied" || event.event === "DuplicateIdentity") complain("neverDies", JSON.stringify(event))
    if (event.event === "Started") continue
    members ??= before.members
    if (event.event === "MemberJoined") complain("heardItself", isOfSender(input, event.member))
    complain("returnsInOrder", outOfOrder(next, members, event, input, now.monotonic))
    next = remembered(next, event, after.timing, now.monotonic)
    members = membersAfter(members, event)
    if (event.event === "LeaderChanged" && event.election === Election.ofGroup) {
      reign = event.leader && Reign.make(event.term, event.leader)
    }
  }
  if (before.members !== after.members && !sameMembers(members ?? before.members, after.members)) {
    complain("viewIsTold", `told ${names(members ?? before.members)}, but the view holds ${names(after.members)}`)
  }
  if (!sameReign(reign, after.election.reign)) {
    complain("viewIsTold", `told of ${formatReign(reign)}, but follows ${formatReign(after.election.reign)}`)
  }
  if (next.gone.size > 0 && outputs.length > 0) next = askedBack(next, input, outputs)
  return [next, complaints]
}

// internal

const wentBack = ({ greatest, over }: Past, { election: { reign } }: State): string | null => {
  if (reign === null) return null
  if (greatest !== null && Reign.compare(reign, greatest) < 0) {
    return `follows ${formatReign(reign)} after ${formatReign(greatest)}`
  }
  return over !== null && Reign.compare(reign, over) <= 0 ? `${formatReign(reign)}, its own, was over already` : null
}

const followed = (past: Past, before: State, after: State): Past => {
  const ended = before.election.reign
  const isOwn = ended !== null && ended.leader.id === before.self.id
  return {
    ...past,
    greatest: Reign.max(past.greatest, after.election.reign),
    over: isOwn ? Reign.max(past.over, ended) : past.over
  }
}

const describedBack = (before: State, after: State): string | null => {
  const back = after.members.find((member) =>
    before.members.some((was) => Member.isSameStart(was, member) && (was.revision ?? 0) > (member.revision ?? 0))
  )
  return back === undefined ? null : `${names([back])} is as it was before revision ${back.revision ?? 0} was over`
}

/** Null where what came was said by that very start. */
const isOfSender = (input: Step.Input, member: Member.Member): string | null =>
  input._tag === "Received" && "sender" in input.message && Member.isSameStart(input.message.sender, member)
    ? null
    : `${names([member])} is taken for a member, but did not speak`

const followsStranger = ({ election: { life, reign }, members, self }: State): string | null =>
  reign === null || reign.leader.id === self.id || life.through !== null ||
    members.some((member) => Member.isSameStart(member, reign.leader))
    ? null
    : `follows ${formatReign(reign)}, of no member`

/** The past, once one that is gone and has spoken again has been asked whether it lives. */
const askedBack = (past: Past, input: Step.Input, outputs: ReadonlyArray<Output>): Past => {
  if (input._tag !== "Received" || !("sender" in input.message)) return past
  const { from, message: { sender: { id } } } = input
  const gone = past.gone.get(id)
  if (gone === undefined) return past
  // It may be asked with the group in the same step. A pre-vote asks members only.
  const nonces = outputs.flatMap((output) =>
    output._tag === "Send" && output.to.some((to) => to?.ip === from.ip) && output.message.type === "SERVER_PROBE"
      && output.message.preVote === undefined
      ? [output.message.nonce]
      : []
  )
  if (nonces.length === 0) return past
  return { ...past, gone: new Map(past.gone).set(id, { ...gone, asked: [...gone.asked, ...nonces] }) }
}

/** The past, once a link is up, or somebody tells of a crash. */
const linked = (past: Past, input: Step.Input): Past => {
  const start = input._tag === "LinkUp"
    ? input
    : input._tag === "Received" && input.message.type === "CRASHED"
    ? input.message.gone
    : null
  return start === null ? past : { ...past, linked: new Set(past.linked).add(startOf(start)) }
}

const startOf = ({ id, incarnation }: { readonly id: string; readonly incarnation: number }) => `${id}#${incarnation}`

/** The past, once what came is an answer of a member, or of its host that nobody listens there, or was not asked. */
const answered = (past: Past, { known }: State, input: Step.Input): Past => {
  if (input._tag === "Refused") return { ...past, asked: withMore(past.asked, input.id, "refused", 1) }
  if (input._tag === "LinkTried") {
    const isEvidence = input.outcome === "Refused" && past.linked.has(startOf(input))
      && past.asked.get(input.id)?.linkRefused === 0
    return isEvidence ? { ...past, asked: withMore(past.asked, input.id, "linkRefused", 1) } : past
  }
  if (input._tag === "NotAsked") return { ...past, asked: withMore(past.asked, input.id, "times", -1) }
  if (input._tag !== "Received" || !("sender" in input.message)) return past
  const { sender } = input.message
  if (!past.asked.has(sender.id)) return past
  // Not what an earlier start of it says.
  const member = Option.getOrUndefined(HashMap.get(known, sender.id))?.member
  return member !== undefined && Member.isSameStart(member, sender)
    ? { ...past, asked: without(past.asked, sender.id) }
    : past
}

const notAsked: Asked = { times: 0, refused: 0, linkRefused: 0 }

const withMore = (asked: Past["asked"], id: string, what: keyof Asked, more: number): Past["asked"] => {
  const before = asked.get(id) ?? notAsked
  return new Map(asked).set(id, { ...before, [what]: Math.max(0, before[what] + more) })
}

const without = <A>(all: ReadonlyMap<string, A>, id: string): ReadonlyMap<string, A> => {
  const others = new Map(all)
  others.delete(id)
  return others
}

/** A lost question, or a lost answer, is no death; nor is one refusal, or a silence that others may still end. */
const tooSoon = (
  { asked }: Past,
  { checks, known, timing }: State,
  { member, reason }: Extract<Event.Event, { event: "MemberRemoved" }>,
  now: number
): string | null => {
  const { linkRefused, refused, times } = asked.get(member.id) ?? notAsked
  if (reason._tag === "Crashed" && (refused === 0 || refused + linkRefused < Timing.refusalsWanted)) {
    return `${names([member])} is removed, refused ${refused} times, and ${linkRefused} times by its links`
  }
  if (reason._tag !== "Silent") return null
  if (times < Timing.probeTries) return `${names([member])} is removed, having been asked ${times} times`
  const before = Option.getOrUndefined(HashMap.get(known, member.id))
  // Where another misses it too, it is not waited for.
  const ofLead = Option.getOrUndefined(HashMap.get(checks, member.id))?.ofLead === true
  if (before === undefined || ofLead) return null
  const silent = now - before.heardAt
  return silent < Timing.patience(timing, before.interval)
    ? `${names([member])} is removed, silent for ${Math.round(silent)} ms`
    : null
}

/** Null where what came is a goodbye that was taken, or none, and nobody else was taken to have left. */
const goodbyeIgnored = ({ after, before, input }: Judged): string | null => {
  const who = saysGoodbye(input)
  if (who === null) return null
  const isMember = ({ members }: State) => members.some((member) => Member.isSameStart(member, who))
  return isMember(before) && isMember(after) ? `${names([who])} has left and is a member still` : null
}

const saysGoodbye = (input: Step.Input): Member.Member | null =>
  input._tag === "Received" && input.message.type === "SERVER_LEAVING" ? input.message.sender : null

const goodbyeInvented = (
  input: Step.Input,
  { member, reason }: Extract<Event.Event, { event: "MemberRemoved" }>
): string | null => {
  const who = saysGoodbye(input)
  return reason._tag === "Left" && (who === null || !Member.isSameStart(who, member))
    ? `${names([member])} is removed, and did not say goodbye`
    : null
}

const outOfOrder = (
  past: Past,
  members: ReadonlyArray<Member.Member>,
  event: Event.Event,
  input: Step.Input,
  now: number
): string | null => {
  if (event.event === "MemberRemoved") {
    return members.some((member) => Member.isSameStart(member, event.member))
      ? null
      : `${names([event.member])} is removed (${event.reason._tag}) and was no member`
  }
  if (event.event !== "MemberJoined") return null
  const { member } = event
  if (members.some(({ id }) => id === member.id)) return `${names([member])} joins and is a member already`
  const gone = past.gone.get(member.id)
  if (gone === undefined || gone.until <= now || member.incarnation > gone.incarnation) return null
  if (member.incarnation < gone.incarnation) return `${names([member])} joins after its start ${gone.incarnation}`
  if (gone.returns === "at once") return null
  if (gone.returns === "never") return `${names([member])} joins, but has left as that very start`
  return input._tag === "Received" && input.message.type === "SERVER_RESPONSE"
      && gone.asked.includes(input.message.nonce)
    ? null
    : `${names([member])} was removed and joins without having answered`
}

const remembered = (past: Past, event: Event.Event, timing: Timing.Timing, now: number): Past => {
  if (event.event === "MemberJoined" && past.gone.has(event.member.id)) {
    return { ...past, gone: without(past.gone, event.member.id) }
  }
  if (event.event === "Stalled" && past.asked.size > 0) return { ...past, asked: nothing.asked }
  if (event.event !== "MemberRemoved") return past
  const { member: { id, incarnation }, reason } = event
  const gone: Gone = {
    incarnation: reason._tag === "Replaced" ? reason.by : incarnation,
    returns: reason._tag === "Replaced" ? "at once" : reason._tag === "Left" ? "never" : "by answering",
    until: now + Timing.tombstoneFor(timing),
    asked: []
  }
  return { ...past, gone: new Map(past.gone).set(id, gone), asked: without(past.asked, id) }
}

const membersAfter = (members: ReadonlyArray<Member.Member>, event: Event.Event): ReadonlyArray<Member.Member> => {
  if (event.event === "MemberJoined") return [...members, event.member]
  if (event.event === "MemberMoved") {
    return members.map((member) => Member.isSameStart(member, event.member) ? event.member : member)
  }
  if (event.event === "MemberChanged") {
    return members.map((member) => Member.isSameStart(member, event.after) ? event.after : member)
  }
  if (event.event !== "MemberRemoved") return members
  return members.filter((member) => !Member.isSameStart(member, event.member))
}
