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
import type * as Event from "../model/Event.ts"
import * as Lease from "../model/Lease.ts"
import * as Member from "../model/Member.ts"
import type * as Message from "../model/Message.ts"
import * as Reign from "../model/Reign.ts"
import * as Timing from "../model/Timing.ts"
import * as Damping from "./Damping.ts"
import * as ElectionContext from "./ElectionContext.ts"
import * as Following from "./Following.ts"
import * as Roles from "./Roles.ts"

type Context = ElectionContext.ElectionContext

/** Those whom nothing keeps from leading before us. */
const higher = (election: Context): ReadonlyArray<Member.Member> =>
  election.others.filter((member) =>
    election.outranks(member, election.state.self) && member.id !== election.register.vacancy.ineligible
  )

// --- Standing ---

/**
 * Something calls for an election: this server will stand when its stagger is over. While it is about to, stands, or
 * waits for a higher one, this is the same election.
 */
export const callElection = (election: Context): void => {
  const { activity, vacancy } = election.register
  if (activity._tag !== "Idle" || !Roles.mayStandIfHeard(election)) return
  if (!Roles.isHeard(election)) return Paths.askAround(election.context)
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
  if (reign === null || election.traits.asksFirst || isOwnTurn) return callElection(election)
  if (!Roles.mayStandIfHeard(election) || election.hasTimer("eligible")) return
  election.setTimer("eligible", timing.okTimeout + timing.coordinatorTimeout, { _tag: "Eligible" })
}

const standAfter = (election: Context, millis: number): void => {
  election.change({ activity: { _tag: "Pending" } })
  election.setTimer("stand", millis + election.context.random() * 5, { _tag: "Stand" })
}

/** This server takes part from now on: it listens for one discovery window who leads, then stands where it should. */
export const enter = (election: Context): void => {
  if (Roles.mayStand(election)) standAfter(election, election.state.timing.discoveryWindow)
}

/** The stagger is over. */
export const stand = (election: Context): void => {
  election.change({ activity: { _tag: "Idle" } })
  if (!Roles.mayStand(election)) return
  const { timing } = election.state
  const { last, reign, vacancy } = election.register
  // The leader itself named us: nobody need be asked.
  if (Roles.wasNamed(election)) return Roles.becomeLeader(election)
  if (higher(election).length > 0) return askForObjections(election, timing.okTimeout)
  if (reign === null && vacancy.askFirst) return askForObjections(election, 2 * timing.probeTimeout)
  if (last === null && !Stability.mayPreempt(election.context)) return askForObjections(election, timing.okTimeout)
  Roles.becomeLeader(election)
}

/** Asks at 0, a quarter and a half of the time who objects; leads when it is over. */
const askForObjections = (election: Context, time: number): void => {
  const standing = Reign.nextTerm(election.register.heard, election.context.now.wall)
  election.change({ activity: { _tag: "Standing", standing } })
  election.sayOften("ask", { type: "ELECTION", election: election.name, standing }, [time / 4, time / 4])
  election.setTimer("ok", time, { _tag: "NoObjection" })
}

/** Nobody objected in time. */
export const noObjection = (election: Context): void => {
  Roles.stopActivity(election)
  if (Roles.mayStand(election)) Roles.becomeLeader(election)
}

const waitForHigher = (election: Context): void => {
  Roles.stopActivity(election)
  election.change({ activity: { _tag: "Waiting" } })
  const time = election.state.timing.coordinatorTimeout
  election.setTimer("wait", time + election.context.random() * time / 4, { _tag: "WaitOver" })
}

/** The higher one has not led in time: this server stands again. */
export const waitOver = (election: Context): void => {
  Roles.stopActivity(election)
  callElection(election)
}

// --- What others say ---

/** Tells a server the reign that this one follows, at most once in 100 ms. */
export const sendLeaderNotice = (election: Context, id: Member.NodeId, to: Member.Address): void => {
  const { leaderNotices } = election.register
  const { monotonic } = election.context.now
  if (monotonic - Option.getOrElse(HashMap.get(leaderNotices, id), () => -Infinity) < Timing.leaderNoticeInterval) {
    return
  }
  election.change({ leaderNotices: HashMap.set(leaderNotices, id, monotonic) })
  election.context.say(to, { type: "COORDINATOR", election: election.name, hears: id })
}

