/**
 * Who leads: the Bully over a register that only grows.
 *
 * The reign is a register that all servers hold and every message carries; the greater `(term, rank)` wins, and a Bully
 * who outranks the leader makes a greater one. Nothing else decides, so lost, doubled and late messages cannot make
 * views differ for longer than it takes to hear one message. After Garcia-Molina, *Elections in a Distributed Computing
 * System* (1982).
 *
 * ```
 *             trigger                  stagger over, a higher one is in view
 *   Idle ───────────────▶ Pending ─────────────────────────────▶ Standing
 *    ▲ ▲                    │  stagger over, none higher            │    │ OK of a higher one
 *    │ └────────────────────┴──────────▶ leads ◀────────────────────┘    ▼
 *    │                                               nobody objects    Waiting ── wait over ──▶ Pending
 *    └── a reign is followed (from any)
 * ```
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as LeaseClaim from "../lease/LeaseClaim.ts"
import * as Membership from "../membership/Membership.ts"
import * as Paths from "../membership/Paths.ts"
import * as Stability from "../membership/Stability.ts"
import * as Election from "../model/Election.ts"
import type * as Event from "../model/Event.ts"
import * as Lease from "../model/Lease.ts"
import * as Member from "../model/Member.ts"
import type * as Message from "../model/Message.ts"
import * as Reign from "../model/Reign.ts"
import * as Rules from "../model/Rules.ts"
import * as Contest from "./Contest.ts"
import * as Damping from "./Damping.ts"
import * as Following from "./Following.ts"

type At = Contest.Contest

/** Those whom nothing keeps from leading before us. */
const higher = (at: At): ReadonlyArray<Member.Member> =>
  at.others.filter((member) => at.outranks(member, at.state.self) && member.id !== at.election.vacancy.excused)

const standsAside = ({ election, turn }: At): boolean => Election.standsAside(election, turn.now.monotonic)

/** Whether this server may stand for the lead, or take it, by its state and what it sees. */
export const mayStand = (at: At): boolean => mayStandIfHeard(at) && isHeard(at)

/** To lead others who do not hear it would be to lead beside another. */
const isHeard = (at: At): boolean =>
  at.state.rules.lease !== null || !(Paths.isUnheard(at.turn) || Damping.isCutOff(at))

const mayStandIfHeard = (at: At): boolean => {
  const { members, phase, rules, self } = at.state
  const { ending, reign, withdrawn } = at.election
  return phase === "Live" && ending === null && !withdrawn && !standsAside(at)
    && members.length + 1 >= Lease.needed(rules)
    && (reign === null || (Damping.mayPreempt(at) && at.outranks(self, reign.leader)))
}

// --- Changes of role ---

/** Whatever this server was about to do for the lead, it does not. */
export const stopActivity = (at: At): void => {
  if (at.election.claim?.held === false) LeaseClaim.end(at)
  at.change({ activity: { _tag: "Idle" } })
  for (const key of ["stand", "ask", "ok", "wait", "pre-vote"]) at.clearTimer(key)
}

/**
 * How a place falls vacant: `askFirst` where the leader may only be silent, `since` when it last gave a sign of life, where
 * that was before now, `workEnded` where the work of our own reign has ended, so that a lease can be given back, `passedUntil`
 * where a greater reign may yet be heard of here.
 */
export interface Vacating {
  readonly askFirst?: boolean
  readonly since?: number
  readonly workEnded?: boolean
  readonly passedUntil?: number
}

