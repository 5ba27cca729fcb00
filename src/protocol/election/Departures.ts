/**
 * What becomes of the lead, in both algorithms, when a member is gone or takes part no more, when nothing is heard of the
 * leader, and when this server was paused.
 */
import * as HashMap from "effect/HashMap"
import * as LeaseClaim from "../lease/LeaseClaim.ts"
import type * as Event from "../model/Event.ts"
import * as Member from "../model/Member.ts"
import * as Voters from "../model/Voters.ts"
import * as Candidacy from "./Candidacy.ts"
import * as Damping from "./Damping.ts"
import type * as ElectionContext from "./ElectionContext.ts"
import * as Following from "./Following.ts"
import * as LeaderLife from "./LeaderLife.ts"
import * as Roles from "./Roles.ts"

type Context = ElectionContext.ElectionContext

/**
 * A member is gone. `heardAt` is when it was last there, as far as is known; `isSure` where no other can have heard it since, so that what others
 * say of its life is old.
 */
export const onRemoved = (
  election: Context,
  member: Member.Member,
  reason: Event.Reason,
  heardAt: number,
  isSure = false
): void => {
  const { members, timing, self } = election.state
  const { ineligibility, activity, life, leaderNotices, reign, vacancy } = election.register
  if (HashMap.has(leaderNotices, member.id)) {
    election.change({ leaderNotices: HashMap.remove(leaderNotices, member.id) })
  }
  if (vacancy.successor === member.id) election.change({ vacancy: { ...vacancy, successor: null } })
  if (reign !== null && Member.isSameStart(reign.leader, member)) {
    // One that was evicted has answered nothing either.
    const cause = reason._tag === "Evicted" ? "Silent" : reason._tag
    const mayLive = !isSure && (cause === "Silent" || cause === "Crashed")
    if (mayLive && life.through !== null) return
    const path = mayLive ? LeaderLife.around(election) : null
    if (path !== null) return Following.goBy(election, reign, path, member)
    const since = cause === "Left" ? election.context.now.monotonic : heardAt
    Roles.becomeVacant(election, reign, cause, { askFirst: cause === "Silent", since })
    return Candidacy.callElection(election)
  }
  if (election.leads && !Voters.areEnough(election.state)) {
    return Roles.endReign(election, members.length + 1 < timing.minimumMembers ? "TooFewMembers" : "MajorityLost")
  }
  LeaderLife.withdraw(election, member.id)
  // The transferee is gone before it led: those who made way for it need not wait.
  if (reign === null && ineligibility.transferee === member.id) {
    Roles.becomeEligible(election)
    return Candidacy.callElection(election)
  }
  if (!election.outranks(member, self)) return
  if (activity._tag === "Waiting") return Candidacy.standAgain(election)
  // It was for it to object to a leader that we outrank: now it is for us, if nobody else is above us.
  if (reign !== null) Candidacy.callIfDue(election)
}

/**
 * A member that is still one has answered nothing, and nobody has heard it since. If it leads, it does so no more here, unless a
 * later sign of its life has come another way.
 */
export const onSilent = (election: Context, member: Member.Member, heardAt: number): void => {
  const { life, reign } = election.register
  if (reign === null || !Member.isSameStart(reign.leader, member) || life.through !== null) return
  const path = LeaderLife.around(election, heardAt)
  if (path !== null) return Following.goBy(election, reign, path)
  Roles.becomeVacant(election, reign, "Silent", { askFirst: true, since: heardAt })
  Candidacy.callElection(election)
}

/**
 * With each sweep: a leader that is followed through others and has given no new sign of life for too long is gone; one that
 * is heard by others only is followed through one of them, or not at all.
 */
export const sweep = (election: Context): void => {
  const { reign } = election.register
  if (reign === null) return
  const since = Following.endedAt(election, reign)
  if (since === null) return
  const path = LeaderLife.around(election)
  if (path !== null) return Following.goBy(election, reign, path)
  Roles.becomeVacant(election, reign, "Silent", { askFirst: true, since })
  Candidacy.callElection(election)
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
    return Candidacy.callElection(election)
  }
  if (activity._tag === "Waiting" && election.outranks(member, election.state.self)) Candidacy.standAgain(election)
}

/**
 * After a stall of so many ms: nothing that was begun counts, and if others may have replaced this server (`isLeadOver`)
 * all that it led is over. While a lease of ours lasts nobody else can lead; so the others hear of its end when the work, which
 * woke too, has ended.
 */
export const onPause = (election: Context, pausedFor: number, isLeadOver: boolean): void => {
  const { ending, reign, vacancy } = election.register
  const since = election.context.now.monotonic - pausedFor
  Damping.onPause(election)
  if (LeaseClaim.isHeld(election)) {
    if (ending === null) election.change({ vacancy: { ...vacancy, since } })
    Roles.endReign(election, "Stalled")
  } else if (reign !== null && election.leads && isLeadOver) {
    Roles.becomeVacant(election, reign, "Stalled", { since })
    // Who leaves will say so anyhow.
    if (election.state.phase !== "Leaving") Roles.sayStepsDown(election, "Stalled", null)
  }
  LeaderLife.forgive(election, pausedFor)
  Roles.abandon(election)
}
