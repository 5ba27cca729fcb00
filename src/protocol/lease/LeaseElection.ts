/**
 * Who leads, by a majority lease: at most one server at any instant, whatever happens to the network. A server leads while
 * a majority of all has promised to let no other lead (`Lease`), and says so to itself by the clock.
 *
 * Ranks, members, reigns and how the lead is given up are the Bully's (`BullyElection`, `SteppingDown`); in place of its
 * objections there are votes:
 *
 * ```
 *          stagger over, bound to nobody        a majority voted
 *   Pending ───────────────────▶ Standing ───────────────────▶ leads, beats
 *      ▲                            │                             │ no majority has acknowledged for too long:
 *      └──── backoff, or bound ◀────┘ no majority in time         ▼ work ends stopTimeout before the lease does
 *            until it is over                                   Idle
 * ```
 */
import * as HashMap from "effect/HashMap"
import * as BullyElection from "../election/BullyElection.ts"
import * as Contest from "../election/Contest.ts"
import * as Damping from "../election/Damping.ts"
import * as Following from "../election/Following.ts"
import type * as Event from "../model/Event.ts"
import * as Lease from "../model/Lease.ts"
import type * as Member from "../model/Member.ts"
import type * as Message from "../model/Message.ts"
import * as Reign from "../model/Reign.ts"
import * as Rules from "../model/Rules.ts"
import type { Now, State, Timer, Turn } from "../model/Turn.ts"
import * as LeaseClaim from "./LeaseClaim.ts"
import * as PreVote from "./PreVote.ts"
import * as Voter from "./Voter.ts"

type At = Contest.Contest

/** Whether the lease of this server's own reign in an election lasts by the clock; true where there are no leases. */
export const isHeld = (
  state: Pick<State, "rules" | "election" | "named">,
  election: string,
  now: Pick<Now, "monotonic" | "wall" | "sinceBoot">
): boolean => {
  const { lease } = state.rules
  if (lease === null) return true
  const claim = Contest.register(state, election)?.claim ?? null
  return claim !== null && Lease.isHeld(claim, lease, now)
}

// --- Standing ---

/** The stagger is over. */
export const stand = (at: At, agreement: Lease.Agreement): void => {
  at.change({ activity: { _tag: "Idle" } })
  if (!BullyElection.mayStand(at)) return
  if (LeaseClaim.standsIn(at) > 0) return BullyElection.callElection(at)
  const { life, reign } = at.election
  // It would hear too late that the leader has made way for it, after a lower ranked one.
  if (reign !== null && life.through !== null) return
  // Alone it is a majority: there is nobody to ask.
  if (reign === null && Lease.suffices([], agreement)) askForVotes(at, agreement, termAbove(at))
  else PreVote.begin(at)
}

/** A term above all that this server has promised or heard of, and above what another says it had claimed. */
const termAbove = (at: At, claimed = 0): number => {
  const { heard, last } = at.election
  const promised = Voter.promiseIn(at.state, at.name).term
  return Reign.nextTerm(Math.max(heard, promised, last?.term ?? 0, claimed), at.turn.now.wall)
}

/**
 * Claims a term. Where a lower one was claimed before, no vote for it counts any more; it is not given back, since whoever
 * is bound to it may grant this one all the same.
 */
const askForVotes = (at: At, agreement: Lease.Agreement, standing: number): void => {
  if (!LeaseClaim.begin(at, agreement, standing)) return
  at.change({ activity: { _tag: "Standing", standing } })
  if (Lease.suffices([], agreement)) return lead(at, agreement)
  // A question or a vote may be lost, and a majority would vote. What counts is when it was asked first.
  const again = agreement.duration / 20
  const soon = Math.min(at.state.rules.probeTimeout, again)
  at.sayOften("ask", question(at, agreement, standing), [soon, soon, again, again])
  const patience = agreement.duration / 5 + at.turn.random() * agreement.duration / 3
  at.setTimer("ok", patience, { _tag: "NoMajority" })
}

const question = (at: At, lease: Lease.Agreement, standing: number) =>
  ({ type: "ELECTION", election: at.name, standing, lease }) as const

/**
 * What the pre-vote has come to. Where somebody leads, the servers are bound to that leader: so it is asked to give the lead up
 * first. Whoever asks so stands for no term yet, and 0 is none that is granted: where that server leads no more, its promise
 * would have begun before the claim that it is for.
 */
