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
import * as FailureDetector from "../membership/FailureDetector.ts"
import * as Paths from "../membership/Paths.ts"
import * as Stability from "../membership/Stability.ts"
import * as Election from "../model/Election.ts"
import type * as Event from "../model/Event.ts"
import * as Lease from "../model/Lease.ts"
import * as Member from "../model/Member.ts"
import type * as Message from "../model/Message.ts"
import * as Reign from "../model/Reign.ts"
import * as Timing from "../model/Timing.ts"
import * as Damping from "./Damping.ts"
import * as ElectionContext from "./ElectionContext.ts"
import * as Following from "./Following.ts"

type Context = ElectionContext.ElectionContext

/** Those whom nothing keeps from leading before us. */
const higher = (election: Context): ReadonlyArray<Member.Member> =>
  election.others.filter((member) =>
    election.outranks(member, election.state.self) && member.id !== election.register.vacancy.excused
  )

const standsAside = ({ register, context }: Context): boolean => Election.standsAside(register, context.now.monotonic)

/** Whether this server may stand for the lead, or take it, by its state and what it sees. */
export const mayStand = (election: Context): boolean => mayStandIfHeard(election) && isHeard(election)

/** To lead others who do not hear it would be to lead beside another. */
const isHeard = (election: Context): boolean =>
  election.state.timing.lease !== null || !(Paths.isUnheard(election.context) || Damping.isCutOff(election))

const mayStandIfHeard = (election: Context): boolean => {
  const { members, phase, timing, self } = election.state
  const { ending, reign, withdrawn } = election.register
  return phase === "Live" && ending === null && !withdrawn && !standsAside(election)
    && members.length + 1 >= Lease.needed(timing)
    && (reign === null || (Damping.mayPreempt(election) && election.outranks(self, reign.leader)))
}

// --- Changes of role ---

/** Whatever this server was about to do for the lead, it does not. */
export const stopActivity = (election: Context): void => {
  if (election.register.claim?.held === false) LeaseClaim.end(election)
  election.change({ activity: { _tag: "Idle" } })
  for (const key of ["stand", "ask", "ok", "wait", "pre-vote"]) election.clearTimer(key)
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
  election: Context,
  ended: Reign.Reign,
  cause: Event.Cause,
  { askFirst = false, passedUntil = -Infinity, since = election.context.now.monotonic, workEnded = false }: Vacating =
    {}
): void => {
  const { timing } = election.state
  const { abstention: { firmly, heir, until }, last, life, overrun } = election.register
  Damping.onVacant(election, cause)
  stopActivity(election)
  LeaseClaim.end(election, workEnded && !overrun)
  election.clearTimer("coordinator")
  election.change({
    reign: null,
    last: Reign.max(last, ended, election.name),
    life: { ...life, through: null, relay: null },
    ending: null,
    vacancy: { cause, since, excused: null, successor: null, askFirst, passedUntil }
  })
  if (heir === ended.leader.id) abstainNoLonger(election)
  // Who resigned and does not stand looks again whether somebody leads.
  else if (until > election.context.now.monotonic && !firmly) {
    election.setTimer("abstain", timing.coordinatorTimeout, { _tag: "AbstainOver" })
  }
  election.emitChange({ leader: null, from: ended.leader, term: ended.term, cause, without: 0 })
}

/** That reign is followed from now on, by the path that `life` tells of. */
export const becomeFollowerOf = (
  election: Context,
  reign: Reign.Reign,
  leader: Member.Member,
  life: Election.Life
): void => {
  const { claim, last, reign: before, vacancy } = election.register
  Damping.onFollowed(election, reign)
  stopActivity(election)
  if (claim?.term !== reign.term) LeaseClaim.end(election)
  election.clearTimer("coordinator")
  election.clearTimer("stepping-down")
  election.change({
    reign,
    last: Reign.max(last, reign, election.name),
    life,
    heard: Math.max(election.register.heard, reign.term),
    ending: null,
    vacancy: { ...vacancy, excused: null, successor: null }
  })
  election.emitChange({
    leader,
    from: (before ?? last)?.leader ?? null,
    term: reign.term,
    cause: before === null
      ? vacancy.cause
      : election.outranks(reign.leader, before.leader)
      ? "HigherRank"
      : "Superseded",
    without: before === null && last !== null ? Math.round(election.context.now.monotonic - vacancy.since) : 0,
    ...Following.told(election, life)
  })
}

/** Whether the last leader handed the lead to us. */
const wasNamed = ({ register: { reign, vacancy }, state: { self } }: Context): boolean =>
  reign === null && vacancy.cause === "Transferred" && vacancy.successor === self.id

