/**
 * How the lead is given up, to whom, and who is then ineligible for how long.
 *
 * | | does not stand for | unless |
 * |---|---|---|
 * | who resigned | `memberTimeout` | nobody leads when `coordinatorTimeout` is over |
 * | who handed the lead over, and all who heard of it but the transferee | `memberTimeout` | the same, or the transferee is gone |
 * | who steps down for a time | that time | |
 * | whose leading work of a former reign still runs | until it has finished | |
 * | whose leading work has all failed for good | until some is offered again | |
 *
 * The functions work on a `ElectionContext` and are used by `Step` alone.
 */
import * as LeaseClaim from "../lease/LeaseClaim.ts"
import * as Paths from "../membership/Paths.ts"
import * as Election from "../model/Election.ts"
import * as Event from "../model/Event.ts"
import * as Member from "../model/Member.ts"
import type * as Message from "../model/Message.ts"
import type { State } from "../model/State.ts"
import * as Candidacy from "./Candidacy.ts"
import * as ElectionContext from "./ElectionContext.ts"
import * as Roles from "./Roles.ts"

type Context = ElectionContext.ElectionContext

/** The leader gives the lead up to the highest ranked of the others. */
export const resign = (election: Context): void => giveUp(election, "Resigned")

const giveUp = (
  election: Context,
  cause: "Resigned" | "Transferred" | "WorkOverran",
  transferee: Member.NodeId | null = null
): void => {
  if (ElectionContext.ownReign(election.state, election.name) === null) return
  Roles.becomeIneligible(election, election.state.timing.memberTimeout, { transferee })
  Roles.endReign(election, cause)
}

/** This server is no candidate for so many ms, also while nobody leads. If it leads, it leads no more. */
export const stepDown = (election: Context, millis: number): void => {
  Roles.becomeIneligible(election, millis, { firmly: true })
  Roles.endReign(election, "Resigned")
}

/**
 * Why the lead, of the group unless named, cannot be handed to that member now, or null where it can be. Who takes no part
 * in a named election is no member of it, and who has no vote of none.
 */
export const refusal = (
  state: Pick<State, "self" | "election" | "named" | "known" | "members" | "timing">,
  to: Member.NodeId,
  election = Election.ofGroup
): "NotLeading" | "NoSuchMember" | null =>
  ElectionContext.ownReign(state, election) === null
    ? "NotLeading"
    : ElectionContext.others(state, election).some(({ id }) => id === to)
    ? null
    : "NoSuchMember"

/** The leader hands the lead to a member, where {@link refusal} has nothing against it. */
export const transfer = (election: Context, to: Member.NodeId): void => {
  if (refusal(election.state, to, election.name) === null) giveUp(election, "Transferred", to)
}

/**
 * The leading work has ended (`finished`), or has had its time: now the others hear of it. The successor is the transferee where one was
 * named and is still there, else who asked for the lead, else who outranks the others; those that are known to hear this
 * server first.
 */
export const workEnded = (election: Context, finished: boolean): void => {
  const { phase } = election.state
  const { ineligibility, ending, reign, vacancy } = election.register
  if (ending === null || reign === null) return
  const { transferee } = ineligibility
  const isLost = ending === "Transferred" && !election.others.some(({ id }) => id === transferee)
  if (isLost) election.change({ ineligibility: { ...ineligibility, transferee: null } })
  const cause = isLost ? "Resigned" : ending
  // Who was paused has led nobody since that began.
  const since = cause === "Stalled" ? vacancy.since : election.context.now.monotonic
  Roles.becomeVacant(election, reign, cause, { workEnded: finished, since })
  if (phase === "Leaving" && cause !== "Transferred") return
  const named = cause === "Transferred"
    ? transferee
    : namesNobody.has(cause)
    ? null
    : vacancy.successor ?? successor(election)?.id ?? null
  Roles.sayStepsDown(election, cause, named)
  // It made way for one that others may not have in view: what ranks below that one must not take the place first.
  if (cause === "HigherRank") election.change({ lastUntil: othersFirstUntil(election) })
  Candidacy.callElection(election)
}