/** Nobody leads any more. */
export const becomeVacant = (
  at: At,
  ended: Reign.Reign,
  cause: Event.Cause,
  { askFirst = false, passedUntil = -Infinity, since = at.turn.now.monotonic, workEnded = false }: Vacating = {}
): void => {
  const { rules } = at.state
  const { abstention: { firmly, heir, until }, last, life, overrun } = at.election
  Damping.onVacant(at, cause)
  stopActivity(at)
  LeaseClaim.end(at, workEnded && !overrun)
  at.clearTimer("coordinator")
  at.change({
    reign: null,
    last: Reign.max(last, ended, at.name),
    life: { ...life, through: null, relay: null },
    ending: null,
    vacancy: { cause, since, excused: null, successor: null, askFirst, passedUntil }
  })
  if (heir === ended.leader.id) abstainNoLonger(at)
  // Who resigned and does not stand looks again whether somebody leads.
  else if (until > at.turn.now.monotonic && !firmly) {
    at.setTimer("abstain", rules.coordinatorTimeout, { _tag: "AbstainOver" })
  }
  at.emitChange({ leader: null, from: ended.leader, term: ended.term, cause, without: 0 })
}

/** That reign is followed from now on, by the path that `life` tells of. */
export const becomeFollowerOf = (at: At, reign: Reign.Reign, leader: Member.Member, life: Election.Life): void => {
  const { claim, last, reign: before, vacancy } = at.election
  Damping.onFollowed(at, reign)
  stopActivity(at)
  if (claim?.term !== reign.term) LeaseClaim.end(at)
  at.clearTimer("coordinator")
  at.clearTimer("stepping-down")
  at.change({
    reign,
    last: Reign.max(last, reign, at.name),
    life,
    heard: Math.max(at.election.heard, reign.term),
    ending: null,
    vacancy: { ...vacancy, excused: null, successor: null }
  })
  at.emitChange({
    leader,
    from: (before ?? last)?.leader ?? null,
    term: reign.term,
    cause: before === null ? vacancy.cause : at.outranks(reign.leader, before.leader) ? "HigherRank" : "Superseded",
    without: before === null && last !== null ? Math.round(at.turn.now.monotonic - vacancy.since) : 0,
    ...Following.told(at, life)
  })
}

/** Whether the last leader handed the lead to us. */
const wasNamed = ({ election: { reign, vacancy }, state: { self } }: At): boolean =>
  reign === null && vacancy.cause === "Transferred" && vacancy.successor === self.id

/** This server leads, by a reign above all that it has heard of. */
export const becomeLeader = (at: At): void => {
  const { heard, last } = at.election
  // A reign of ours is never above what we followed by rank alone: the term grows with each.
  const reign = Reign.make(Reign.nextTerm(Math.max(heard, last?.term ?? 0), at.turn.now.wall), at.state.self)
  // Somebody has claimed the last term there is: to lead in it too would take the register back.
  if (last !== null && Reign.compare(reign, last, at.name) <= 0) return abandon(at)
  lead(at, reign)
}

/** Takes the lead by that reign of this server's own, and says so. */
export const lead = (at: At, reign: Reign.Reign): void => {
  const isHeir = wasNamed(at)
  const number = at.name === Election.ofGroup ? 1 : 0
  becomeFollowerOf(at, reign, at.state.self, { ...Election.noLife, number })
  const cause = isHeir ? { cause: "Transferred" } : {}
  at.sayOften("coordinator", { type: "COORDINATOR", election: at.name, ...cause }, Rules.gaps.coordinator)
}

// --- Standing ---

/**
 * Something calls for an election: this server will stand when its stagger is over. While it is about to, stands, or
 * waits for a higher one, this is the same election.
 */
export const callElection = (at: At): void => {
  const { activity, vacancy } = at.election
  if (activity._tag !== "Idle" || !mayStandIfHeard(at)) return
  if (!isHeard(at)) return Paths.askAround(at.turn)
  const wait = Math.max(LeaseClaim.standsIn(at), Damping.standsIn(at), Following.standsIn(at))
  if (wait > 0) return at.setTimer("eligible", wait, { _tag: "Eligible" })
  const before = vacancy.successor === at.state.self.id
    ? 0
    : higher(at).length + (vacancy.successor !== null && higher(at).length === 0 ? 1 : 0)
  standAfter(at, Math.min(1_000, at.state.rules.electionStagger * before))
}

/**
 * Where no trigger calls: where nobody leads, or one whom it outranks, and nobody above would see to that, it stands. Where
 * somebody might, it does so later: that one may wait for a lead that it lost, or stand aside, and nobody is told of that.
 */
