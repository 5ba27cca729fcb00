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
import type * as Member from "../model/Member.ts"
import type * as Message from "../model/Message.ts"
import * as Rules from "../model/Rules.ts"
import type { Known, Timer, Turn } from "../model/Turn.ts"
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
export const isHeardBy = (turn: Turn, id: Member.NodeId): boolean => {
  const known = Option.getOrUndefined(turn.known(id))
  return known !== undefined
    && turn.now.monotonic - known.hearsUsAt <= Rules.patience(turn.state.rules, known.interval)
}

/** Whether a member has proved since then that it hears this server. */
export const wasHeardBy = (turn: Turn, id: Member.NodeId, since: number): boolean =>
  Option.exists(turn.known(id), ({ hearsUsAt }) => hearsUsAt >= since)

/** A member has proved in another way that it hears this server. */
export const noteHeardBy = (turn: Turn, id: Member.NodeId): void => {
  turn.state.known = HashMap.modify(turn.state.known, id, (known) => ({
    ...known,
    hearsUsAt: Math.max(known.hearsUsAt, turn.now.monotonic),
    isReached: false
  }))
  turn.state.provenAt = Math.max(turn.state.provenAt, turn.now.monotonic)
  turn.clearTimer(proofKey(id))
}

/** Whether a member was heard of late. */
const speaks = ({ now }: Turn, { heardAt, interval }: Known): boolean =>
  now.monotonic - heardAt <= Rules.overdue(interval)

/**
 * Whether members speak and nobody has proved lately that it hears this server, also none that is gone since. Those members
 * that say that they see nobody at all do not count: it is them that hear nothing.
 */
export const isUnheard = (turn: Turn): boolean => {
  const { known, provenAt, rules } = turn.state
  if (turn.now.monotonic - provenAt <= Rules.patience(rules, rules.heartbeatInterval)) return false
  return HashMap.some(known, (member) => member.sees !== 1 && speaks(turn, member))
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
  turn: Turn,
  id: Member.NodeId,
  tries: number,
  gap = turn.state.rules.probeTimeout
): void => {
  if (turn.hasTimer(proofKey(id))) return
  const { heardAt, unansweredAt } = HashMap.getUnsafe(turn.state.known, id)
  // It speaks, and did not answer: perhaps what it says takes another way than what it hears.
  if (unansweredAt < heardAt && turn.now.monotonic - unansweredAt <= 4 * turn.state.rules.memberTimeout) {
    PathProbes.ask(turn)
  }
  question(turn, id, tries, gap)
}

/** The last answer has its whole time. */
const question = (turn: Turn, id: Member.NodeId, tries: number, gap: number): void => {
  const { probeTimeout } = turn.state.rules
  turn.sayTo(id, { type: "SERVER_PROBE", nonce: turn.nonce() })
  turn.setTimer(proofKey(id), tries > 1 ? gap : probeTimeout, { _tag: "Proof", id, left: tries - 1, gap })
}

/**
 * What a member says could be followed if it were known to hear this server: it is asked, five times at first and then once,
 * at most once in a heartbeat. Answers whether it is asked for the first time in a while.
 */
export const request = (turn: Turn, id: Member.NodeId): boolean => {
  const known = Option.getOrUndefined(turn.known(id))
  if (known === undefined) return false
  const waited = turn.now.monotonic - known.proofAskedAt
  if (waited < turn.state.rules.heartbeatInterval) return false
  turn.state.known = HashMap.set(turn.state.known, id, { ...known, proofAskedAt: turn.now.monotonic })
  const isFirst = waited > Rules.patience(turn.state.rules, known.interval)
  if (isFirst) ask(turn, id, Rules.probeTries, Math.min(requestGap, turn.state.rules.probeTimeout))
  else ask(turn, id, 1)
  return isFirst
}

/**
 * With each heartbeat: a member that is relied on is asked when half of the time of its last proof is over. One that is silent
 * is asked by the sweeps.
 */
export const keep = (turn: Turn, id: Member.NodeId): void => {
  const known = Option.getOrUndefined(turn.known(id))
  if (known === undefined) return
  if (!speaks(turn, known)) return
  if (known.isReached) {
    if (PathProbes.isDue(turn, known.hearsUsAt)) PathProbes.ask(turn)
    return
  }
  const age = turn.now.monotonic - known.hearsUsAt
  if (age > Rules.patience(turn.state.rules, known.interval) / 2) ask(turn, id, Rules.probeTries)
}

/**
 * A member let a question for a proof go by. Answers whether it was asked often enough and speaks all the same: one that is
 * silent is judged by the sweeps.
 */
export const unanswered = (
  turn: Turn,
  { gap, id, left }: Extract<Timer, { readonly _tag: "Proof" }>
): boolean => {
  const known = HashMap.getUnsafe(turn.state.known, id)
  if (left > 0) {
    if (left <= overOthers && speaks(turn, known)) PathProbes.ask(turn)
    question(turn, id, left, gap)
    return false
  }
  turn.state.known = HashMap.set(turn.state.known, id, { ...known, unansweredAt: turn.now.monotonic })
  return speaks(turn, known)
}

// --- Being heard by nobody ---

/** How many members are asked at a time by a server that none is known to hear. */
const askedAtOnce = 3

/** A server that no member is known to hear asks some of them. */
export const askAround = (turn: Turn): void => {
  const { members } = turn.state
  turn.state.unheardSince = Math.min(turn.state.unheardSince, turn.now.monotonic)
  const first = Math.floor(turn.random() * members.length)
  for (let next = first; next < first + Math.min(askedAtOnce, members.length); next++) {
    ask(turn, members[next % members.length]!.id, Rules.probeTries)
  }
}

/**
 * With each heartbeat: who is heard by nobody asks around. Where nobody has answered by the next heartbeat, it tells so, once
 * until one does. Answers whether that is so now.
 */
export const watch = (turn: Turn): boolean => {
  if (!isUnheard(turn)) {
    turn.state.unheardSince = Infinity
    return false
  }
  askAround(turn)
  const { members, unheardSince: since } = turn.state
  if (turn.now.monotonic - since < Rules.probeTries * turn.state.rules.probeTimeout) return false
  if (since !== -Infinity) turn.emit({ event: "Unheard", members: members.length })
  turn.state.unheardSince = -Infinity
  return true
}
