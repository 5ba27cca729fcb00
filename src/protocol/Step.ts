/**
 * One server's whole part in the protocol as one function: what it was, what happened, and what time it is, to what it
 * is now and what is to be done. Every input of a server goes through {@link step}; nothing else changes its state.
 */
import * as HashMap from "effect/HashMap"
import * as Delivery from "./delivery/Delivery.ts"
import * as BullyElection from "./election/BullyElection.ts"
import * as Contest from "./election/Contest.ts"
import * as Damping from "./election/Damping.ts"
import * as Following from "./election/Following.ts"
import * as NamedElections from "./election/NamedElections.ts"
import * as Register from "./election/Register.ts"
import * as Snapshot from "./election/Snapshot.ts"
import * as SteppingDown from "./election/SteppingDown.ts"
import * as Waking from "./election/Waking.ts"
import * as Handover from "./lease/Handover.ts"
import * as LeaseElection from "./lease/LeaseElection.ts"
import * as PreVote from "./lease/PreVote.ts"
import * as Voter from "./lease/Voter.ts"
import * as Leaving from "./Leaving.ts"
import * as Contacts from "./membership/Contacts.ts"
import * as Identity from "./membership/Identity.ts"
import * as Links from "./membership/Links.ts"
import * as MemberLists from "./membership/MemberLists.ts"
import * as Membership from "./membership/Membership.ts"
import * as PathProbes from "./membership/PathProbes.ts"
import * as Paths from "./membership/Paths.ts"
import * as Presence from "./membership/Presence.ts"
import * as Stability from "./membership/Stability.ts"
import * as Watch from "./membership/Watch.ts"
import * as Witnesses from "./membership/Witnesses.ts"
import * as Election from "./model/Election.ts"
import type * as Event from "./model/Event.ts"
import type * as Member from "./model/Member.ts"
import * as Message from "./model/Message.ts"
import * as PromiseRecord from "./model/PromiseRecord.ts"
import type * as Reign from "./model/Reign.ts"
import * as Rules from "./model/Rules.ts"
import * as Timers from "./model/Timers.ts"
import { type Now, type Output, type State, type Timer, Turn } from "./model/Turn.ts"

/**
 * What can happen to a server.
 *
 * - `Start`: once, first of all. `Discover`, `Heartbeat`, `Sweep`, `Watch`: the ticks of the four fibers.
 * - `Received`: a message came. `Due`: what was due at {@link dueAt} is due; any other input will do as well.
 * - `Refused`: the host of a member that was asked says that nobody listens there. `NotAsked`: our own system did not let us
 *   ask. `Moved`: our own sockets' addresses are
 *   others now. `Seeds`: the names of the seeds resolve to these now.
 * - `WorkEnded`: in answer to `EndWork`; not `finished` where it has had its time and runs on. `WorkOverran`: so has
 *   leading work of the reign of that term, asked for or not.
 *   `WorkFinished`: none of that kind runs any more. `WorkIdle`: in answer to `AwaitIdle`, none of any kind does.
 * - `WorkGivenUp`: all leading work of the app has failed for good. `WorkOffered`: it has some again.
 * - `Campaign`: this server takes part in a named election from now on. `Withdraw`: no longer.
 * - `Room`: the app has read its inbox; so many messages may have been handed to it since the start.
 * - `Resign`: the lead is to be given up. `StepDown`: so it is, and not stood for again for so many ms, whoever leads.
 *   `Transfer`: it is to be handed to a member.
 * - `Leave`: the group is to be left; it is over with `Farewell`.
 *
 * Where no `election` is named, it is the group's own.
 */