/** Somebody stands. */
export const onElection = (election: Context, message: Message.Of<"ELECTION">, from: Member.Address): void => {
  const { members, phase, timing, self } = election.state
  const { sender } = message
  if (election.leads) return sendLeaderNotice(election, sender.id, from)
  if (Following.isPathOver(election, message)) {
    Roles.becomeVacant(election, election.register.reign!, "Silent", { since: election.context.now.monotonic })
  }
  const { reign } = election.register
  if (election.outranks(sender, self)) {
    if (reign !== null) return
    // One that does not hear us may stand again and again for nothing.
    if (Following.isBothWays(election, sender.id)) waitForHigher(election)
    else Paths.request(election.context, sender.id)
    return
  }
  if (phase === "Leaving" || Roles.isIneligible(election) || members.length + 1 < timing.minimumMembers) return
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
  const { ineligibility, activity, life, leaderNotices, reign, vacancy } = election.register
  if (HashMap.has(leaderNotices, member.id)) {
    election.change({ leaderNotices: HashMap.remove(leaderNotices, member.id) })
  }
  if (vacancy.successor === member.id) election.change({ vacancy: { ...vacancy, successor: null } })
  if (reign !== null && Member.isSameStart(reign.leader, member)) {
    const mayLive = reason._tag === "Silent" || reason._tag === "Crashed"
    if (mayLive && life.through !== null) return
    const path = mayLive ? Following.around(election) : null
    if (path !== null) return Following.goBy(election, reign, path, member)
    const since = reason._tag === "Left" ? election.context.now.monotonic : heardAt
    Roles.becomeVacant(election, reign, reason._tag, { askFirst: reason._tag === "Silent", since })
    return callElection(election)
  }
  if (election.leads && members.length + 1 < Lease.needed(timing)) {
    return Roles.endReign(election, members.length + 1 < timing.minimumMembers ? "TooFewMembers" : "MajorityLost")
  }
  Following.withdraw(election, member.id)
  // The transferee is gone before it led: those who made way for it need not wait.
  if (reign === null && ineligibility.transferee === member.id) {
    Roles.becomeEligible(election)
    return callElection(election)
  }
  if (!election.outranks(member, self)) return
  if (activity._tag === "Waiting") return waitOver(election)
  // It was for it to object to a leader that we outrank: now it is for us, if nobody else is above us.
  if (reign !== null) callIfDue(election)
}

/** A member that was asked has not proved that it hears this server. Where it leads, it is dropped. */
export const onUnproven = (election: Context, id: Member.NodeId): void => {
  const { life, reign } = election.register
  if (reign?.leader.id !== id || life.through !== null) return
  if (Following.isDirect(election, id)) return
  const path = Following.around(election)
  if (path !== null) return Following.goBy(election, reign, path)
  Roles.becomeVacant(election, reign, "Deaf")
  callElection(election)
}

/** No member is known to hear this server, and those that were asked did not answer: it leads nobody. */
export const onUnheard = (election: Context): void => Roles.endReign(election, "Unheard")

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
  Roles.becomeVacant(election, reign, "Silent", { askFirst: true, since })
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
    Roles.becomeVacant(election, reign, "Silent")
    return callElection(election)
  }
  if (activity._tag === "Waiting" && election.outranks(member, election.state.self)) waitOver(election)
}

/** This server goes on under a higher incarnation: a reign of its own goes on as a new one. */
export const onRaised = (election: Context): void => {
  if (ElectionContext.ownReign(election.state, election.name) !== null) Roles.becomeLeader(election)
}

/**
 * After a stall of so many ms: whatever was led is over, and nothing that was begun counts. While a lease of ours lasts
 * nobody else can lead; so the others hear of its end when the work, which woke too, has ended.
 */
export const onPause = (election: Context, pausedFor: number): void => {
  const { ending, reign, vacancy } = election.register
  const since = election.context.now.monotonic - pausedFor
  Damping.onPause(election)
  if (LeaseClaim.isHeld(election)) {
    if (ending === null) election.change({ vacancy: { ...vacancy, since } })
    Roles.endReign(election, "Stalled")
  } else if (reign !== null && election.leads) {
    Roles.becomeVacant(election, reign, "Stalled", { since })
    // Who leaves will say so anyhow.
    if (election.state.phase !== "Leaving") Roles.sayStepsDown(election, "Stalled", null)
  }
  Following.forgive(election, pausedFor)
  Roles.abandon(election)
}
