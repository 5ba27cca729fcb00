/**
 * Who leads, by a majority lease: at most one server at any instant, regardless of what happens to the network. A server leads while
 * a majority of all has promised to let no other lead (`Lease`), and says so to itself by the clock.
 *
 * What calls for an election, whom a server follows and how the lead is given up is the same as without a lease (`Candidacy`,
 * `Following`, `SteppingDown`). In place of the Bully's objections there are votes:
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
import * as Candidacy from "../election/Candidacy.ts"
import * as Damping from "../election/Damping.ts"
import * as ElectionContext from "../election/ElectionContext.ts"
import * as Following from "../election/Following.ts"
import * as LeaderLife from "../election/LeaderLife.ts"
import * as LeaderNotice from "../election/LeaderNotice.ts"
import * as Roles from "../election/Roles.ts"
import type * as Event from "../model/Event.ts"
import * as Lease from "../model/Lease.ts"
import type * as Member from "../model/Member.ts"
import type * as Message from "../model/Message.ts"
import * as Reign from "../model/Reign.ts"
import type { Now } from "../model/State.ts"
import type { StepContext } from "../model/StepContext.ts"
import * as Timing from "../model/Timing.ts"
import * as Voters from "../model/Voters.ts"
import * as LeaseClaim from "./LeaseClaim.ts"
import * as PreVote from "./PreVote.ts"
import * as Voter from "./Voter.ts"

type Context = ElectionContext.ElectionContext

// --- Standing ---

/** The stagger is over. */
export const stand = (election: Context, agreement: Lease.Agreement): void => {
  election.change({ activity: { _tag: "Idle" } })
  if (!Roles.mayStand(election)) return
  if (LeaseClaim.standsIn(election) > 0) return Candidacy.callElection(election)
  const { reign } = election.register
  // It would hear too late that the leader has made way for it, after a lower ranked one.
  if (reign !== null && !Following.hearsLeader(election, reign)) return
  // Alone it is a majority: there is nobody to ask.
  if (reign === null && Lease.suffices([], agreement)) askForVotes(election, agreement, termAbove(election))
  else PreVote.begin(election)
}

/** A term above all that this server has promised or heard of, and above what another says it had claimed. */
const termAbove = (election: Context, claimed = 0): number => {
  const { heard, last } = election.register
  const promised = Voter.promiseIn(election.state, election.name).term
  return Reign.nextTerm(Math.max(heard, promised, last?.term ?? 0, claimed), election.context.now.wall)
}

/**
 * Claims a term. Where a lower one was claimed before, no vote for it counts any more; it is not given back, since a
 * voter that is bound to it may grant this one all the same.
 */
const askForVotes = (election: Context, agreement: Lease.Agreement, standing: number): void => {
  if (!LeaseClaim.begin(election, agreement, standing)) return
  election.change({ activity: { _tag: "Standing", standing } })
  if (Lease.suffices([], agreement)) return lead(election, agreement)
  // A question or a vote may be lost, and a majority would vote. What counts is when it was asked first.
  const again = agreement.duration / 20
  const soon = Math.min(election.state.timing.probeTimeout, again)
  election.sayOften("ask", question(election, agreement, standing), [soon, soon, again, again])
  const patience = agreement.duration / 5 + election.context.random() * agreement.duration / 3
  election.setTimer("ok", patience, { _tag: "NoMajority" })
}

const question = (election: Context, lease: Lease.Agreement, standing: number) =>
  ({ type: "ELECTION", election: election.name, standing, lease }) as const

/**
 * What the pre-vote has come to. Where somebody leads, the servers are bound to that leader: so it is asked to give the lead up
 * first. The server that asks so stands for no term yet, and 0 is none that is granted: if the other leads no more, its promise
 * would have begun before the claim that it is for.
 */
export const afterPreVote = (election: Context, agreement: Lease.Agreement, outcome: PreVote.Outcome): void => {
  if (outcome._tag === "Wait") return
  const { reign } = election.register
  Roles.stopActivity(election)
  if (outcome._tag === "GoOn") {
    if (reign === null) return askForVotes(election, agreement, termAbove(election, outcome.promised))
    election.sayOften("ask", question(election, agreement, 0), Timing.gaps.coordinator, reign.leader)
    return Damping.onAsked(election)
  }
  if (reign !== null) return
  election.change({ preVoteAgainAt: election.context.now.monotonic + outcome.again })
  Candidacy.callElection(election)
}

