/** Whose words are taken: those of members, each start of one by itself. What a former start has said is forgotten. */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type { Known } from "../model/State.ts"
import type { StepContext } from "../model/StepContext.ts"
import { collectingFor, type Peer, type Start, type Talk } from "../model/Talk.ts"
import * as ReplayWindow from "../wire/ReplayWindow.ts"

/** The start of a server that a member is. */
export const startOf = ({ id, incarnation }: Start): Start => ({ id, incarnation })

/** A start that has said nothing yet. */
const silent = (incarnation: number): Peer => ({ incarnation, heard: ReplayWindow.empty, oldest: 0, questions: [] })

/** What is remembered of a start that speaks to us; null where it is no member, which is counted. */
export const find = (context: StepContext, from: Start): { readonly known: Known; readonly peer: Peer } | null => {
  if (from.id === context.state.self.id) {
    context.drop("Own")
    return null
  }
  const known = memberOf(context, from)
  if (known === null) {
    context.drop("NoMember")
    return null
  }
  return { known, peer: of(context.state.talk, from).peer }
}

/** What is remembered of a start, and whether it is any. */
export const of = ({ peers }: Talk, { id, incarnation }: Start): { readonly peer: Peer; readonly isSame: boolean } => {
  const peer = Option.getOrUndefined(HashMap.get(peers, id))
  return peer?.incarnation === incarnation ? { peer, isSame: true } : { peer: silent(incarnation), isSame: false }
}

/** The member that is this very start; null where there is none. */
export const memberOf = (context: StepContext, { id, incarnation }: Start): Known | null => {
  const known = Option.getOrNull(context.known(id))
  return known !== null && known.member.incarnation === incarnation ? known : null
}

/**
 * Forgets those that are long gone: while a server may come back as the same start, what it said must not be taken anew. Forgets
 * questions of which parts are missing that nobody repeats: none of these was handled.
 */
export const sweep = (context: StepContext): void => {
  const { known, talk, tombstones } = context.state
  if (HashMap.isEmpty(talk.peers)) return
  const before = context.now.monotonic - collectingFor
  const remembered = HashMap.filter(talk.peers, (_, id) => HashMap.has(known, id) || HashMap.has(tombstones, id))
  const peers = HashMap.map(remembered, (peer) => ({
    ...peer,
    questions: peer.questions.filter(({ stage }) => stage._tag !== "Collecting" || stage.heardAt > before)
  }))
  context.state.talk = { ...talk, peers }
}
