/**
 * What must hold after every step, whatever the network and the clocks do: the promises of the protocol as functions that
 * say what is wrong, or null. The simulator asks them after each step of real servers, the explorer in every state that
 * it reaches.
 *
 * Those on one server's steps remember what they must of the steps before in a {@link Past}, so that they need not trust
 * the state that they judge.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as ElectionContext from "../protocol/election/ElectionContext.ts"
import * as Voter from "../protocol/lease/Voter.ts"
import * as Election from "../protocol/model/Election.ts"
import type * as Event from "../protocol/model/Event.ts"
import * as Lease from "../protocol/model/Lease.ts"
import * as Member from "../protocol/model/Member.ts"
import * as Reign from "../protocol/model/Reign.ts"
import type { Now, Output, State } from "../protocol/model/State.ts"
import * as Timing from "../protocol/model/Timing.ts"
import * as Step from "../protocol/Step.ts"
import { names, sameMembers, sameReign } from "./internal/same.ts"

/** Every invariant by its name, and what it says. */
export const promises = {
  oneLeader: "never two leaders at one instant of true time",
  majorityBound: "while a lease lasts, a majority is bound to it, and will be for as long as it can last",
  termsGrow: "the terms of successive leaders strictly grow",
  workWithinLease: "leading work never outlives its lease, and is told to stop when it still has its time for that",
  reignNeverBack: "the reign that a server follows never goes back, and its own, once over, stays over",
  viewIsTold: "the events, replayed, give the view: nobody is in it whose removal was announced",
  returnsInOrder: "a member is announced once, removed once, and comes back only as a later start or as proven alive",
  goodbyeCounts: "who says goodbye is a member no more, and nobody leaves who did not say it",
  heardItself: "who becomes a member, or is followed, was heard itself and not only heard of",
  settles:
    "all living servers agree on one reign, of the highest ranked that waits for no lead that it lost, within the bound of the last fault",
  settlesWhereConnected:
    "where links are missing, servers that reach each other follow one that leads, within the bound of that graph",
  staysSettled: "once settled, nothing changes until the next fault",
  noFlapping: "while nothing happens the lead does not go to and fro, also where links are missing or lossy",
  trafficBounded: "while nothing happens a server sends a bounded number of datagrams in a heartbeat",
  highestLeads:
    "in a network that is well, nobody takes the lead whose it is not: from a higher ranked one that waits for nothing, or where it may not preempt",
  noFalseEviction: "nobody is evicted who runs and is connected, also not by one who stood still",
  stallIsNoticed: "who stood still leads no more from its first step on, and judges nobody by what it did not hear",
  workNeverOverlaps: "leading work never overlaps on one server with that of its next reign",
  membersReachable:
    "views show each member where it listens; lists, and the leader that clients are told, do on the network of who asks",
  readersSeeTheView: "a reader of the events has the same picture as the server",
  neverDies: "no fiber dies, and nobody sees a duplicate of its own identity"
} as const

/** The name of an invariant. */
export type Name = keyof typeof promises

/** What is promised in which mode of leadership. */
export const namesOf = (leadership: "bully" | "lease"): ReadonlyArray<Name> => {
  const others: ReadonlySet<string> = new Set(
    leadership === "lease" ? ["highestLeads"] : ["oneLeader", "majorityBound", "termsGrow", "workWithinLease"]
  )
  return (Object.keys(promises) as Array<Name>).filter((name) => !others.has(name))
}

/** What one server did before, as far as a later step must be judged by it. A value: a step gives the next. */
export interface Past {
  /** The greatest reign that it has followed. */
  readonly greatest: Reign.Reign | null
  /** The greatest of its own reigns that is over. */
  readonly over: Reign.Reign | null
  /** Of each id that was removed and is not back, what became of it. */
  readonly gone: ReadonlyMap<string, Gone>
  /** What each member was asked since it was last heard, or since this server last stood still. */
  readonly asked: ReadonlyMap<string, Asked>
}