export type Input =
  | { readonly _tag: "Start" }
  | { readonly _tag: "Discover" }
  | { readonly _tag: "Heartbeat" }
  | { readonly _tag: "Sweep" }
  | { readonly _tag: "Watch" }
  | {
    readonly _tag: "Received"
    readonly message: Message.Message
    readonly from: Member.Address
    readonly via: "multicast" | "unicast"
  }
  | { readonly _tag: "Due" }
  | { readonly _tag: "Refused"; readonly id: Member.NodeId }
  | { readonly _tag: "NotAsked"; readonly id: Member.NodeId }
  | { readonly _tag: "Moved"; readonly addresses: ReadonlyArray<Member.Address> }
  | { readonly _tag: "Seeds"; readonly addresses: ReadonlyArray<Member.Address> }
  | { readonly _tag: "WorkEnded"; readonly election?: string; readonly finished?: boolean }
  | { readonly _tag: "WorkOverran"; readonly election?: string; readonly term: number }
  | { readonly _tag: "WorkFinished"; readonly election?: string }
  | { readonly _tag: "WorkIdle"; readonly election?: string; readonly term: number }
  | { readonly _tag: "WorkGivenUp"; readonly election?: string }
  | { readonly _tag: "WorkOffered"; readonly election?: string }
  | { readonly _tag: "Campaign"; readonly election: string }
  | { readonly _tag: "Withdraw"; readonly election: string }
  | { readonly _tag: "Resign"; readonly election?: string }
  | { readonly _tag: "StepDown"; readonly election?: string; readonly millis: number }
  | { readonly _tag: "Transfer"; readonly election?: string; readonly to: Member.NodeId }
  | { readonly _tag: "Room"; readonly limit: number }
  | { readonly _tag: "Leave" }

/** A server before its start. `addresses` are those of its own sockets. */
export const make = (options: {
  readonly rules: Rules.Rules
  readonly self: Member.Member
  readonly addresses: ReadonlyArray<Member.Address>
  readonly seeds?: ReadonlyArray<Member.Address> | undefined
  readonly monotonic: number
}): State => ({
  rules: options.rules,
  self: options.self,
  addresses: options.addresses,
  phase: "Discovering",
  newcomer: options.rules.stableAfter > 0,
  members: [],
  known: HashMap.empty(),
  departed: HashMap.empty(),
  checks: HashMap.empty(),
  witnesses: Witnesses.none,
  election: Election.make(options.monotonic),
  named: HashMap.empty(),
  contacts: Contacts.make(options.seeds ?? []),
  delivery: Delivery.empty,
  promises: HashMap.empty(),
  silentUntil: options.rules.lease === null ? -Infinity : options.monotonic + options.rules.lease.duration,
  handover: PromiseRecord.none,
  kept: [],
  minority: false,
  crowdedSince: Infinity,
  pathProbes: PathProbes.none,
  provenAt: -Infinity,
  unheardSince: Infinity,
  watchedAt: options.monotonic,
  watchedSinceBoot: undefined,
  generation: undefined,
  doubts: { watched: 0, toldAt: -Infinity },
  lag: { now: 0, before: 0 },
  drainUntil: -Infinity,
  probe: "",
  paging: null,
  identity: Identity.make(options.monotonic),
  timers: Timers.empty
})

/**
 * One server's picture of the group: everyone, highest rank first, and the reign it follows, null while nobody leads.
 * `term` is that of the reign, or of the last one.
 */
export interface View {
  readonly self: Member.Member
  readonly members: ReadonlyArray<Member.Member>
  readonly reign: Reign.Reign | null
  readonly term: number
  /** The member through which the leader is followed, where this server has no path both ways with it. */
  readonly through?: Member.NodeId
}

/** What a state shows of the group. */
export const view = (state: State): View => ({
  self: state.self,
  members: MemberLists.everyone(state),
  reign: state.election.reign,
  term: (state.election.reign ?? state.election.last)?.term ?? 0,
  ...(state.election.life.through === null ? {} : { through: state.election.life.through })
})

/** Whether two states show the same, so that the view need not be made and told anew. */
export const showsSame = (before: State, after: State): boolean =>
  before.members === after.members && before.self === after.self && before.election.reign === after.election.reign
  && before.election.last === after.election.last && before.election.life.through === after.election.life.through

/**
 * The reign of this server's own in an election, the group's own unless named, if it leads now: by its state, and by the
 * clock, which says whether it stood still and whether its lease lasts.
 */
