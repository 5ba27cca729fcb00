/**
 * What a server is in an election, in both algorithms: it follows, leads, or neither. How one becomes another, how a
 * reign of its own ends, and what keeps it from standing.
 */
import * as LeaseClaim from "../lease/LeaseClaim.ts"
import * as Paths from "../membership/Paths.ts"
import * as Election from "../model/Election.ts"
import type * as Event from "../model/Event.ts"
import type * as Member from "../model/Member.ts"
import * as Reign from "../model/Reign.ts"
import * as Timing from "../model/Timing.ts"
import * as Voters from "../model/Voters.ts"
import * as Damping from "./Damping.ts"
import * as ElectionContext from "./ElectionContext.ts"
import * as Following from "./Following.ts"
import * as LeaderPace from "./LeaderPace.ts"

type Context = ElectionContext.ElectionContext

/** Whether it is not to stand for now. */
export const isIneligible = ({ register, context }: Context): boolean =>
  Election.isIneligible(register, context.now.monotonic)

/** Whether this server may stand for the lead, or take it, by its state and what it sees. */
export const mayStand = (election: Context): boolean => mayStandIfHeard(election) && isHeard(election)

/** To lead others who do not hear it would be to lead beside another. */
export const isHeard = (election: Context): boolean =>
  election.traits.isVotedFor || !(Paths.isUnheard(election.context) || Damping.isCutOff(election))

/** The same, heard or not. */
export const mayStandIfHeard = (election: Context): boolean => {
  const { phase, timing, self } = election.state
  const { ending, reign, withdrawn } = election.register
  return phase === "Live" && ending === null && !withdrawn && !isIneligible(election)
    && timing.votes && Voters.areEnough(election.state)
    && (reign === null || (Damping.mayPreempt(election) && election.outranks(self, election.rankOf(reign))))
}

/** What this server was about to do for the lead, it does not. */
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
  const { ineligibility: { firmly, transferee, until }, last, life, overrun } = election.register
  Damping.onVacant(election, cause)
  stopActivity(election)
  LeaseClaim.end(election, workEnded && !overrun)
  election.clearTimer("coordinator")
  election.change({
    reign: null,
    last: Reign.max(last, ended, election.name),
    life: { ...life, through: null, relay: null },
    ending: null,
    vacancy: { cause, since, ineligible: null, successor: null, askFirst, passedUntil }
  })
  if (transferee === ended.leader.id) becomeEligible(election)
  // Who resigned and does not stand looks again whether somebody leads.
  else if (until > election.context.now.monotonic && !firmly) {
    election.setTimer("ineligible", timing.coordinatorTimeout, { _tag: "IneligibleOver" })
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
    vacancy: { ...vacancy, ineligible: null, successor: null }
  })
  election.emitChange({
    leader,
    from: (before ?? last)?.leader ?? null,
    term: reign.term,
    cause: before === null
      ? vacancy.cause
      : election.outranks(reign.leader, election.rankOf(before))
      ? "HigherRank"
      : "Superseded",
    without: before === null && last !== null ? Math.round(election.context.now.monotonic - vacancy.since) : 0,
    ...Following.told(election, life)
  })
}

/** Whether the last leader handed the lead to us. */
export const wasNamed = ({ register: { reign, vacancy }, state: { self } }: Context): boolean =>
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
  LeaderPace.goOn(election.context)
  election.sayOften("coordinator", { type: "COORDINATOR", election: election.name, ...cause }, Timing.gaps.coordinator)
}

// --- Giving the lead up ---

/**
 * Is no candidate for so many ms: `firmly`, also while nobody leads; else unless nobody does, or the `transferee` in
 * whose favour it is. What was asked for firmly is not undone by the other.
 */
export const becomeIneligible = (
  election: Context,
  millis: number,
  { firmly = false, transferee = null }: { readonly firmly?: boolean; readonly transferee?: Member.NodeId | null } = {}
): void => {
  const { timing } = election.state
  const { ineligibility } = election.register
  if (!firmly && ineligibility.firmly) return
  stopActivity(election)
  election.change({ ineligibility: { until: election.context.now.monotonic + millis, firmly, transferee } })
  election.setTimer("ineligible", firmly ? millis : timing.coordinatorTimeout, { _tag: "IneligibleOver" })
}

/** Holds back no longer. */
export const becomeEligible = (election: Context): void => {
  election.change({ ineligibility: Election.noIneligibility })
  election.clearTimer("ineligible")
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

/** Nothing that was begun counts: candidacy, waiting, and what was to be objected. */
export const abandon = (election: Context): void => {
  stopActivity(election)
  election.clearTimers("object:")
}