/** A member answers a probe: perhaps what it would vote. */
export const onAnswered = (
  election: Context,
  agreement: Lease.Agreement,
  message: Message.Of<"SERVER_RESPONSE">
): void => afterPreVote(election, agreement, PreVote.onAnswer(election, agreement, message))

/**
 * No majority has voted in time: the claim is given back, and made anew after a while, so that of two who are in each
 * other's way one goes first.
 */
export const noMajority = (election: Context, agreement: Lease.Agreement): void => {
  Roles.stopActivity(election)
  election.change({ backoffUntil: election.context.now.monotonic + election.context.random() * agreement.duration / 3 })
  Candidacy.callElection(election)
}

/**
 * What kept this server from standing is over. A leader to whom the promise has run out has not renewed it: it is followed
 * through others for as long as they tell of new signs of its life, else to this server it leads no more.
 */
export const eligible = (election: Context, agreement: Lease.Agreement): void => {
  const { life, reign } = election.register
  const promise = Voter.promiseIn(election.state, election.name)
  const lapsed = reign !== null && !election.leads && life.through === null && promise.to?.id === reign.leader.id
    && !Lease.binds(promise, election.context.now.monotonic)
  if (lapsed) {
    const path = LeaderLife.around(election)
    if (path !== null) return Following.goBy(election, reign, path)
    Roles.becomeVacant(election, reign, "LeaseLost", { since: promise.until - agreement.duration })
  }
  Candidacy.callElection(election)
}

// --- What others say ---

/**
 * Somebody stands. Voting for it ends what this server was about to do; a leader that is outranked yields where it is asked
 * to. Who stands because it does not know that there is a leader is told so. Of two that stand at a time the lower ranked one gives
 * its claim back at once: a majority would have voted for either, or it would not stand.
 */
export const onElection = (
  election: Context,
  agreement: Lease.Agreement,
  message: Message.Of<"ELECTION">,
  from: Member.Address
): void => {
  const { sender } = message
  const isAsked = message.standing === 0
  const givesWay = election.register.activity._tag === "Standing" && !isAsked &&
    election.outranks(sender, election.state.self)
  if (givesWay) Roles.stopActivity(election)
  if (Voter.onElection(election.context, agreement, message, from)) {
    Roles.stopActivity(election)
    return waitWhileBound(election)
  }
  if (givesWay) return Candidacy.callElection(election)
  if (!election.leads) return
  if (!isAsked || !election.state.timing.preempt || !election.outranks(sender, election.state.self)) {
    return LeaderNotice.send(election, sender.id, from)
  }
  election.change({ vacancy: { ...election.register.vacancy, successor: sender.id } })
  Roles.endReign(election, "HigherRank")
}

/** Looks again when what was promised to another has run out, if it is not renewed. */
const waitWhileBound = (election: Context): void => {
  const { until } = Voter.promiseIn(election.state, election.name)
  election.setTimer("eligible", Math.ceil(until - election.context.now.monotonic), { _tag: "Eligible" })
}

/** Somebody votes on what this server stands for, or stood for. */
export const onVote = (election: Context, agreement: Lease.Agreement, vote: Message.Of<"VOTE">): void => {
  const { claim, heard } = election.register
  if (vote.promised > heard && !vote.granted) election.change({ heard: vote.promised })
  if (!Lease.countsVote(claim, election.state.self, vote)) return
  const voted = Lease.voted(claim, vote.sender.id)
  election.change({ claim: voted })
  if (Lease.suffices(voted.votes, agreement)) lead(election, agreement)
}

/** The leader renews its lease. */
export const onBeat = (
  election: Context,
  agreement: Lease.Agreement,
  beat: Message.Of<"BEAT">,
  from: Member.Address
): void => {
  if (Voter.onBeat(election.context, agreement, beat, from)) waitWhileBound(election)
}