/** This server leads, by a reign above all that it has heard of. */
export const becomeLeader = (election: Context): void => {
  const { heard, last } = election.register
  // A reign of ours is never above what we followed by rank alone: the term grows with each.
  const reign = Reign.make(
    Reign.nextTerm(Math.max(heard, last?.term ?? 0), election.context.now.wall),
    election.state.self
  )
  // Somebody has claimed the last term there is: to lead in it too would take the register back.
  if (last !== null && Reign.compare(reign, last, election.name) <= 0) return abandon(election)
  lead(election, reign)
}

/** Takes the lead by that reign of this server's own, and says so. */
export const lead = (election: Context, reign: Reign.Reign): void => {
  const isHeir = wasNamed(election)
  const number = election.name === Election.ofGroup ? 1 : 0
  becomeFollowerOf(election, reign, election.state.self, { ...Election.noLife, number })
  const cause = isHeir ? { cause: "Transferred" } : {}
  election.sayOften("coordinator", { type: "COORDINATOR", election: election.name, ...cause }, Timing.gaps.coordinator)
}

// --- Standing ---

/**
 * Something calls for an election: this server will stand when its stagger is over. While it is about to, stands, or
 * waits for a higher one, this is the same election.
 */
export const callElection = (election: Context): void => {
  const { activity, vacancy } = election.register
  if (activity._tag !== "Idle" || !mayStandIfHeard(election)) return
  if (!isHeard(election)) return Paths.askAround(election.context)
  const wait = Math.max(LeaseClaim.standsIn(election), Damping.standsIn(election), Following.standsIn(election))
  if (wait > 0) return election.setTimer("eligible", wait, { _tag: "Eligible" })
  const before = vacancy.successor === election.state.self.id
    ? 0
    : higher(election).length + (vacancy.successor !== null && higher(election).length === 0 ? 1 : 0)
  standAfter(election, Math.min(1_000, election.state.timing.electionStagger * before))
}

/**
 * Where no trigger calls: where nobody leads, or one whom it outranks, and nobody above would see to that, it stands. Where
 * somebody might, it does so later: that one may wait for a lead that it lost, or stand aside, and nobody is told of that.
 */
export const callIfDue = (election: Context): void => {
  const { register: { reign }, state: { timing } } = election
  // Where the lead is yielded on request only, the request may have been lost.
  // Who ranks higher and does not hear us objects to nobody on our word.
  const isOwnTurn = Damping.hasLost(election) ||
    !higher(election).some(({ id }) => Paths.isHeardBy(election.context, id))
  if (reign === null || timing.lease !== null || isOwnTurn) return callElection(election)
  if (!mayStandIfHeard(election) || election.hasTimer("eligible")) return
  election.setTimer("eligible", timing.okTimeout + timing.coordinatorTimeout, { _tag: "Eligible" })
}

const standAfter = (election: Context, millis: number): void => {
  election.change({ activity: { _tag: "Pending" } })
  election.setTimer("stand", millis + election.context.random() * 5, { _tag: "Stand" })
}

/** This server takes part from now on: it listens for one discovery window who leads, then stands where it should. */
export const enter = (election: Context): void => {
  if (mayStand(election)) standAfter(election, election.state.timing.discoveryWindow)
}

/** The stagger is over. */
export const stand = (election: Context): void => {
  election.change({ activity: { _tag: "Idle" } })
  if (!mayStand(election)) return
  const { timing } = election.state
  const { last, reign, vacancy } = election.register
  // The leader itself named us: nobody need be asked.
  if (wasNamed(election)) return becomeLeader(election)
  if (higher(election).length > 0) return canvass(election, timing.okTimeout)
  if (reign === null && vacancy.askFirst) return canvass(election, 2 * timing.probeTimeout)
  if (last === null && !Stability.mayPreempt(election.context)) return canvass(election, timing.okTimeout)
  becomeLeader(election)
}

/** Asks at 0, a quarter and a half of the time who objects; leads when it is over. */
const canvass = (election: Context, time: number): void => {
  const standing = Reign.nextTerm(election.register.heard, election.context.now.wall)
  election.change({ activity: { _tag: "Standing", standing } })
  election.sayOften("ask", { type: "ELECTION", election: election.name, standing }, [time / 4, time / 4])
  election.setTimer("ok", time, { _tag: "NoObjection" })
}

/** Nobody objected in time. */
export const noObjection = (election: Context): void => {
  stopActivity(election)
  if (mayStand(election)) becomeLeader(election)
}

const waitForHigher = (election: Context): void => {
  stopActivity(election)
  election.change({ activity: { _tag: "Waiting" } })
  const time = election.state.timing.coordinatorTimeout
  election.setTimer("wait", time + election.context.random() * time / 4, { _tag: "WaitOver" })
}