export const leads = (
  state: State,
  now: Pick<Now, "monotonic" | "wall" | "sinceBoot" | "generation">,
  election = Election.ofGroup
): Reign.Reign | null =>
  Watch.isStalled(state, now) || Snapshot.isRestored(state, now) || !LeaseElection.isHeld(state, election, now)
    ? null
    : Contest.ownReign(state, election)

/** When the next timer is due, on the monotonic clock; Infinity where none is, or the server has left. */
export const dueAt = ({ phase, timers }: State): number => phase === "Left" ? Infinity : Timers.nextDue(timers)

/**
 * The one transition: timers that were due before the input fire first, then it is acted on. A timer that is due at the very
 * instant of an input comes after it, with `Due`. Never throws.
 */
export const step = (state: State, input: Input, now: Now): readonly [state: State, outputs: ReadonlyArray<Output>] => {
  if (state.phase === "Left") return [state, []]
  const turn = new Turn(state, now)
  if (Snapshot.isRestored(state, now)) Waking.restored(turn)
  // Before its start a server has no watch that could be late.
  if (input._tag !== "Start" && Watch.isStalled(state, now)) Waking.wake(turn)
  if (input._tag !== "Start" && Watch.isInDoubt(turn.state, now)) Waking.lookAround(turn)
  const { lease } = state.rules
  if (lease !== null) LeaseElection.expire(turn, lease)
  fireDue(turn, input._tag === "Due" ? "now" : "before")
  // The last of them may have been the goodbye.
  if (turn.state.phase !== "Left") act(turn, input)
  if (lease !== null) LeaseElection.countMajority(turn, lease)
  return [turn.state, turn.outputs]
}

const act = (turn: Turn, input: Input): void => {
  const { rules: { discoveryWindow, lease }, self } = turn.state
  switch (input._tag) {
    case "Start":
      Watch.start(turn)
      Snapshot.look(turn)
      turn.emit({ event: "Started", self })
      turn.setTimer("discovery", discoveryWindow, { _tag: "DiscoveryOver" })
      Stability.start(turn)
      Handover.start(turn)
      break
    case "Discover": {
      const askAll = turn.state.probe === "" || turn.state.members.length === 0
      if (askAll) Presence.probeGroup(turn)
      Contacts.seek(turn, askAll)
      break
    }
    case "Heartbeat":
      heartbeat(turn)
      break
    case "Sweep":
      if (turn.state.phase === "Live") {
        Membership.sweep(turn)
        Contest.all(turn).forEach(BullyElection.sweep)
        Delivery.sweep(turn)
        if (lease !== null) LeaseElection.countServers(turn, lease)
      }
      break
    case "Watch":
      Watch.look(turn)
      if (lease !== null) LeaseElection.look(turn, lease)
      break
    case "Received":
      received(turn, input.message, input.from, input.via)
      break
    case "Due":
      break
    case "Refused":
      settle(turn, input.id, Membership.refused(turn, input.id))
      break
    case "NotAsked":
      Membership.notAsked(turn, input.id)
      break
    case "Moved":
      if (Identity.moved(turn, input.addresses)) Presence.sayMoved(turn)
      break
    case "Seeds":
      Contacts.resolved(turn, input.addresses)
      break
    case "WorkEnded":
      inElection(turn, input, (at) => NamedElections.workEnded(at, input.finished ?? true))
      Leaving.goOn(turn)
      break
    case "WorkOverran":
      inElection(turn, input, (at) => SteppingDown.workOverran(at, input.term))
      break
    case "WorkIdle":
      inElection(turn, input, (at) => SteppingDown.workIdle(at, input.term))
      break
    case "WorkFinished":
      inElection(turn, input, SteppingDown.workFinished)
      break
    case "WorkGivenUp":
      inElection(turn, input, SteppingDown.workGivenUp)
      break
    case "WorkOffered":
      inElection(turn, input, SteppingDown.workOffered)
      break
    case "Room":
      Delivery.onRoom(turn, input.limit)
      break
    case "Resign":
      inElection(turn, input, SteppingDown.resign)
      break
    case "StepDown":
      inElection(turn, input, (at) => SteppingDown.stepDown(at, input.millis))
      break
    case "Transfer":
      inElection(turn, input, (at) => SteppingDown.transfer(at, input.to))
      break
    case "Campaign":
      NamedElections.campaign(turn, input.election)
      break
    case "Withdraw":
      NamedElections.withdraw(turn, input.election)
      break
    case "Leave":
      Leaving.leave(turn)
      break
  }
}

