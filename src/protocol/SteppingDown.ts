/**
 * How the lead is given up, to whom, and who then stands aside for how long.
 *
 * | | does not stand for | unless |
 * |---|---|---|
 * | who resigned | `memberTimeout` | nobody leads when `coordinatorTimeout` is over |
 * | who handed the lead over, and all who heard of it but the heir | `memberTimeout` | the same, or the heir is gone |
 * | who steps down for a time | that time | |
 * | whose leading work of a former reign still runs | until it has finished | |
 *
 * The functions work on a {@link Turn.Turn} and are used by `Step` alone.
 *
 * @since 0.1.0
 */
import * as BullyElection from "./BullyElection.ts"
import * as Event from "./Event.ts"
import * as Member from "./Member.ts"
import type * as Message from "./Message.ts"
import type { State, Turn } from "./Turn.ts"

/**
 * The leader gives the lead up to whoever is highest ranked among the others.
 *
 * @category transitions
 * @since 0.1.0
 */
export const resign = (turn: Turn): void => giveUp(turn, "Resigned")

const giveUp = (
  turn: Turn,
  cause: "Resigned" | "Transferred" | "WorkOverran",
  heir: Member.NodeId | null = null
): void => {
  if (BullyElection.ownReign(turn.state) === null) return
  BullyElection.abstain(turn, turn.state.rules.memberTimeout, { heir })
  BullyElection.endReign(turn, cause)
}

/**
 * This server does not stand for so many ms, whoever leads or does not. If it leads, it leads no more.
 *
 * @category transitions
 * @since 0.1.0
 */
export const stepDown = (turn: Turn, millis: number): void => {
  BullyElection.abstain(turn, millis, { firmly: true })
  BullyElection.endReign(turn, "Resigned")
}

/**
 * Why the lead cannot be handed to that member now, or null where it can be.
 *
 * @category guards
 * @since 0.1.0
 */
export const refusal = (
  state: Pick<State, "self" | "election" | "members">,
  to: Member.NodeId
): "NotLeading" | "NoSuchMember" | null =>
  BullyElection.ownReign(state) === null
    ? "NotLeading"
    : state.members.some(({ id }) => id === to)
    ? null
    : "NoSuchMember"

/**
 * The leader hands the lead to a member, where {@link refusal} has nothing against it.
 *
 * @category transitions
 * @since 0.1.0
 */
export const transfer = (turn: Turn, to: Member.NodeId): void => {
  if (refusal(turn.state, to) === null) giveUp(turn, "Transferred", to)
}

/**
 * The leading work has ended, or has had its time: now the others hear of it. The successor is the heir where one was
 * named and is still there, else who outranks the others.
 *
 * @category transitions
 * @since 0.1.0
 */
export const workEnded = (turn: Turn): void => {
  const { election: { abstention, ending, reign }, members, phase } = turn.state
  if (ending === null || reign === null) return
  const { heir } = abstention
  const isLost = ending === "Transferred" && !members.some(({ id }) => id === heir)
  if (isLost) turn.election({ abstention: { ...abstention, heir: null } })
  const cause = isLost ? "Resigned" : ending
  BullyElection.becomeVacant(turn, reign, cause)
  if (phase === "Leaving" && cause !== "Transferred") return
  const successor = cause === "Transferred" ? heir : cause === "TooFewMembers" ? null : members[0]?.id ?? null
  BullyElection.sayStepsDown(turn, cause, successor)
  BullyElection.callElection(turn)
}

/**
 * The leader stays a member but leads no more. Whoever it names goes first; it does not stand in the way itself, and where
 * it handed the lead over, nobody does.
 *
 * @category transitions
 * @since 0.1.0
 */
export const onSteppingDown = (turn: Turn, message: Message.Of<"STEPPING_DOWN">): void => {
  const { election: { activity, last, reign, vacancy }, rules, self } = turn.state
  const { sender, successor } = message
  // `observe` has vacated the place already, by the header: here it is said who goes first.
  if (reign !== null || last === null || last.term !== message.term || !Member.isSameStart(last.leader, sender)) return
  const cause = Event.causeOf(message.cause)
  // Where a heartbeat told of the end first, the reason comes only now.
  if (vacancy.cause !== cause) turn.election({ vacancy: { ...vacancy, cause } })
  if (successor === null || successor === vacancy.successor) return
  if (cause !== "Transferred" && activity._tag !== "Pending") return
  BullyElection.stopActivity(turn)
  turn.election({ vacancy: { ...vacancy, cause, excused: sender.id, successor } })
  if (cause === "Transferred") {
    if (successor === self.id) acceptHeirship(turn)
    else BullyElection.abstain(turn, rules.memberTimeout, { heir: successor })
  }
  BullyElection.callElection(turn)
}

/** Who is asked to lead need not let others lead any longer; but for those that do not lead whoever asks. */
const acceptHeirship = (turn: Turn): void => {
  if (!turn.state.election.abstention.firmly) BullyElection.abstainNoLonger(turn)
}

/**
 * Who abstains looks again: where nobody has taken the lead it stands after all, else it lets the others be for as long as
 * it said.
 *
 * @category transitions
 * @since 0.1.0
 */
export const abstainOver = (turn: Turn): void => {
  const { abstention: { firmly, until }, reign } = turn.state.election
  const left = until - turn.now.monotonic
  // Whole ms: what is left of one by rounding would be no time for a timer to run.
  if ((reign !== null || firmly) && left > 0) {
    return turn.setTimer("abstain", Math.ceil(left), { _tag: "AbstainOver" })
  }
  BullyElection.abstainNoLonger(turn)
  BullyElection.callElection(turn)
}

/**
 * Leading work of the reign of that term has not ended in its time. Until it has, this server leads by no other.
 *
 * @category transitions
 * @since 0.1.0
 */
export const workOverran = (turn: Turn, term: number): void => {
  turn.election({ overrun: true })
  const own = BullyElection.ownReign(turn.state)
  if (own !== null && own.term !== term) giveUp(turn, "WorkOverran")
}

/**
 * The last of the work that had not ended in its time has.
 *
 * @category transitions
 * @since 0.1.0
 */
export const workFinished = (turn: Turn): void => {
  if (!turn.state.election.overrun) return
  turn.election({ overrun: false })
  BullyElection.callElection(turn)
}
