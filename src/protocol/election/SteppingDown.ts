/**
 * How the lead is given up, to whom, and who then stands aside for how long.
 *
 * | | does not stand for | unless |
 * |---|---|---|
 * | who resigned | `memberTimeout` | nobody leads when `coordinatorTimeout` is over |
 * | who handed the lead over, and all who heard of it but the heir | `memberTimeout` | the same, or the heir is gone |
 * | who steps down for a time | that time | |
 * | whose leading work of a former reign still runs | until it has finished | |
 * | whose leading work has all failed for good | until some is offered again | |
 *
 * The functions work on a `Contest` and are used by `Step` alone.
 */
import * as LeaseClaim from "../lease/LeaseClaim.ts"
import * as Paths from "../membership/Paths.ts"
import * as Election from "../model/Election.ts"
import * as Event from "../model/Event.ts"
import * as Member from "../model/Member.ts"
import type * as Message from "../model/Message.ts"
import type { State } from "../model/Turn.ts"
import * as BullyElection from "./BullyElection.ts"
import * as Contest from "./Contest.ts"

type At = Contest.Contest

/** The leader gives the lead up to whoever is highest ranked among the others. */
export const resign = (at: At): void => giveUp(at, "Resigned")

const giveUp = (
  at: At,
  cause: "Resigned" | "Transferred" | "WorkOverran",
  heir: Member.NodeId | null = null
): void => {
  if (Contest.ownReign(at.state, at.name) === null) return
  BullyElection.abstain(at, at.state.rules.memberTimeout, { heir })
  BullyElection.endReign(at, cause)
}

/** This server does not stand for so many ms, whoever leads or does not. If it leads, it leads no more. */
export const stepDown = (at: At, millis: number): void => {
  BullyElection.abstain(at, millis, { firmly: true })
  BullyElection.endReign(at, "Resigned")
}

/**
 * Why the lead, of the group unless named, cannot be handed to that member now, or null where it can be. Who takes no part
 * in a named election is no member of it.
 */
export const refusal = (
  state: Pick<State, "self" | "election" | "named" | "known" | "members">,
  to: Member.NodeId,
  election = Election.ofGroup
): "NotLeading" | "NoSuchMember" | null =>
  Contest.ownReign(state, election) === null
    ? "NotLeading"
    : Contest.others(state, election).some(({ id }) => id === to)
    ? null
    : "NoSuchMember"

/** The leader hands the lead to a member, where {@link refusal} has nothing against it. */
export const transfer = (at: At, to: Member.NodeId): void => {
  if (refusal(at.state, to, at.name) === null) giveUp(at, "Transferred", to)
}

/**
 * The leading work has ended (`finished`), or has had its time: now the others hear of it. The successor is the heir where one was
 * named and is still there, else who asked for the lead, else who outranks the others; those that are known to hear this
 * server first.
 */
export const workEnded = (at: At, finished: boolean): void => {
  const { phase } = at.state
  const { abstention, ending, reign, vacancy } = at.election
  const { coordinatorTimeout, lease } = at.state.rules
  if (ending === null || reign === null) return
  const { heir } = abstention
  const isLost = ending === "Transferred" && !at.others.some(({ id }) => id === heir)
  if (isLost) at.change({ abstention: { ...abstention, heir: null } })
  const cause = isLost ? "Resigned" : ending
  // Who stood still has led nobody since that began.
  const since = cause === "Stalled" ? vacancy.since : at.turn.now.monotonic
  BullyElection.becomeVacant(at, reign, cause, { workEnded: finished, since })
  if (phase === "Leaving" && cause !== "Transferred") return
  const successor = cause === "Transferred"
    ? heir
    : namesNobody.has(cause)
    ? null
    : vacancy.successor ?? highestHeardBy(at)?.id ?? at.highest?.id ?? null
  BullyElection.sayStepsDown(at, cause, successor)
  // It made way for one that others may not have in view: what ranks below that one must not take the place first.
  if (cause === "HigherRank" && lease !== null) {
    at.change({ lastUntil: at.turn.now.monotonic + coordinatorTimeout })
  }
  BullyElection.callElection(at)
}