/** The higher one has not led in time: this server stands again. */
export const waitOver = (election: Context): void => {
  stopActivity(election)
  callElection(election)
}

// --- What others say ---

/** Tells a server the reign that this one follows, at most once in 100 ms. */
export const notify = (election: Context, id: Member.NodeId, to: Member.Address): void => {
  const { noticed } = election.register
  const { monotonic } = election.context.now
  if (monotonic - Option.getOrElse(HashMap.get(noticed, id), () => -Infinity) < Timing.noticeInterval) return
  election.change({ noticed: HashMap.set(noticed, id, monotonic) })
  election.context.say(to, { type: "COORDINATOR", election: election.name, hears: id })
}

/** Somebody stands. */
export const onElection = (election: Context, message: Message.Of<"ELECTION">, from: Member.Address): void => {
  const { members, phase, timing, self } = election.state
  const { sender } = message
  if (election.leads) return notify(election, sender.id, from)
  if (Following.isPathOver(election, message)) {
    becomeVacant(election, election.register.reign!, "Silent", { since: election.context.now.monotonic })
  }
  const { reign } = election.register
  if (election.outranks(sender, self)) {
    if (reign !== null) return
    // One that does not hear us may stand again and again for nothing.
    if (Following.isBothWays(election, sender.id)) waitForHigher(election)
    else Paths.request(election.context, sender.id)
    return
  }
  if (phase === "Leaving" || standsAside(election) || members.length + 1 < timing.minimumMembers) return
  const above = election.others.filter((member) => election.outranks(member, self))
  // Who may not take the lead has no claim of its own, so it keeps nobody from making theirs.
  if (Damping.objects(election) && (reign === null || Following.vouchesTo(election, reign, message))) {
    election.setTimer(`object:${sender.id}`, 5 * above.length, {
      _tag: "Object",
      to: sender.id,
      standing: message.standing
    })
  }
  if (reign === null) return callElection(election)
  if (reign.leader.id === sender.id || above.filter((member) => member.id !== reign.leader.id).length > 2) return
  const leader = election.context.known(reign.leader.id)
  if (
    Option.isSome(leader) && election.context.now.monotonic - leader.value.heardAt > timing.probeTimeout &&
    phase === "Live"
  ) {
    FailureDetector.check(election.context, reign.leader.id, true)
  }
}

/** The time has come to object to who stands, and nobody higher has. */
export const object = (election: Context, to: Member.NodeId, standing: number): void =>
  election.context.say(null, { type: "OK", election: election.name, to, standing })

/** Somebody objects: to us, or in our place to another. */
export const onOk = (election: Context, message: Message.Of<"OK">): void => {
  const { self } = election.state
  const { activity } = election.register
  if (!election.outranks(message.sender, self)) return
  election.clearTimer(`object:${message.to}`)
  if (message.to === self.id && activity._tag === "Standing" && activity.standing === message.standing) {
    waitForHigher(election)
  }
}

// --- What becomes of members ---

/** A member is new: where nobody leads, there is an election. */
export const onJoined = (election: Context): void => {
  if (election.register.reign === null) callElection(election)
}

/** A member is gone. `heardAt` is when it was last heard. */
export const onRemoved = (election: Context, member: Member.Member, reason: Event.Reason, heardAt: number): void => {
  const { members, timing, self } = election.state
  const { abstention, activity, life, noticed, reign, vacancy } = election.register
  if (HashMap.has(noticed, member.id)) election.change({ noticed: HashMap.remove(noticed, member.id) })
  if (vacancy.successor === member.id) election.change({ vacancy: { ...vacancy, successor: null } })
  if (reign !== null && Member.isSameStart(reign.leader, member)) {
    const mayLive = reason._tag === "Silent" || reason._tag === "Crashed"
    if (mayLive && life.through !== null) return
    const path = mayLive ? Following.around(election) : null
    if (path !== null) return Following.goBy(election, reign, path, member)
    const since = reason._tag === "Left" ? election.context.now.monotonic : heardAt
    becomeVacant(election, reign, reason._tag, { askFirst: reason._tag === "Silent", since })
    return callElection(election)
  }
  if (election.leads && members.length + 1 < Lease.needed(timing)) {
    return endReign(election, members.length + 1 < timing.minimumMembers ? "TooFewMembers" : "MajorityLost")
  }
  Following.withdraw(election, member.id)
  // The heir is gone before it led: those who made way for it need not wait.
  if (reign === null && abstention.heir === member.id) {
    abstainNoLonger(election)
    return callElection(election)
  }
  if (!election.outranks(member, self)) return
  if (activity._tag === "Waiting") return waitOver(election)
  // It was for it to object to a leader that we outrank: now it is for us, if nobody else is above us.
  if (reign !== null) callIfDue(election)
}