/** How many questions one member was asked, and how many of them its host refused. */
export interface Asked {
  readonly times: number
  readonly refused: number
}

/**
 * A start that was removed, or the one that replaced it, for how long that counts, how it may become a member, and the
 * newest question that it was asked since.
 */
export interface Gone {
  readonly incarnation: number
  readonly returns: "at once" | "by answering" | "never"
  readonly until: number
  readonly asked: string | null
}

/** A server that has done nothing yet. */
export const nothing: Past = { greatest: null, over: null, gone: new Map(), asked: new Map() }

/** A complaint about an invariant. */
export interface Complaint {
  readonly invariant: Name
  readonly what: string
}

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
  complain("workWithinLease", overstayed(after, now))
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

/** The reign that a server would say is its own if it were asked now; null where it would say that it does not lead. */
export const claim = (state: State, now: Clocks): Reign.Reign | null => Step.leads(state, now)

/** What the clocks of a server show. */
export type Clocks = Pick<Now, "monotonic" | "wall" | "sinceBoot">

/** Judges all that claim to lead at one instant: null where that is nobody or one. */
export const contest = (claims: ReadonlyArray<Reign.Reign | null>): string | null => {
  const leaders = claims.filter((claim) => claim !== null)
  return leaders.length < 2 ? null : `${leaders.map(formatReign).join(" and ")} lead at once`
}

/**
 * Judges each lease that lasts by what it rests on: a majority of servers that let nobody else lead for longer than it can
 * last, however fast or slow clocks go within `clockDrift`. Null, or what is wrong.
 *
 * It is why there are never two leaders, and what breaks it is seen here at once: two leaders need a successor besides,
 * and clocks that differ. Who does not live counts among the bound, since a start grants nothing for as long as a promise
 * lasts.
 */
export const unbound = (living: ReadonlyArray<Living>): string | null => {
  for (const { clocks, state } of living) {
    const { election: { claim }, timing: { lease }, self } = state
    // What it may have forgotten, nobody can see; that it promises anew, they can.
    const isSilent = Lease.isSilent(state.silentUntil, clocks.monotonic)
    // One that has left is silent for good, and what it promised stands.
    if (
      isSilent && state.silentUntil !== Infinity &&
      Lease.binds(Voter.promiseIn(state, Election.ofGroup), clocks.monotonic)
    ) {
      return `${self.name} has only just started, and has promised already`
    }
    if (lease === null || claim === null || !claim.held) continue
    const left = Lease.left(claim, lease, clocks)
    if (left <= 0) continue
    // On a clock as slow as may be; and theirs are as fast.
    const lasts = left / (1 - lease.drift) - rounding
    const bound = living.filter((other) => boundFor(other, self, claim.term) / (1 + lease.drift) >= lasts)
    const dead = Math.max(0, lease.groupSize - living.length)
    if (bound.length + dead >= Lease.majority(lease)) continue
    const who = bound.map(({ state }) => state.self.name).join(" ") || "nobody"
    return `the lease of ${self.name} in term ${claim.term} may last ${
      Math.round(lasts)
    } ms, and for that long only ${who} of ${lease.groupSize} will let nobody else lead${
      dead === 0 ? "" : `, and ${dead} that do not live`
    }`
  }
  return null
}

/**
 * Whether what a claim rests on still lasts, whatever the wall clock was set to since, if there is another that counts
 * while the machine sleeps: for so long nobody else's work may start while some of this one's runs, that which takes too long
 * to stop included.
 */
export const isLasting = (claim: Lease.Claim, lease: Lease.Agreement, clocks: Clocks): boolean =>
  Lease.left(claim, lease, clocks.sinceBoot === undefined ? clocks : { ...clocks, wall: claim.anchor.wall }) > 0

/** A server that has a process, and what its clocks show. */
export interface Living {
  readonly state: State
  readonly clocks: Clocks
}