export const callIfDue = (at: At): void => {
  const { election: { reign }, state: { rules } } = at
  // Where the lead is yielded on request only, the request may have been lost.
  // Who ranks higher and does not hear us objects to nobody on our word.
  const isOwnTurn = Damping.hasLost(at) || !higher(at).some(({ id }) => Paths.isHeardBy(at.turn, id))
  if (reign === null || rules.lease !== null || isOwnTurn) return callElection(at)
  if (!mayStandIfHeard(at) || at.hasTimer("eligible")) return
  at.setTimer("eligible", rules.okTimeout + rules.coordinatorTimeout, { _tag: "Eligible" })
}

const standAfter = (at: At, millis: number): void => {
  at.change({ activity: { _tag: "Pending" } })
  at.setTimer("stand", millis + at.turn.random() * 5, { _tag: "Stand" })
}

/** This server takes part from now on: it listens for one discovery window who leads, then stands where it should. */
export const enter = (at: At): void => {
  if (mayStand(at)) standAfter(at, at.state.rules.discoveryWindow)
}

/** The stagger is over. */
export const stand = (at: At): void => {
  at.change({ activity: { _tag: "Idle" } })
  if (!mayStand(at)) return
  const { rules } = at.state
  const { last, reign, vacancy } = at.election
  // The leader itself named us: nobody need be asked.
  if (wasNamed(at)) return becomeLeader(at)
  if (higher(at).length > 0) return canvass(at, rules.okTimeout)
  if (reign === null && vacancy.askFirst) return canvass(at, 2 * rules.probeTimeout)
  if (last === null && !Stability.mayPreempt(at.turn)) return canvass(at, rules.okTimeout)
  becomeLeader(at)
}

/** Asks at 0, a quarter and a half of the time who objects; leads when it is over. */
const canvass = (at: At, time: number): void => {
  const standing = Reign.nextTerm(at.election.heard, at.turn.now.wall)
  at.change({ activity: { _tag: "Standing", standing } })
  at.sayOften("ask", { type: "ELECTION", election: at.name, standing }, [time / 4, time / 4])
  at.setTimer("ok", time, { _tag: "NoObjection" })
}

/** Nobody objected in time. */
export const noObjection = (at: At): void => {
  stopActivity(at)
  if (mayStand(at)) becomeLeader(at)
}

const waitForHigher = (at: At): void => {
  stopActivity(at)
  at.change({ activity: { _tag: "Waiting" } })
  const time = at.state.rules.coordinatorTimeout
  at.setTimer("wait", time + at.turn.random() * time / 4, { _tag: "WaitOver" })
}

/** The higher one has not led in time: this server stands again. */
export const waitOver = (at: At): void => {
  stopActivity(at)
  callElection(at)
}

// --- What others say ---

/** Tells a server the reign that this one follows, at most once in 100 ms. */
export const notify = (at: At, id: Member.NodeId, to: Member.Address): void => {
  const { noticed } = at.election
  const { monotonic } = at.turn.now
  if (monotonic - Option.getOrElse(HashMap.get(noticed, id), () => -Infinity) < Rules.noticeInterval) return
  at.change({ noticed: HashMap.set(noticed, id, monotonic) })
  at.turn.say(to, { type: "COORDINATOR", election: at.name, hears: id })
}

