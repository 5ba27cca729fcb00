/**
 * When a server becomes a candidate, in both algorithms: what calls for an election, and for how long this server lets others
 * go first. What a candidate does is the algorithm's own.
 */
import * as LeaseClaim from "../lease/LeaseClaim.ts"
import * as Paths from "../membership/Paths.ts"
import type * as Event from "../model/Event.ts"
import type * as Member from "../model/Member.ts"
import * as Damping from "./Damping.ts"
import type * as ElectionContext from "./ElectionContext.ts"
import * as Following from "./Following.ts"
import * as Roles from "./Roles.ts"

type Context = ElectionContext.ElectionContext

/** Those that rank higher, and do not let all questions go by. */
export const above = (election: Context): ReadonlyArray<Member.Member> =>
  election.others.filter((member) => election.outranks(member, election.state.self) && !election.isSilent(member.id))

/** Those whom nothing keeps from leading before us. */
export const higher = (election: Context): ReadonlyArray<Member.Member> =>
  above(election).filter(({ id }) => id !== election.register.vacancy.ineligible)

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
  const { reign, vacancy } = election.register
  // All know at one time that the last leader is gone: whose turn it is takes the lead at once.
  const isOwnTurn = millis === 0 && reign === null && known.has(vacancy.cause)
  election.setTimer("stand", isOwnTurn ? 0 : millis + election.context.random() * 5, { _tag: "Stand" })
}

const known: ReadonlySet<Event.Cause> = new Set(["Left", "Crashed"])

/** This server takes part from now on: it listens for one discovery window who leads, then stands where it should. */
export const enter = (election: Context): void => {
  if (Roles.mayStand(election)) standAfter(election, election.state.timing.discoveryWindow)
}

/** What this server waited for has not come, or is gone: it stands again. */
export const standAgain = (election: Context): void => {
  Roles.stopActivity(election)
  callElection(election)
}

/**
 * A member, or this server itself, has another priority: a server that outranks the leader now, or is outranked no more by the one that
 * it waits for, is a candidate as where a higher ranked one has joined.
 */
export const onReranked = (election: Context): void =>
  election.register.activity._tag === "Waiting" ? standAgain(election) : callIfDue(election)

/** A member is new: where nobody leads, there is an election. */
export const onJoined = (election: Context): void => {
  if (election.register.reign === null) callElection(election)
}