const othersFirstUntil = ({ state: { timing }, context }: Context): number =>
  context.now.monotonic + timing.coordinatorTimeout

/** Who ranks highest, rather of those that are known to hear this server: another may never learn that it is named. */
const successor = ({ context, successors }: Context): Member.Member | undefined =>
  successors.find(({ id }) => Paths.isHeardBy(context, id)) ?? successors[0]

/** There may be nobody to name, or none of whom this server knows that it lives; or it goes on itself. */
const namesNobody: ReadonlySet<Event.Cause> = new Set(["TooFewMembers", "Stalled", "Superseded"])

/**
 * The leader stays a member but leads no more. The member that it names goes first; it does not stand in the way itself, and where
 * it handed the lead over, nobody does.
 */
export const onSteppingDown = (election: Context, message: Message.Of<"STEPPING_DOWN">): void => {
  const { timing, self } = election.state
  const { activity, last, reign, vacancy } = election.register
  const { sender, successor } = message
  // `observe` has vacated the place already, by the header: here it is said who goes first.
  if (reign !== null || last === null || last.term !== message.term || !Member.isSameStart(last.leader, sender)) return
  const cause = Event.causeOf(message.cause)
  // Where a heartbeat told of the end first, the reason comes only now.
  if (vacancy.cause !== cause) election.change({ vacancy: { ...vacancy, cause } })
  if (successor === null || successor === vacancy.successor) return
  if (cause !== "Transferred" && activity._tag !== "Pending") return
  Roles.stopActivity(election)
  election.change({ vacancy: { ...vacancy, cause, ineligible: sender.id, successor } })
  if (cause === "Transferred") {
    if (successor === self.id) acceptHeirship(election)
    else Roles.becomeIneligible(election, timing.memberTimeout, { transferee: successor })
  }
  Candidacy.callElection(election)
}

/** A server that is asked to lead lets the others go first no longer, unless it was told to step down for a while. */
const acceptHeirship = (election: Context): void => {
  if (!election.register.ineligibility.firmly) Roles.becomeEligible(election)
}

/**
 * Who abstains looks again: where nobody has taken the lead it stands after all, else it lets the others be for as long as
 * it said.
 */
export const ineligibleOver = (election: Context): void => {
  const { ineligibility: { firmly, until }, reign } = election.register
  const left = until - election.context.now.monotonic
  // Whole ms: what is left of one by rounding would be no time for a timer to run.
  if ((reign !== null || firmly) && left > 0) {
    return election.setTimer("ineligible", Math.ceil(left), { _tag: "IneligibleOver" })
  }
  Roles.becomeEligible(election)
  Candidacy.callElection(election)
}

/** Leading work of the reign of that term has not ended in its time. Until it has, this server leads by no other. */
export const workOverran = (election: Context, term: number): void => {
  election.change({ overrun: true })
  const own = ElectionContext.ownReign(election.state, election.name)
  if (own !== null && own.term !== term) giveUp(election, "WorkOverran")
}

/** The last of the work that had not ended in its time has. */
export const workFinished = (election: Context): void => {
  if (!election.register.overrun) return
  // The voters were bound to us all that time: the others may lead first.
  const lastUntil = election.traits.bindsFollowers ? othersFirstUntil(election) : -Infinity
  election.change({ overrun: false, lastUntil })
  Candidacy.callElection(election)
}

/**
 * No leading work runs any more, of any reign: the lease of this term, which ended without being given back, is now.
 */
export const workIdle = (election: Context, term: number): void => {
  if (LeaseClaim.settle(election, term)) Candidacy.callElection(election)
}

/** All leading work of the app has failed for good. To lead with nothing to do would only keep it from others. */
export const workGivenUp = (election: Context): void => {
  Roles.abandon(election)
  election.change({ hasNoWork: true })
  giveUp(election, "Resigned")
}

/** The app offers leading work again. */
export const workOffered = (election: Context): void => {
  if (!election.register.hasNoWork) return
  election.change({ hasNoWork: false })
  Candidacy.callElection(election)
}