const afterPreVote = (at: At, agreement: Lease.Agreement, outcome: PreVote.Outcome): void => {
  if (outcome._tag === "Wait") return
  const { reign } = at.election
  BullyElection.stopActivity(at)
  if (outcome._tag === "GoOn") {
    if (reign === null) return askForVotes(at, agreement, termAbove(at, outcome.promised))
    at.sayOften("ask", question(at, agreement, 0), Rules.gaps.coordinator, reign.leader)
    return Damping.onAsked(at)
  }
  if (reign !== null) return
  at.change({ preVoteAgainAt: at.turn.now.monotonic + outcome.again })
  BullyElection.callElection(at)
}

/** A member answers a probe: perhaps what it would vote. */
export const onAnswered = (at: At, agreement: Lease.Agreement, message: Message.Of<"SERVER_RESPONSE">): void =>
  afterPreVote(at, agreement, PreVote.onAnswer(at, agreement, message))

/**
 * No majority has voted in time: the claim is given back, and made anew after a while, so that of two who are in each
 * other's way one goes first.
 */
export const noMajority = (at: At, agreement: Lease.Agreement): void => {
  BullyElection.stopActivity(at)
  at.change({ backoffUntil: at.turn.now.monotonic + at.turn.random() * agreement.duration / 3 })
  BullyElection.callElection(at)
}

/**
 * What kept this server from standing is over. A leader to whom the promise has run out has not renewed it: it is followed
 * through others for as long as they tell of new signs of its life, else to this server it leads no more.
 */
export const eligible = (at: At, agreement: Lease.Agreement): void => {
  const { life, reign } = at.election
  const promise = Voter.promiseIn(at.state, at.name)
  const lapsed = reign !== null && !at.leads && life.through === null && promise.to?.id === reign.leader.id
    && !Lease.binds(promise, at.turn.now.monotonic)
  if (lapsed) {
    const path = Following.around(at)
    if (path !== null) return Following.goBy(at, reign, path)
    BullyElection.becomeVacant(at, reign, "LeaseLost", { since: promise.until - agreement.duration })
  }
  BullyElection.callElection(at)
}

// --- What others say ---

/**
 * Somebody stands. Voting for it ends what this server was about to do; a leader that is outranked yields where it is asked
 * to. Who stands because it does not know that there is a leader is told so. Of two that stand at a time the lower ranked one gives
 * its claim back at once: a majority would have voted for either, or it would not stand.
 */
export const onElection = (
  at: At,
  agreement: Lease.Agreement,
  message: Message.Of<"ELECTION">,
  from: Member.Address
): void => {
  const { sender } = message
  const isAsked = message.standing === 0
  const givesWay = at.election.activity._tag === "Standing" && !isAsked && at.outranks(sender, at.state.self)
  if (givesWay) BullyElection.stopActivity(at)
  if (Voter.onElection(at.turn, agreement, message, from)) {
    BullyElection.stopActivity(at)
    return waitWhileBound(at)
  }
  if (givesWay) return BullyElection.callElection(at)
  if (!at.leads) return
  if (!isAsked || !at.state.rules.preempt || !at.outranks(sender, at.state.self)) {
    return BullyElection.notify(at, sender.id, from)
  }
  at.change({ vacancy: { ...at.election.vacancy, successor: sender.id } })
  BullyElection.endReign(at, "HigherRank")
}

/** Looks again when what was promised to another has run out, if it is not renewed. */
const waitWhileBound = (at: At): void => {
  const { until } = Voter.promiseIn(at.state, at.name)
  at.setTimer("eligible", Math.ceil(until - at.turn.now.monotonic), { _tag: "Eligible" })
}

/** Somebody votes on what this server stands for, or stood for. */
export const onVote = (at: At, agreement: Lease.Agreement, vote: Message.Of<"VOTE">): void => {
  const { claim, heard } = at.election
  if (vote.promised > heard && !vote.granted) at.change({ heard: vote.promised })
  if (!Lease.countsVote(claim, at.state.self, vote)) return
  const voted = Lease.voted(claim, vote.sender.id)
  at.change({ claim: voted })
  if (Lease.suffices(voted.votes, agreement)) lead(at, agreement)
}

/** The leader renews its lease. */
export const onBeat = (
  at: At,
  agreement: Lease.Agreement,
  beat: Message.Of<"BEAT">,
  from: Member.Address
): void => {
  if (Voter.onBeat(at.turn, agreement, beat, from)) waitWhileBound(at)
}

/** Somebody acknowledges a beat of ours. */
export const onBeatAck = (at: At, agreement: Lease.Agreement, ack: Message.Of<"BEAT_ACK">): void => {
  const { claim } = at.election
  if (!Lease.countsAck(claim, at.state.self, ack)) return
  const after = Lease.acknowledged(claim, ack.sender.id, ack.beat, agreement)
  at.change({ claim: after })
  // By a wall clock that was set back and forward, the newer beat may last less long than the older one.
  if (after.anchor !== claim.anchor && !endWhereDue(at, agreement)) watchLease(at, agreement, after)
}