/** Somebody stands. */
export const onElection = (at: At, message: Message.Of<"ELECTION">, from: Member.Address): void => {
  const { members, phase, rules, self } = at.state
  const { sender } = message
  if (at.leads) return notify(at, sender.id, from)
  if (Following.isPathOver(at, message)) {
    becomeVacant(at, at.election.reign!, "Silent", { since: at.turn.now.monotonic })
  }
  const { reign } = at.election
  if (at.outranks(sender, self)) {
    if (reign !== null) return
    // One that does not hear us may stand again and again for nothing.
    if (Following.isBothWays(at, sender.id)) waitForHigher(at)
    else Paths.request(at.turn, sender.id)
    return
  }
  if (phase === "Leaving" || standsAside(at) || members.length + 1 < rules.minimumMembers) return
  const above = at.others.filter((member) => at.outranks(member, self))
  // Who may not take the lead has no claim of its own, so it keeps nobody from making theirs.
  if (Damping.objects(at) && (reign === null || Following.vouchesTo(at, reign, message))) {
    at.setTimer(`object:${sender.id}`, 5 * above.length, {
      _tag: "Object",
      to: sender.id,
      standing: message.standing
    })
  }
  if (reign === null) return callElection(at)
  if (reign.leader.id === sender.id || above.filter((member) => member.id !== reign.leader.id).length > 2) return
  const leader = at.turn.known(reign.leader.id)
  if (Option.isSome(leader) && at.turn.now.monotonic - leader.value.heardAt > rules.probeTimeout && phase === "Live") {
    Membership.check(at.turn, reign.leader.id, true)
  }
}

/** The time has come to object to who stands, and nobody higher has. */
export const object = (at: At, to: Member.NodeId, standing: number): void =>
  at.turn.say(null, { type: "OK", election: at.name, to, standing })

/** Somebody objects: to us, or in our place to another. */
export const onOk = (at: At, message: Message.Of<"OK">): void => {
  const { self } = at.state
  const { activity } = at.election
  if (!at.outranks(message.sender, self)) return
  at.clearTimer(`object:${message.to}`)
  if (message.to === self.id && activity._tag === "Standing" && activity.standing === message.standing) {
    waitForHigher(at)
  }
}

// --- What becomes of members ---

/** A member is new: where nobody leads, there is an election. */
export const onJoined = (at: At): void => {
  if (at.election.reign === null) callElection(at)
}

/** A member is gone. `heardAt` is when it was last heard. */
export const onRemoved = (at: At, member: Member.Member, reason: Event.Reason, heardAt: number): void => {
  const { members, rules, self } = at.state
  const { abstention, activity, life, noticed, reign, vacancy } = at.election
  if (HashMap.has(noticed, member.id)) at.change({ noticed: HashMap.remove(noticed, member.id) })
  if (vacancy.successor === member.id) at.change({ vacancy: { ...vacancy, successor: null } })
  if (reign !== null && Member.isSameStart(reign.leader, member)) {
    const mayLive = reason._tag === "Silent" || reason._tag === "Crashed"
    if (mayLive && life.through !== null) return
    const path = mayLive ? Following.around(at) : null
    if (path !== null) return Following.goBy(at, reign, path, member)
    const since = reason._tag === "Left" ? at.turn.now.monotonic : heardAt
    becomeVacant(at, reign, reason._tag, { askFirst: reason._tag === "Silent", since })
    return callElection(at)
  }
  if (at.leads && members.length + 1 < Lease.needed(rules)) {
    return endReign(at, members.length + 1 < rules.minimumMembers ? "TooFewMembers" : "MajorityLost")
  }
  Following.withdraw(at, member.id)
  // The heir is gone before it led: those who made way for it need not wait.
  if (reign === null && abstention.heir === member.id) {
    abstainNoLonger(at)
    return callElection(at)
  }
  if (!at.outranks(member, self)) return
  if (activity._tag === "Waiting") return waitOver(at)
  // It was for it to object to a leader that we outrank: now it is for us, if nobody else is above us.
  if (reign !== null) callIfDue(at)
}

/**
 * A member that was asked has not proved that it hears this server. Where it leads, it is dropped: with a lease its votes say
 * whether it hears.
 */
export const onUnproven = (at: At, id: Member.NodeId): void => {
  const { life, reign } = at.election
  if (reign?.leader.id !== id || at.state.rules.lease !== null || life.through !== null) return
  if (Following.isDirect(at, id)) return
  const path = Following.around(at)
  if (path !== null) return Following.goBy(at, reign, path)
  becomeVacant(at, reign, "Deaf")
  callElection(at)
}

