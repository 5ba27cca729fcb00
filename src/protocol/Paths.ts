/**
 * Which members hear this server. That it hears them says nothing of it: a firewall or a switch may let messages pass one
 * way only.
 *
 * A proof is what a server can say only to one whom it has heard: an answer to its question, a vote, an acknowledgement, an
 * objection to its candidacy. It holds for as long as a silent member is left in peace. No proof is not a proof of the
 * contrary.
 *
 * @since 0.1.0
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type * as Member from "./Member.ts"
import type * as Message from "./Message.ts"
import * as Rules from "./Rules.ts"
import type { Turn } from "./Turn.ts"

/**
 * Whether a message proves that its sender has heard this server.
 *
 * @category guards
 * @since 0.1.0
 */
export const provesHearing = (self: Member.Member, message: Message.FromServer): boolean => {
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

/**
 * Whether a member is known to hear this server now: it proved so within its patience.
 *
 * @category guards
 * @since 0.1.0
 */
export const isHeardBy = (turn: Turn, id: Member.NodeId): boolean => {
  const known = Option.getOrUndefined(turn.known(id))
  return known !== undefined
    && turn.now.monotonic - known.hearsUsAt <= Rules.patience(turn.state.rules, known.interval)
}

/**
 * Whether a member has proved since then that it hears this server.
 *
 * @category guards
 * @since 0.1.0
 */
export const wasHeardBy = (turn: Turn, id: Member.NodeId, since: number): boolean =>
  Option.exists(turn.known(id), ({ hearsUsAt }) => hearsUsAt >= since)

/**
 * A member has proved in another way that it hears this server.
 *
 * @category transitions
 * @since 0.1.0
 */
export const noteHeardBy = (turn: Turn, id: Member.NodeId): void => {
  turn.state.known = HashMap.modify(turn.state.known, id, (known) => ({ ...known, hearsUsAt: turn.now.monotonic }))
}