/** Somebody acknowledges a renewal of ours. */
export const onBeatAck = (election: Context, agreement: Lease.Agreement, ack: Message.Of<"BEAT_ACK">): void => {
  const { claim } = election.register
  if (!Lease.countsAck(claim, election.state.self, ack)) return
  const after = Lease.acknowledged(claim, ack.sender.id, ack.beat, agreement)
  election.change({ claim: after })
  // By a wall clock that was set back and forward, the newer renewal may last less long than the older one.
  if (after.leaseStart !== claim.leaseStart && !endWhereDue(election, agreement)) watchLease(election, agreement, after)
}

/**
 * Somebody gives a claim back: the voters that were bound to it are free. A candidate that outranks it asks all anew, in a term that
 * they may grant: where the votes were split it gets those of the other half. Else each half would have its next one stand
 * before the other gives up, without end. It is said several times, and each claim counts once: a candidate that asked anew
 * for each copy would throw its votes away.
 */
export const onRelease = (
  election: Context,
  agreement: Lease.Agreement,
  { claim, sender }: Message.Of<"RELEASE">
): void => {
  const { isFreed, isNews } = Voter.onRelease(election.context, election.name, sender, claim)
  if (!isNews) return
  const { activity, reign } = election.register
  if (activity._tag === "Standing" && election.outranks(election.state.self, sender)) {
    return askForVotes(election, agreement, termAbove(election, claim))
  }
  if (isFreed) election.clearTimer("eligible")
  if (reign !== null) return
  election.change({ preVoteAgainAt: -Infinity })
  if (activity._tag === "PreVote") PreVote.askAnew(election, activity)
  else Candidacy.callElection(election)
}

// --- Leading ---

const lead = (election: Context, agreement: Lease.Agreement): void => {
  const claim = election.register.claim!
  // Votes that came so late that no work could begin are as good as none.
  const late = Lease.left(claim, agreement, election.context.now) <= election.state.timing.stopTimeout
  if (late || !Roles.mayStand(election)) return noMajority(election, agreement)
  election.change({ claim: { ...claim, held: true } })
  Roles.lead(election, Reign.make(claim.term, election.state.self))
  watchLease(election, agreement, claim)
  renew(election, agreement)
}

/** The next renewal is due. */
export const renew = (election: Context, agreement: Lease.Agreement): void => {
  const { claim } = election.register
  // While its work ends, a leader renews nothing.
  if (claim === null || ElectionContext.ownReign(election.state, election.name) === null) return
  const next = Lease.beaten(claim, agreement, election.context.now)
  election.change({ claim: next })
  Voter.bind(election.context, agreement, election.name, election.state.self, claim.term)
  election.context.say(null, {
    type: "BEAT",
    election: election.name,
    claim: claim.term,
    beat: next.beat,
    lease: agreement
  })
  election.setTimer("beat", Lease.renewalInterval(agreement), { _tag: "RenewLease" })
  if (next.leaseStart !== claim.leaseStart) watchLease(election, agreement, next)
}

/** Has a step taken when work must be ended so that it has its time to stop before the lease is over. */
const watchLease = (election: Context, agreement: Lease.Agreement, claim: Lease.Claim): void => {
  const left = Lease.left(claim, agreement, election.context.now) - election.state.timing.stopTimeout
  election.setTimer("lease", Math.max(0, Math.floor(left)), { _tag: "LeaseEnds" })
}

/**
 * Before anything else in a step: what this server led by a lease that is over, it leads no more; and the work of one
 * that is over in `stopTimeout` is ended now.
 */
export const expire = (context: StepContext, agreement: Lease.Agreement): void => {
  for (const election of ElectionContext.all(context)) endWhereDue(election, agreement)
}

/** Ends what is led by a lease that is over, or over so soon that its work must end; says whether it did. */
const endWhereDue = (election: Context, agreement: Lease.Agreement): boolean => {
  const { claim, ending, reign } = election.register
  if (reign === null || claim === null || !claim.held) return false
  if (!Lease.isHeld(claim, agreement, election.context.now)) endNow(election, reign, ending ?? "LeaseLost")
  else if (mustStop(election, agreement, claim)) stopInTime(election, agreement, claim)
  else return false
  return true
}

/**
 * With each look at the clocks: timers stop while the machine is suspended, and one that slept too shortly for a stall may
 * have a lease that is over sooner than they say.
 */