/**
 * Somebody gives a claim back: whoever was bound to it is free. A candidate that outranks it asks all anew, in a term that
 * they may grant: where the votes were split it gets those of the other half. Else each half would have its next one stand
 * before the other gives up, without end. It is said several times, and each claim counts once: a candidate that asked anew
 * for each copy would throw its votes away.
 */
export const onRelease = (at: At, agreement: Lease.Agreement, { claim, sender }: Message.Of<"RELEASE">): void => {
  const { isFreed, isNews } = Voter.onRelease(at.turn, at.name, sender, claim)
  if (!isNews) return
  const { activity, reign } = at.election
  if (activity._tag === "Standing" && at.outranks(at.state.self, sender)) {
    return askForVotes(at, agreement, termAbove(at, claim))
  }
  if (isFreed) at.clearTimer("eligible")
  if (reign !== null) return
  at.change({ preVoteAgainAt: -Infinity })
  if (activity._tag === "PreVote") PreVote.askAnew(at, activity)
  else BullyElection.callElection(at)
}

// --- Leading ---

const lead = (at: At, agreement: Lease.Agreement): void => {
  const claim = at.election.claim!
  // Votes that came so late that no work could begin are as good as none.
  const late = Lease.left(claim, agreement, at.turn.now) <= at.state.rules.stopTimeout
  if (late || !BullyElection.mayStand(at)) return noMajority(at, agreement)
  at.change({ claim: { ...claim, held: true } })
  BullyElection.lead(at, Reign.make(claim.term, at.state.self))
  watchLease(at, agreement, claim)
  beat(at, agreement)
}

/** The next beat is due. */
export const beat = (at: At, agreement: Lease.Agreement): void => {
  const { claim } = at.election
  // While its work ends, a leader renews nothing.
  if (claim === null || Contest.ownReign(at.state, at.name) === null) return
  const next = Lease.beaten(claim, agreement, at.turn.now)
  at.change({ claim: next })
  Voter.bind(at.turn, agreement, at.name, at.state.self, claim.term)
  at.turn.say(null, { type: "BEAT", election: at.name, claim: claim.term, beat: next.beat, lease: agreement })
  at.setTimer("beat", Lease.beatInterval(agreement), { _tag: "Beat" })
  if (next.anchor !== claim.anchor) watchLease(at, agreement, next)
}

/** Has a step taken when work must be ended so that it has its time to stop before the lease is over. */
const watchLease = (at: At, agreement: Lease.Agreement, claim: Lease.Claim): void => {
  const left = Lease.left(claim, agreement, at.turn.now) - at.state.rules.stopTimeout
  at.setTimer("lease", Math.max(0, Math.floor(left)), { _tag: "LeaseEnds" })
}

/**
 * Before anything else in a step: whatever this server led by a lease that is over, it leads no more; and the work of one
 * that is over in `stopTimeout` is ended now.
 */
export const expire = (turn: Turn, agreement: Lease.Agreement): void => {
  for (const at of Contest.all(turn)) endWhereDue(at, agreement)
}

/** Ends what is led by a lease that is over, or over so soon that its work must end; says whether it did. */
const endWhereDue = (at: At, agreement: Lease.Agreement): boolean => {
  const { claim, ending, reign } = at.election
  if (reign === null || claim === null || !claim.held) return false
  if (!Lease.isHeld(claim, agreement, at.turn.now)) endNow(at, reign, ending ?? "LeaseLost")
  else if (mustStop(at, agreement, claim)) stopInTime(at, agreement, claim)
  else return false
  return true
}

/**
 * With each look at the clocks: timers stand still while the machine sleeps, and one that slept too shortly for a stall may
 * have a lease that is over sooner than they say.
 */
export const look = (turn: Turn, agreement: Lease.Agreement): void => {
  for (const at of Contest.all(turn)) {
    const { claim, ending } = at.election
    if (claim?.held === true && ending === null && isAheadOfTimers(claim, turn.now)) watchLease(at, agreement, claim)
  }
}

/** By more than what clocks of whole ms differ by. */
const isAheadOfTimers = ({ anchor }: Lease.Claim, now: Now): boolean =>
  Lease.elapsed(anchor, now) - (now.monotonic - anchor.monotonic) > 1

/** And whatever becomes of the work, a step is taken when the lease is over. */
const stopInTime = (at: At, agreement: Lease.Agreement, claim: Lease.Claim): void => {
  BullyElection.endReign(at, whyLost(at, agreement, claim))
  at.setTimer("lease", Math.ceil(Lease.left(claim, agreement, at.turn.now)), { _tag: "LeaseEnds" })
}

