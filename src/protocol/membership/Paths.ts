/**
 * Which members hear this server. That it hears them says nothing of it: a firewall or a switch may let messages pass one
 * way only.
 *
 * A proof is what a server can say only to one whom it has heard: an answer to its question, a vote, an acknowledgement, an
 * objection to its candidacy, a notice. It holds for as long as a silent member is left in peace. No proof is not a proof of
 * the contrary: who is relied on is asked.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Member from "../model/Member.ts"
import type * as Message from "../model/Message.ts"
import type { Known } from "../model/State.ts"
import type { StepContext } from "../model/StepContext.ts"
import type { Timer } from "../model/Timer.ts"
import * as Timing from "../model/Timing.ts"
import * as PathProbes from "./PathProbes.ts"

/** Whether a message proves that its sender has heard this server. */
export const provesHearing = (self: Member.Member, message: Message.FromServer): boolean => {
  if (message.hears === self.id) return true
  switch (message.type) {
    case "SERVER_RESPONSE":
      return true
    case "VOTE":
    case "BEAT_ACK":
      return message.incarnation === self.incarnation
    case "OK":
      return message.to === self.id
    default:
      return false
  }
}

/** Whether a member is known to hear this server now: it proved so within its patience. */
export const isHeardBy = (context: StepContext, id: Member.NodeId): boolean => {
  const known = Option.getOrUndefined(context.known(id))
  return known !== undefined
    && context.now.monotonic - known.hearsUsAt <= Timing.patience(context.state.timing, context.expectedInterval(known))
}

/** Whether a member has proved since then that it hears this server. */
export const wasHeardBy = (context: StepContext, id: Member.NodeId, since: number): boolean =>
  Option.exists(context.known(id), ({ hearsUsAt }) => hearsUsAt >= since)

/** A member has proved in another way that it hears this server. */
export const noteHeardBy = (context: StepContext, id: Member.NodeId): void => {
  context.state.known = HashMap.modify(context.state.known, id, (known) => ({
    ...known,
    hearsUsAt: Math.max(known.hearsUsAt, context.now.monotonic),
    isReached: false
  }))
  context.state.provenAt = Math.max(context.state.provenAt, context.now.monotonic)
  context.clearTimer(proofKey(id))
}

/** Whether a member was heard of late. */
const speaks = (context: StepContext, known: Known): boolean =>
  context.now.monotonic - known.heardAt <= Timing.overdue(context.expectedInterval(known))

/**
 * Whether members speak and nobody has proved lately that it hears this server, also none that is gone since. Those members
 * that say that they see nobody at all do not count: it is them that hear nothing.
 */
export const isUnheard = (context: StepContext): boolean => {
  const { known, provenAt, timing } = context.state
  if (context.now.monotonic - provenAt <= Timing.patience(timing, timing.heartbeatInterval)) return false
  return HashMap.some(known, (member) => member.sees !== 1 && speaks(context, member))
}

// --- Asking ---

/** The key of the timer of a member that is asked for a proof. */
export const proofKey = (id: Member.NodeId): string => `proof:${id}`

/** Beside how many of the last questions the way over others is tried, too. */
const overOthers = 2

/** After how many ms a member is asked again that says what could be followed if it heard us: each lost answer delays a takeover. */
const requestGap = 50

/**
 * Asks a member for a proof that it hears this server, so many times, so many ms apart, unless that is under way. A proof ends it.
 */
export const ask = (
  context: StepContext,
  id: Member.NodeId,
  tries: number,
  gap = context.state.timing.probeTimeout
): void => {
  if (isAsked(context, id)) return
  const { heardAt, unansweredAt } = HashMap.getUnsafe(context.state.known, id)
  // It speaks, and did not answer: perhaps what it says takes another way than what it hears.
  if (unansweredAt < heardAt && context.now.monotonic - unansweredAt <= 4 * context.state.timing.memberTimeout) {
    PathProbes.ask(context)
  }
  question(context, id, tries, gap)
}

/** Whether a member is being asked for a proof. */
export const isAsked = (context: StepContext, id: Member.NodeId): boolean => context.hasTimer(proofKey(id))