/** Does it in the election that the input names, if we take part in it. */
const inElection = (
  turn: Turn,
  input: { readonly election?: string },
  act: (at: Contest.Contest) => void
): void => {
  const at = Contest.find(turn, input.election ?? Election.ofGroup)
  if (at !== null) act(at)
}

// --- Ticks ---

const heartbeat = (turn: Turn): void => {
  Following.beat(Contest.ofGroup(turn))
  Presence.sayAlive(turn)
  Handover.ask(turn)
  NamedElections.heartbeat(turn)
  Membership.keepByUnicast(turn)
  keepPaths(turn)
  Damping.heartbeat(turn, Contest.all(turn))
  for (const at of Contest.all(turn)) BullyElection.callIfDue(at)
}

/** Whether others hear us is asked of those whom it matters of. */
const keepPaths = (turn: Turn): void => {
  if (turn.state.phase !== "Live") return
  Contest.all(turn).forEach(Following.keep)
  if (turn.state.rules.lease === null && Paths.watch(turn)) Contest.all(turn).forEach(BullyElection.onUnheard)
}

// --- Timers ---

/** What one that fires clears or sets anew does not fire by its old setting; what it sets waits for the next step. */
const fireDue = (turn: Turn, until: "before" | "now"): void => {
  const now = turn.now.monotonic
  if (Timers.nextDue(turn.state.timers) > now) return
  for (const entry of turn.state.timers.filter(({ due }) => due < now || (due === now && until === "now"))) {
    if (turn.state.phase === "Left" || !turn.state.timers.includes(entry)) continue
    turn.clearTimer(entry.key)
    fired(turn, entry.timer)
  }
}

const fired = (turn: Turn, timer: Timer): void => {
  switch (timer._tag) {
    case "DiscoveryOver":
      turn.state.phase = "Live"
      Handover.ask(turn)
      keepPaths(turn)
      return Contest.all(turn).forEach(BullyElection.callElection)
    case "Stable":
      Stability.reached(turn)
      return Contest.all(turn).forEach(BullyElection.callElection)
    case "SayAgain":
      return turn.sayOften(timer.key, timer.body, timer.gaps, timer.to)
    case "Respond":
      return Presence.respond(turn, timer.to, timer.nonce)
    case "Check":
      return settle(turn, timer.id, Membership.unanswered(turn, timer.id))
    case "AskWitnesses":
      return Witnesses.ask(turn)
    case "Proof":
      if (Paths.unanswered(turn, timer)) {
        Contest.all(turn).forEach((at) => BullyElection.onUnproven(at, timer.id))
      }
      return
    case "Page":
      return MemberLists.ask(turn)
    case "Repair":
      return Delivery.repairDue(turn)
    case "Answer":
      return Delivery.answer(turn)
    case "NameNewest":
      return Delivery.nameNewest(turn, timer.isLast)
    case "Handover":
      return Handover.fired(turn, timer)
    case "Farewell":
      return Leaving.fired(turn, timer)
    default:
      return electionFired(new Contest.Contest(turn, timer.election), timer)
  }
}

type ElectionTimer = Extract<Timer, { readonly election: string }>

const electionFired = (at: Contest.Contest, timer: ElectionTimer): void => {
  const { lease } = at.state.rules
  if (lease !== null && LeaseElection.fired(at, lease, timer)) return
  switch (timer._tag) {
    case "Stand":
      return BullyElection.stand(at)
    case "NoObjection":
      return BullyElection.noObjection(at)
    case "Object":
      return BullyElection.object(at, timer.to, timer.standing)
    case "Eligible":
      return BullyElection.callElection(at)
    case "WaitOver":
      return BullyElection.waitOver(at)
    case "AbstainOver":
      return SteppingDown.abstainOver(at)
    case "Withdrawn":
      return NamedElections.forget(at)
  }
}