/** Who ranks highest of those that are known to hear this server: another may never learn that it is named. */
const highestHeardBy = (at: At): Member.Member | undefined =>
  at.others.filter(({ id }) => Paths.isHeardBy(at.turn, id))
    .toSorted((self, that) => Member.compareRank(that, self, at.name))[0]

/** There may be nobody to name, or none of whom this server knows that it lives; or it goes on itself. */
const namesNobody: ReadonlySet<Event.Cause> = new Set(["TooFewMembers", "Stalled", "Superseded"])

/**
 * The leader stays a member but leads no more. Whoever it names goes first; it does not stand in the way itself, and where
 * it handed the lead over, nobody does.
 */
export const onSteppingDown = (at: At, message: Message.Of<"STEPPING_DOWN">): void => {
  const { rules, self } = at.state
  const { activity, last, reign, vacancy } = at.election
  const { sender, successor } = message
  // `observe` has vacated the place already, by the header: here it is said who goes first.
  if (reign !== null || last === null || last.term !== message.term || !Member.isSameStart(last.leader, sender)) return
  const cause = Event.causeOf(message.cause)
  // Where a heartbeat told of the end first, the reason comes only now.
  if (vacancy.cause !== cause) at.change({ vacancy: { ...vacancy, cause } })
  if (successor === null || successor === vacancy.successor) return
  if (cause !== "Transferred" && activity._tag !== "Pending") return
  BullyElection.stopActivity(at)
  at.change({ vacancy: { ...vacancy, cause, excused: sender.id, successor } })
  if (cause === "Transferred") {
    if (successor === self.id) acceptHeirship(at)
    else BullyElection.abstain(at, rules.memberTimeout, { heir: successor })
  }
  BullyElection.callElection(at)
}

/** Who is asked to lead need not let others lead any longer; but for those that do not lead whoever asks. */
const acceptHeirship = (at: At): void => {
  if (!at.election.abstention.firmly) BullyElection.abstainNoLonger(at)
}

/**
 * Who abstains looks again: where nobody has taken the lead it stands after all, else it lets the others be for as long as
 * it said.
 */
export const abstainOver = (at: At): void => {
  const { abstention: { firmly, until }, reign } = at.election
  const left = until - at.turn.now.monotonic
  // Whole ms: what is left of one by rounding would be no time for a timer to run.
  if ((reign !== null || firmly) && left > 0) {
    return at.setTimer("abstain", Math.ceil(left), { _tag: "AbstainOver" })
  }
  BullyElection.abstainNoLonger(at)
  BullyElection.callElection(at)
}

/** Leading work of the reign of that term has not ended in its time. Until it has, this server leads by no other. */
export const workOverran = (at: At, term: number): void => {
  at.change({ overrun: true })
  const own = Contest.ownReign(at.state, at.name)
  if (own !== null && own.term !== term) giveUp(at, "WorkOverran")
}

/** The last of the work that had not ended in its time has. */
export const workFinished = (at: At): void => {
  if (!at.election.overrun) return
  const { coordinatorTimeout, lease } = at.state.rules
  // The voters were bound to us all that time: the others may lead first.
  const lastUntil = lease === null ? -Infinity : at.turn.now.monotonic + coordinatorTimeout
  at.change({ overrun: false, lastUntil })
  BullyElection.callElection(at)
}

/**
 * No leading work runs any more, of whatever reign: the lease of this term, which ended without being given back, is now.
 */
export const workIdle = (at: At, term: number): void => {
  if (LeaseClaim.settle(at, term)) BullyElection.callElection(at)
}

/** All leading work of the app has failed for good. To lead with nothing to do would only keep it from others. */
export const workGivenUp = (at: At): void => {
  BullyElection.abandon(at)
  at.change({ hasNoWork: true })
  giveUp(at, "Resigned")
}

/** The app offers leading work again. */
export const workOffered = (at: At): void => {
  if (!at.election.hasNoWork) return
  at.change({ hasNoWork: false })
  BullyElection.callElection(at)
}