/** The last answer has its whole time. */
const question = (context: StepContext, id: Member.NodeId, tries: number, gap: number): void => {
  const { probeTimeout } = context.state.timing
  context.sayTo(id, { type: "SERVER_PROBE", nonce: context.nonce() })
  context.setTimer(proofKey(id), tries > 1 ? gap : probeTimeout, { _tag: "Proof", id, left: tries - 1, gap })
}

/**
 * What a member says could be followed if it were known to hear this server: it is asked, five times at first and then once,
 * at most once in a heartbeat. Answers whether it is asked for the first time in a while.
 */
export const request = (context: StepContext, id: Member.NodeId): boolean => {
  const known = Option.getOrUndefined(context.known(id))
  if (known === undefined) return false
  const waited = context.now.monotonic - known.proofAskedAt
  if (waited < context.state.timing.heartbeatInterval) return false
  context.state.known = HashMap.set(context.state.known, id, { ...known, proofAskedAt: context.now.monotonic })
  const isFirst = waited > Timing.patience(context.state.timing, context.expectedInterval(known))
  if (isFirst) ask(context, id, Timing.probeTries, Math.min(requestGap, context.state.timing.probeTimeout))
  else ask(context, id, 1)
  return isFirst
}

/**
 * With each heartbeat: a member that is relied on is asked when half of the time of its last proof is over. One that is silent
 * is asked by the sweeps.
 */
export const keep = (context: StepContext, id: Member.NodeId): void => {
  const known = Option.getOrUndefined(context.known(id))
  if (known === undefined) return
  if (!speaks(context, known)) return
  if (known.isReached) {
    if (PathProbes.isDue(context, known.hearsUsAt)) PathProbes.ask(context)
    return
  }
  const age = context.now.monotonic - known.hearsUsAt
  if (age > Timing.patience(context.state.timing, context.expectedInterval(known)) / 2) {
    ask(context, id, Timing.probeTries)
  }
}

/**
 * A member let a question for a proof go by. Answers whether it was asked often enough and speaks all the same: one that is
 * silent is judged by the sweeps.
 */
export const unanswered = (
  context: StepContext,
  { gap, id, left }: Extract<Timer, { readonly _tag: "Proof" }>
): boolean => {
  const known = HashMap.getUnsafe(context.state.known, id)
  if (left > 0) {
    if (left <= overOthers && speaks(context, known)) PathProbes.ask(context)
    question(context, id, left, gap)
    return false
  }
  context.state.known = HashMap.set(context.state.known, id, { ...known, unansweredAt: context.now.monotonic })
  return speaks(context, known)
}

// --- Being heard by nobody ---

/** How many members are asked at a time by a server that none is known to hear. */
const askedAtOnce = 3

/** A server that no member is known to hear asks some of them. */
export const askAround = (context: StepContext): void => {
  context.state.unheardSince = Math.min(context.state.unheardSince, context.now.monotonic)
  askSome(context)
}

/**
 * A server that may soon be a candidate looks in time whether anybody hears it: while it followed, perhaps its leader alone has
 * proved so.
 */
export const prepare = (context: StepContext): void => {
  const { members, provenAt, timing, self } = context.state
  const isFar = members[mayStandSoon] !== undefined && Member.outranks(members[mayStandSoon], self)
  if (isFar || context.now.monotonic - provenAt <= Timing.patience(timing, timing.heartbeatInterval) / 2) return
  askSome(context)
}

/** Where more members than these rank higher, one of them will lead. */
const mayStandSoon = 3

const askSome = (context: StepContext): void => {
  const { members } = context.state
  const first = Math.floor(context.random() * members.length)
  for (let next = first; next < first + Math.min(askedAtOnce, members.length); next++) {
    ask(context, members[next % members.length]!.id, Timing.probeTries)
  }
}

/**
 * With each heartbeat: who is heard by nobody asks around. Where nobody has answered by the next heartbeat, it tells so, once
 * until one does. Answers whether that is so now.
 */
export const watch = (context: StepContext): boolean => {
  if (!isUnheard(context)) {
    context.state.unheardSince = Infinity
    return false
  }
  askAround(context)
  const { members, unheardSince: since } = context.state
  if (context.now.monotonic - since < Timing.probeTries * context.state.timing.probeTimeout) return false
  if (since !== -Infinity) context.emit({ event: "Unheard", members: members.length })
  context.state.unheardSince = -Infinity
  return true
}
