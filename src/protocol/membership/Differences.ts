/**
 * Views that differ from the leader's, where multicast tells all of all. A difference is known by the exclusive or of the two
 * digests: that is the digest of the members by which the views differ, even if others join and leave in both meanwhile. So of
 * one member it is that member's own.
 *
 * A difference that was seen twice is looked into, and then ever more seldom: a missing link makes it last.
 */
import type { Difference } from "../model/Reach.ts"
import type { State } from "../model/State.ts"
import type { StepContext } from "../model/StepContext.ts"

/** How many are told apart: a leader hears of those of all others. */
const maxDifferences = 16
/** After how many heartbeats a difference that stays is looked into again at last. */
const longestWait = 64
/** About how many followers look into theirs in one heartbeat, however large the group. */
const lookersWanted = 16

/** Whether this server's view has differed for a while from the leader's, or others' from its own. */
export const isLasting = ({ contacts }: State): boolean => contacts.differences.some(({ lasts }) => lasts)

/** The views are the same. */
export const end = (context: StepContext): void => {
  context.state.contacts = { ...context.state.contacts, differences: [] }
}

/**
 * A view differs by so much. Answers whether that is to be looked into now. `leads`: by this server, which hears of the
 * differences of all.
 */
export const isDue = (context: StepContext, of: number, leads: boolean): boolean => {
  const { contacts, members, timing: { heartbeatInterval } } = context.state
  const now = context.now.monotonic
  const before = contacts.differences.find((one) => one.of === of)
  const others = leads ? contacts.differences.filter((one) => one !== before) : []
  const keep = (difference: Difference): void => {
    const differences = [...others, difference].slice(-maxDifferences)
    context.state.contacts = { ...context.state.contacts, differences }
  }
  if (before === undefined) {
    keep({ of, lasts: false, wait: heartbeatInterval, againAt: now + heartbeatInterval / 2 })
    return false
  }
  const isTurn = now >= before.againAt
  const isChosen = leads
    ? now - contacts.comparedAt >= heartbeatInterval
    : context.random() * members.length < lookersWanted
  if (!isTurn || !isChosen) {
    keep({ ...before, lasts: before.lasts || isTurn })
    return false
  }
  const wait = Math.min(longestWait * heartbeatInterval, 2 * before.wait)
  keep({ of, lasts: true, wait, againAt: now + before.wait })
  context.state.contacts = { ...context.state.contacts, comparedAt: now }
  return true
}