/** No member is known to hear this server, and those that were asked did not answer: it leads nobody. */
export const onUnheard = (at: At): void => endReign(at, "Unheard")

/**
 * With each sweep: a leader that is followed through others and has given no new sign of life for too long is gone; one that
 * is heard by others only is followed through one of them, or not at all.
 */
export const sweep = (at: At): void => {
  const { reign } = at.election
  if (reign === null) return
  const since = Following.endedAt(at, reign)
  if (since === null) return
  const path = Following.around(at)
  if (path !== null) return Following.goBy(at, reign, path)
  becomeVacant(at, reign, "Silent", { askFirst: true, since })
  callElection(at)
}

/**
 * A member that stays takes part no more. Where it led, its word that it does no longer has been lost; its word that it
 * does after all brings its reign back.
 */
export const onWithdrawn = (at: At, member: Member.Member): void => {
  const { activity, reign, vacancy } = at.election
  if (vacancy.successor === member.id) at.change({ vacancy: { ...vacancy, successor: null } })
  if (reign !== null && Member.isSameStart(reign.leader, member)) {
    becomeVacant(at, reign, "Silent")
    return callElection(at)
  }
  if (activity._tag === "Waiting" && at.outranks(member, at.state.self)) waitOver(at)
}

// --- Giving the lead up ---

/**
 * Holds back from standing for so many ms: `firmly`, whoever leads or does not; else unless nobody does, or the `heir` in
 * whose favour it is. What was asked for firmly is not undone by the other.
 */
export const abstain = (
  at: At,
  millis: number,
  { firmly = false, heir = null }: { readonly firmly?: boolean; readonly heir?: Member.NodeId | null } = {}
): void => {
  const { rules } = at.state
  const { abstention } = at.election
  if (!firmly && abstention.firmly) return
  stopActivity(at)
  at.change({ abstention: { until: at.turn.now.monotonic + millis, firmly, heir } })
  at.setTimer("abstain", firmly ? millis : rules.coordinatorTimeout, { _tag: "AbstainOver" })
}

/** Holds back no longer. */
export const abstainNoLonger = (at: At): void => {
  at.change({ abstention: Election.noAbstention })
  at.clearTimer("abstain")
}

/** Ends the leading work of this server; what follows, follows when it has ended. */
export const endReign = (at: At, cause: Event.Cause): void => {
  if (Contest.ownReign(at.state, at.name) === null) return
  at.change({ ending: cause })
  at.clearTimer("coordinator")
  at.turn.outputs.push({ _tag: "EndWork", election: at.name })
}

/** Says to all that this server leads no more, and why. */
export const sayStepsDown = (at: At, cause: Event.Cause, successor: Member.NodeId | null): void =>
  at.sayOften("stepping-down", { type: "STEPPING_DOWN", election: at.name, successor, cause }, Rules.gaps.steppingDown)

/** This server goes on under a higher incarnation: a reign of its own goes on as a new one. */
export const onRaised = (at: At): void => {
  if (Contest.ownReign(at.state, at.name) !== null) becomeLeader(at)
}

/**
 * After a stall of so many ms: whatever was led is over, and nothing that was begun counts. While a lease of ours lasts
 * nobody else can lead; so the others hear of its end when the work, which woke too, has ended.
 */
export const onStall = (at: At, asleep: number): void => {
  const { ending, reign, vacancy } = at.election
  const since = at.turn.now.monotonic - asleep
  Damping.onStall(at)
  if (LeaseClaim.isHeld(at)) {
    if (ending === null) at.change({ vacancy: { ...vacancy, since } })
    endReign(at, "Stalled")
  } else if (reign !== null && at.leads) {
    becomeVacant(at, reign, "Stalled", { since })
    // Who leaves will say so anyhow.
    if (at.state.phase !== "Leaving") sayStepsDown(at, "Stalled", null)
  }
  Following.forgive(at, asleep)
  abandon(at)
}

/** Nothing that was begun counts: candidacy, waiting, and what was to be objected. */
export const abandon = (at: At): void => {
  stopActivity(at)
  at.clearTimers("object:")
}