/** The work, which may not even know yet, has what is left of the promises to stop: nothing is given back. */
const endNow = (at: At, reign: Reign.Reign, cause: Event.Cause): void => {
  BullyElection.becomeVacant(at, reign, cause)
  if (at.state.phase === "Leaving") return
  BullyElection.sayStepsDown(at, cause, null)
  BullyElection.callElection(at)
}

/** A timer fires on whole ms: the last one is left to the work. */
const mustStop = (at: At, agreement: Lease.Agreement, claim: Lease.Claim): boolean =>
  Lease.left(claim, agreement, at.turn.now) < at.state.rules.stopTimeout + 1

/** No majority has acknowledged a beat for too long; or, by the clock of durations it would still have time, it slept. */
const whyLost = (at: At, agreement: Lease.Agreement, { anchor }: Lease.Claim): Event.Cause =>
  at.turn.now.monotonic - anchor.monotonic > Lease.lasts(agreement) - at.state.rules.stopTimeout - 2
    ? "MajorityLost"
    : "LeaseLost"

/**
 * A member turns out to lead by no lease, or by another than ours. Whoever followed it does no more, and does not again.
 */
export const onForeign = (at: At, member: Member.Member): void => {
  const { reign } = at.election
  if (reign?.leader.id !== member.id) return
  BullyElection.becomeVacant(at, reign, "LeaseLost")
  BullyElection.callElection(at)
}

/** This server goes on under a higher incarnation: what was promised to the former one is for nothing. */
export const onRaised = (at: At): void => {
  const { claim, reign } = at.election
  if (claim === null) return
  if (claim.held && reign !== null) BullyElection.becomeVacant(at, reign, "Replaced")
  else BullyElection.stopActivity(at)
  BullyElection.callElection(at)
}

// --- The majority ---

/**
 * After a step that changed who is there: tells when fewer servers are in view than a majority, so that nobody can lead.
 */
export const countMajority = (turn: Turn, agreement: Lease.Agreement): void => {
  const { members, minority, phase } = turn.state
  if (phase !== "Live") return
  const needed = Lease.majority(agreement)
  const isMinority = members.length + 1 < needed
  if (isMinority === minority) return
  turn.state.minority = isMinority
  if (isMinority) {
    turn.emit({ event: "NoMajority", members: members.length + 1, needed, groupSize: agreement.groupSize })
  }
}

/**
 * With each sweep: tells where more servers live than `groupSize` says, since then a majority is none. One that has died or
 * restarted may still be in view, so only those count that gave a sign of life lately, for as long as one may be silent.
 */
export const countServers = (turn: Turn, { groupSize }: Lease.Agreement): void => {
  const { crowdedSince, members, rules } = turn.state
  const servers = 1 + members.filter(({ id }) => livesSurely(turn, id)).length
  turn.state.crowdedSince = servers > groupSize ? Math.min(crowdedSince, turn.now.monotonic) : Infinity
  if (crowdedSince === -Infinity || turn.now.monotonic - turn.state.crowdedSince < rules.memberTimeout) return
  turn.state.crowdedSince = -Infinity
  turn.emit({ event: "GroupTooLarge", servers, groupSize })
}

const livesSurely = (turn: Turn, id: Member.NodeId): boolean => {
  const known = HashMap.getUnsafe(turn.state.known, id)
  return turn.now.monotonic - known.heardAt <= Rules.overdue(known.interval)
}

// --- What comes in ---

/**
 * A timer that only a lease sets, or that means something else where there is one. Answers whether it was one of these.
 */
export const fired = (
  at: At,
  lease: Lease.Agreement,
  timer: Extract<Timer, { readonly election: string }>
): boolean => {
  switch (timer._tag) {
    case "Stand":
      stand(at, lease)
      return true
    case "Eligible":
      eligible(at, lease)
      return true
    case "NoMajority":
      noMajority(at, lease)
      return true
    case "PreVote":
      afterPreVote(at, lease, PreVote.onTimer(at, lease))
      return true
    case "Beat":
      beat(at, lease)
      return true
    // `LeaseEnds` has done what it is for: whatever a step is taken for, `expire` comes first.
    default:
      return false
  }
}

/** An answer of one who votes. What it follows itself is not looked at: it may take no part in this election. */
export const onAnswer = (
  at: At,
  lease: Lease.Agreement,
  message: Message.Of<"VOTE"> | Message.Of<"BEAT_ACK"> | Message.Of<"RELEASE">
): void => {
  switch (message.type) {
    case "VOTE":
      return onVote(at, lease, message)
    case "BEAT_ACK":
      return onBeatAck(at, lease, message)
    case "RELEASE":
      return onRelease(at, lease, message)
  }
}