const remove = (turn: Turn, id: Member.NodeId, reason: Event.Reason): void => {
  const known = HashMap.getUnsafe(turn.state.known, id)
  Membership.remove(turn, id, reason)
  if (reason._tag !== "Left") Contacts.lose(turn, known)
  for (const at of Contest.all(turn)) BullyElection.onRemoved(at, known.member, reason, known.heardAt)
}

const settle = (turn: Turn, id: Member.NodeId, reason: Event.Reason | null): void => {
  if (reason !== null) remove(turn, id, reason)
}

// --- Messages ---

const received = (turn: Turn, message: Message.Message, source: Member.Address, via: "multicast" | "unicast"): void => {
  if (Message.isOfHandover(message)) return Handover.hear(turn, message, source)
  switch (message.type) {
    case "WITNESS_ASK":
      return Witnesses.onAsk(turn, message, source)
    case "WITNESS":
      return Witnesses.onAnswer(turn, message)
    case "MEMBERS_ASK":
      return MemberLists.onAsk(turn, message, source, via)
    case "MEMBERS":
      return onMembers(turn, message, source)
    case "CLIENT_JOIN":
      return Delivery.onJoin(turn, message, source, via)
    case "CLIENT_MESSAGE":
      return Delivery.onMessage(turn, message, source, via)
    case "CLIENT_DELIVER":
      return Delivery.onDeliver(turn, message)
    case "CLIENT_REPAIR":
      return Delivery.onRepair(turn, message, source, via)
    case "CLIENT_LEAVE":
      return Delivery.onLeave(turn, message)
  }
  const { lease } = turn.state.rules
  const from = Membership.reachedAt(turn, message, source)
  const incarnation = turn.state.self.incarnation
  const heard = Membership.hear(turn, message, from, via)
  if (heard === null) {
    if (turn.state.self.incarnation !== incarnation) Waking.raised(turn)
    // Two who removed each other ask each other: unless both also answer, neither returns.
    if (message.type === "SERVER_PROBE" && via === "unicast" && Membership.mayReturn(turn, message.sender)) {
      Presence.respond(turn, from, message.nonce)
    }
    // Who has left gave its claim back before.
    if (lease !== null && message.type === "RELEASE" && message.sender.id !== turn.state.self.id) {
      released(turn, lease, message)
    }
    return
  }
  for (const at of Contest.all(turn)) {
    if (heard.replaced !== null) {
      const { heardAt, member } = heard.replaced
      BullyElection.onRemoved(at, member, { _tag: "Replaced", by: message.sender.incarnation }, heardAt)
    }
    if (heard.joined) BullyElection.onJoined(at)
  }
  NamedElections.onHeard(turn, message.sender, heard.elections, from)
  if (turn.state.unheardSince !== Infinity && Paths.isHeardBy(turn, message.sender.id)) {
    turn.state.unheardSince = Infinity
    Contest.all(turn).forEach(BullyElection.callElection)
  }
  // What waited in the sockets while we stood still refreshes its senders; its claims are old.
  const isFresh = message.type === "SERVER_RESPONSE" && message.nonce === turn.state.probe
  const at = Contest.find(turn, "election" in message ? message.election : Election.ofGroup)
  if (message.type === "SERVER_LEAVING" && at !== null) {
    Register.hearTerm(at, message)
    Delivery.onHeard(turn, message)
    return remove(turn, message.sender.id, { _tag: "Left" })
  }
  if (turn.now.monotonic < turn.state.drainUntil && !isFresh) {
    if (at !== null) Register.hearTerm(at, message)
    return
  }
  const isAgreed = (message.type !== "ELECTION" && message.type !== "BEAT" && message.type !== "COORDINATOR")
    || Voter.agrees(turn, message.sender, message.lease)
  if (!isAgreed && lease !== null) Contest.all(turn).forEach((at) => LeaseElection.onForeign(at, message.sender))
  // Of an election that we take no part in: a sign of life and no more, but for our vote.
  if (at === null || at.election.withdrawn) {
    if (lease !== null && isAgreed) Voter.hear(turn, lease, message, from)
    return
  }
  // These are said by all who vote: they may follow nobody in it.
  if (message.type === "VOTE" || message.type === "BEAT_ACK" || message.type === "RELEASE") {
    Register.hearTerm(at, message)
    if (lease !== null) LeaseElection.onAnswer(at, lease, message)
    return
  }
  Register.observe(at, message, from, message.type === "SERVER_PROBE" && via === "unicast")
  if (turn.state.self.incarnation !== incarnation) Waking.raised(turn)
  if ("view" in message) Contacts.compare(turn, message, from)
  if (!isAgreed) return
  if (at.name === Election.ofGroup) Delivery.onHeard(turn, message)
  switch (message.type) {
    case "SERVER_PROBE":
      return onProbe(turn, message, from, via)
    case "SERVER_RESPONSE":
      return onResponse(turn, message, from)
    case "PATH_PROBE":
      return PathProbes.hear(turn, message)
    case "ELECTION":
      return lease === null
        ? BullyElection.onElection(at, message, from)
        : LeaseElection.onElection(at, lease, message, from)
    case "BEAT":
      // Its agreement is ours, or we would not be here.
      return LeaseElection.onBeat(at, message.lease, message, from)
    case "OK":
      // Where there are votes nobody objects.
      return lease === null ? BullyElection.onOk(at, message) : undefined
    case "STEPPING_DOWN":
      return SteppingDown.onSteppingDown(at, message)
  }
}

