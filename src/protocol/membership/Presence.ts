/**
 * What a server says of itself so that others know that it is there: its signs of life, its question who else is, and its
 * answer to theirs.
 */
import * as HashMap from "effect/HashMap"
import * as NamedElections from "../election/NamedElections.ts"
import type * as Member from "../model/Member.ts"
import type * as Message from "../model/Message.ts"
import * as Rules from "../model/Rules.ts"
import type { Turn } from "../model/Turn.ts"
import * as Contacts from "./Contacts.ts"

/** Asks the group who is there. */
export const probeGroup = (turn: Turn): void => {
  turn.state.probe = turn.nonce()
  turn.sayOften("probe", { type: "SERVER_PROBE", nonce: turn.state.probe }, Rules.gaps.probe)
}

/** Says to the group that this server lives. */
export const sayAlive = (turn: Turn): void => turn.say(null, { type: "SERVER_ALIVE", ...signOfLife(turn) })

/** When the last of a burst of probes is said. */
const movedAgain = [Rules.gaps.probe[0] + Rules.gaps.probe[1]]

/** Who knew us hears where we are, and who is there now is asked: it may be another network. */
export const sayMoved = (turn: Turn): void => {
  if (turn.state.phase === "Leaving") return
  // The sockets may still be opening anew, and what is said meanwhile is lost.
  turn.sayOften("moved", { type: "SERVER_ALIVE", ...signOfLife(turn) }, Rules.gaps.probe)
  probeGroup(turn)
  // Who hears no multicast would go on asking for us where we were. A heartbeat by unicast would say that we hear none.
  for (const { address, member: { id } } of HashMap.values(turn.state.known)) {
    turn.sayOften(`moved:${id}`, { type: "SERVER_PROBE", nonce: turn.nonce() }, movedAgain, address)
  }
}

const signOfLife = (turn: Turn) => ({
  ...NamedElections.sign(turn),
  ...Contacts.viewOf(turn.state)
})

/** Answers a probe. */
export const respond = (
  turn: Turn,
  to: Member.Address,
  nonce: string,
  more: { readonly preVote?: Message.PreVote } = {}
): void => turn.say(to, { type: "SERVER_RESPONSE", nonce, ...signOfLife(turn), ...more })