/**
 * A member that was asked has not proved that it hears this server. Where it leads, it is dropped: with a lease its votes say
 * whether it hears.
 */
export const onUnproven = (election: Context, id: Member.NodeId): void => {
  const { life, reign } = election.register
  if (reign?.leader.id !== id || election.state.timing.lease !== null || life.through !== null) return
  if (Following.isDirect(election, id)) return
  const path = Following.around(election)
  if (path !== null) return Following.goBy(election, reign, path)
  becomeVacant(election, reign, "Deaf")
  callElection(election)
}

/** No member is known to hear this server, and those that were asked did not answer: it leads nobody. */
export const onUnheard = (election: Context): void => endReign(election, "Unheard")

/**
 * With each sweep: a leader that is followed through others and has given no new sign of life for too long is gone; one that
 * is heard by others only is followed through one of them, or not at all.
 */
export const sweep = (election: Context): void => {
  const { reign } = election.register
  if (reign === null) return
  const since = Following.endedAt(election, reign)
  if (since === null) return
  const path = Following.around(election)
  if (path !== null) return Following.goBy(election, reign, path)
  becomeVacant(election, reign, "Silent", { askFirst: true, since })
  callElection(election)
}

/**
 * A member that stays takes part no more. Where it led, its word that it does no longer has been lost; its word that it
 * does after all brings its reign back.
 */
export const onWithdrawn = (election: Context, member: Member.Member): void => {
  const { activity, reign, vacancy } = election.register
  if (vacancy.successor === member.id) election.change({ vacancy: { ...vacancy, successor: null } })
  if (reign !== null && Member.isSameStart(reign.leader, member)) {
    becomeVacant(election, reign, "Silent")
    return callElection(election)
  }
  if (activity._tag === "Waiting" && election.outranks(member, election.state.self)) waitOver(election)
}

// --- Giving the lead up ---

/**
 * Holds back from standing for so many ms: `firmly`, whoever leads or does not; else unless nobody does, or the `heir` in
 * whose favour it is. What was asked for firmly is not undone by the other.
 */
export const abstain = (
  election: Context,
  millis: number,
  { firmly = false, heir = null }: { readonly firmly?: boolean; readonly heir?: Member.NodeId | null } = {}
): void => {
  const { timing } = election.state
  const { abstention } = election.register
  if (!firmly && abstention.firmly) return
  stopActivity(election)
  election.change({ abstention: { until: election.context.now.monotonic + millis, firmly, heir } })
  election.setTimer("abstain", firmly ? millis : timing.coordinatorTimeout, { _tag: "AbstainOver" })
}

/** Holds back no longer. */
export const abstainNoLonger = (election: Context): void => {
  election.change({ abstention: Election.noAbstention })
  election.clearTimer("abstain")
}

/** Ends the leading work of this server; what follows, follows when it has ended. */
export const endReign = (election: Context, cause: Event.Cause): void => {
  if (ElectionContext.ownReign(election.state, election.name) === null) return
  election.change({ ending: cause })
  election.clearTimer("coordinator")
  election.context.outputs.push({ _tag: "EndWork", election: election.name })
}

/** Says to all that this server leads no more, and why. */
export const sayStepsDown = (election: Context, cause: Event.Cause, successor: Member.NodeId | null): void =>
  election.sayOften(
    "stepping-down",
    { type: "STEPPING_DOWN", election: election.name, successor, cause },
    Timing.gaps.steppingDown
  )

/** This server goes on under a higher incarnation: a reign of its own goes on as a new one. */
export const onRaised = (election: Context): void => {
  if (ElectionContext.ownReign(election.state, election.name) !== null) becomeLeader(election)
}

/**
 * After a stall of so many ms: whatever was led is over, and nothing that was begun counts. While a lease of ours lasts
 * nobody else can lead; so the others hear of its end when the work, which woke too, has ended.
 */
export const onStall = (election: Context, asleep: number): void => {
  const { ending, reign, vacancy } = election.register
  const since = election.context.now.monotonic - asleep
  Damping.onStall(election)
  if (LeaseClaim.isHeld(election)) {
    if (ending === null) election.change({ vacancy: { ...vacancy, since } })
    endReign(election, "Stalled")
  } else if (reign !== null && election.leads) {
    becomeVacant(election, reign, "Stalled", { since })
    // Who leaves will say so anyhow.
    if (election.state.phase !== "Leaving") sayStepsDown(election, "Stalled", null)
  }
  Following.forgive(election, asleep)
  abandon(election)
}

/** Nothing that was begun counts: candidacy, waiting, and what was to be objected. */
export const abandon = (election: Context): void => {
  stopActivity(election)
  election.clearTimers("object:")
}