export const look = (context: StepContext, agreement: Lease.Agreement): void => {
  for (const election of ElectionContext.all(context)) {
    const { claim, ending } = election.register
    if (claim?.held === true && ending === null && isAheadOfTimers(claim, context.now)) {
      watchLease(election, agreement, claim)
    }
  }
}

/** By more than what clocks of whole ms differ by. */
const isAheadOfTimers = ({ leaseStart }: Lease.Claim, now: Now): boolean =>
  Lease.elapsed(leaseStart, now) - (now.monotonic - leaseStart.monotonic) > 1

/** A step is taken when the lease is over, also where the work goes on. */
const stopInTime = (election: Context, agreement: Lease.Agreement, claim: Lease.Claim): void => {
  Roles.endReign(election, whyLost(election, agreement, claim))
  election.setTimer("lease", Math.ceil(Lease.left(claim, agreement, election.context.now)), { _tag: "LeaseEnds" })
}

/** The work, which may not even know yet, has what is left of the promises to stop: nothing is given back. */
const endNow = (election: Context, reign: Reign.Reign, cause: Event.Cause): void => {
  Roles.becomeVacant(election, reign, cause)
  if (election.state.phase === "Leaving") return
  Roles.sayStepsDown(election, cause, null)
  Candidacy.callElection(election)
}

/** A timer fires on whole ms: the last one is left to the work. */
const mustStop = (election: Context, agreement: Lease.Agreement, claim: Lease.Claim): boolean =>
  Lease.left(claim, agreement, election.context.now) < election.state.timing.stopTimeout + 1

/** No majority has acknowledged a renewal for too long; or, by the clock of durations it would still have time, it slept. */
const whyLost = (election: Context, agreement: Lease.Agreement, { leaseStart }: Lease.Claim): Event.Cause =>
  election.context.now.monotonic - leaseStart.monotonic > Lease.lasts(agreement) - election.state.timing.stopTimeout - 2
    ? "MajorityLost"
    : "LeaseLost"

/**
 * A member turns out to lead by no lease, or by another than ours. A server that followed it follows it no more, and not again.
 */
export const onForeign = (election: Context, member: Member.Member): void => {
  const { reign } = election.register
  if (reign?.leader.id !== member.id) return
  Roles.becomeVacant(election, reign, "LeaseLost")
  Candidacy.callElection(election)
}

/** This server goes on under a higher incarnation: what was promised to the former one is for nothing. */
export const onRaised = (election: Context): void => {
  const { claim, reign } = election.register
  if (claim === null) return
  if (claim.held && reign !== null) Roles.becomeVacant(election, reign, "Replaced")
  else Roles.stopActivity(election)
  Candidacy.callElection(election)
}

// --- The majority ---

/**
 * After a step that changed who is there: tells when fewer servers are in view than a majority, so that nobody can lead.
 */
export const countMajority = (context: StepContext, agreement: Lease.Agreement): void => {
  const { minority, phase } = context.state
  if (phase !== "Live") return
  const needed = Lease.majority(agreement)
  const voters = Voters.count(context.state)
  const isMinority = voters < needed
  if (isMinority === minority) return
  context.state.minority = isMinority
  if (isMinority) {
    context.emit({ event: "NoMajority", members: voters, needed, groupSize: agreement.groupSize })
  }
}

/**
 * With each sweep: tells where more voters live than `groupSize` says, since then a majority is none. One that has died or
 * restarted may still be in view, so only those count that gave a sign of life lately, for as long as one may be silent.
 */
export const countServers = (context: StepContext, { groupSize }: Lease.Agreement): void => {
  const { crowdedSince, members, timing } = context.state
  const others = Voters.among(context.state, members)
  const servers = (timing.votes ? 1 : 0) + others.filter(({ id }) => livesSurely(context, id)).length
  context.state.crowdedSince = servers > groupSize ? Math.min(crowdedSince, context.now.monotonic) : Infinity
  if (crowdedSince === -Infinity || context.now.monotonic - context.state.crowdedSince < timing.memberTimeout) return
  context.state.crowdedSince = -Infinity
  context.emit({ event: "GroupTooLarge", servers, groupSize })
}

const livesSurely = (context: StepContext, id: Member.NodeId): boolean => {
  const known = HashMap.getUnsafe(context.state.known, id)
  return context.now.monotonic - known.heardAt <= Timing.overdue(context.expectedInterval(known))
}