/** A reign in a few words. */
export const formatReign = (reign: Reign.Reign | null): string =>
  reign === null ? "nobody" : `${reign.leader.id.slice(0, 6)}#${reign.leader.incarnation} in term ${reign.term}`

// internal

/** Who leads after a step has its work told to stop in a later one: it must not be too late for that. */
const overstayed = (state: State, clocks: Clocks): string | null => {
  const { election: { claim }, timing: { lease, stopTimeout } } = state
  const own = lease === null ? null : ElectionContext.ownReign(state)
  if (lease === null || own === null) return null
  const left = claim === null || claim.term !== own.term ? 0 : Lease.left(claim, lease, clocks)
  return left >= stopTimeout
    ? null
    : `leads on in term ${own.term}, whose lease lasts ${Math.round(left)} ms: less than work may take to stop`
}

/** What arithmetic may leave of a lease and a promise that last equally long, in ms. */
const rounding = 0.001

/** How long, by its own clock, a server lets nobody lead but that holder in that term, whatever it is asked. */
const boundFor = ({ clocks: { monotonic }, state }: Living, holder: Lease.Holder, term: number): number => {
  const promise = Voter.promiseIn(state, Election.ofGroup)
  const promised = Lease.bindsTo(promise, holder, term, monotonic) ? promise.until : -Infinity
  return Math.max(state.silentUntil, promised) - monotonic
}

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
  const { id } = input.message.sender
  const gone = past.gone.get(id)
  if (gone === undefined) return past
  // The last of them: one that finds out in the same step that it was paused asks everybody first. A pre-vote asks members only.
  const question = outputs.findLast((output) =>
    output._tag === "Send" && output.to.some((to) => to !== null) && output.message.type === "SERVER_PROBE"
    && output.message.preVote === undefined
  )
  if (question?._tag !== "Send" || question.message.type !== "SERVER_PROBE") return past
  return { ...past, gone: new Map(past.gone).set(id, { ...gone, asked: question.message.nonce }) }
}

/** The past, once what came is an answer of a member, or of its host that nobody listens there, or was not asked. */
const answered = (past: Past, { known }: State, input: Step.Input): Past => {
  if (input._tag === "Refused") return { ...past, asked: withMore(past.asked, input.id, "refused", 1) }
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

const withMore = (asked: Past["asked"], id: string, what: keyof Asked, more: number): Past["asked"] => {
  const before = asked.get(id) ?? { times: 0, refused: 0 }
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
  const { refused, times } = asked.get(member.id) ?? { times: 0, refused: 0 }
  if (reason._tag === "Crashed" && refused < Timing.refusalsWanted) {
    return `${names([member])} is removed, refused ${refused} times`
  }
  if (reason._tag !== "Silent") return null
  if (times < Timing.probeTries) return `${names([member])} is removed, having been asked ${times} times`
  const before = Option.getOrUndefined(HashMap.get(known, member.id))
  // Where another misses it too, it is not waited for.
  const isHint = Option.getOrUndefined(HashMap.get(checks, member.id))?.isHint === true
  if (before === undefined || isHint) return null
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
  return gone.asked !== null && input._tag === "Received" && input.message.type === "SERVER_RESPONSE"
      && input.message.nonce === gone.asked
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
    until: now + Timing.departedFor(timing),
    asked: null
  }
  return { ...past, gone: new Map(past.gone).set(id, gone), asked: without(past.asked, id) }
}

const membersAfter = (members: ReadonlyArray<Member.Member>, event: Event.Event): ReadonlyArray<Member.Member> => {
  if (event.event === "MemberJoined") return [...members, event.member]
  if (event.event === "MemberMoved") {
    return members.map((member) => Member.isSameStart(member, event.member) ? event.member : member)
  }
  if (event.event !== "MemberRemoved") return members
  return members.filter((member) => !Member.isSameStart(member, event.member))
}