/** A claim was given back by one that may be no member any more. */
const released = (turn: Turn, lease: Message.Agreement, message: Message.Of<"RELEASE">): void => {
  const at = Contest.find(turn, message.election)
  if (at === null) Voter.onRelease(turn, message.election, message.sender, message.claim)
  else LeaseElection.onRelease(at, lease, message)
}

const onProbe = (
  turn: Turn,
  message: Message.Of<"SERVER_PROBE">,
  from: Member.Address,
  via: "multicast" | "unicast"
): void => {
  const { nonce, sender } = message
  if (via === "unicast") {
    if (message.preVote === undefined) Links.asked(turn, sender.id, nonce)
    return Presence.respond(turn, from, nonce, PreVote.answer(turn, message, from))
  }
  // A burst of one nonce is one question.
  const known = HashMap.getUnsafe(turn.state.known, sender.id)
  if (known.answered === nonce) return
  turn.state.known = HashMap.set(turn.state.known, sender.id, { ...known, answered: nonce })
  if (turn.state.election.reign?.leader.id === turn.state.self.id) return Presence.respond(turn, from, nonce)
  const size = turn.state.members.length + 1
  if (turn.random() * size < Rules.answersWanted) {
    turn.setTimer(`respond:${sender.id}`, turn.random() * Math.min(size, 100), { _tag: "Respond", to: from, nonce })
  }
}

const onResponse = (turn: Turn, message: Message.Of<"SERVER_RESPONSE">, from: Member.Address): void => {
  const { nonce } = message
  const { lease } = turn.state.rules
  if (lease !== null) Contest.all(turn).forEach((at) => LeaseElection.onAnswered(at, lease, message))
  if (nonce !== turn.state.probe || turn.state.paging !== null || turn.state.phase !== "Discovering") return
  // By then those who answer the probe of a group of any size have done so; only the others are asked for.
  MemberLists.read(turn, from, nonce, Math.min(100, turn.state.rules.discoveryWindow / 3))
}

const onMembers = (turn: Turn, message: Message.Of<"MEMBERS">, from: Member.Address): void => {
  const own = message.list.find((line) => line.id === turn.state.self.id)
  if (own !== undefined && Identity.isOwnAddress(turn, own) && Identity.raise(turn, own.incarnation)) {
    Waking.raised(turn)
  }
  MemberLists.onPage(turn, message, from)
}
