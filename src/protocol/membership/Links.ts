/**
 * Links that are missing while both ends live: a member that we do not hear and another does, or one that goes on asking us
 * as if we did not answer. Each is told once, and its end. Nothing is decided by it.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type * as Member from "../model/Member.ts"
import * as Rules from "../model/Rules.ts"
import type { Known, Turn } from "../model/Turn.ts"

/** A member stays in view by the word of a witness alone. */
export const notHeard = (turn: Turn, known: Known): void => {
  if (known.through === null || known.isLinkMissing) return
  const { member, through } = known
  const witness = Option.getOrNull(Option.map(turn.known(through), (one) => one.member))
  turn.state.known = HashMap.set(turn.state.known, member.id, { ...known, isLinkMissing: true })
  turn.emit({ event: "LinkMissing", member, way: "Incoming", through: witness })
}

/** A member is heard: what is known of it from now on. */
export const heard = (turn: Turn, known: Known): Known => {
  if (!known.isLinkMissing) return known
  turn.emit({ event: "LinkBack", member: known.member, way: "Incoming" })
  // Where it was heard by unicast first, its next multicast is on its way.
  return { ...known, isLinkMissing: false, multicastAt: known.heardAt }
}

/** A member asks us directly. Who has asked as often as it asks before it removes somebody does not hear our answers. */
export const asked = (turn: Turn, id: Member.NodeId, nonce: string): void => {
  const known = HashMap.getUnsafe(turn.state.known, id)
  const { askedBy, deafAt, member } = known
  const times = askedBy.nonce === nonce ? askedBy.times + 1 : 1
  const isDeaf = times >= Rules.probeTries
  if (isDeaf && deafAt === -Infinity) turn.emit({ event: "LinkMissing", member, way: "Outgoing", through: null })
  turn.state.known = HashMap.set(turn.state.known, id, {
    ...known,
    askedBy: { nonce, times },
    deafAt: isDeaf ? turn.now.monotonic : deafAt
  })
}

/**
 * With each sweep: who has not asked so for twice its patience hears us, or has removed us. It is asked, once in its patience: an
 * answer tells which. What it said before may come of what it heard of us long ago; a proof that came over others says nothing
 * of the link.
 */
export const sweep = (turn: Turn, known: Known): void => {
  const { deafAt, hearsUsAt, interval, isReached, member } = known
  const patience = Rules.patience(turn.state.rules, interval)
  if (deafAt === -Infinity || turn.now.monotonic - deafAt <= 2 * patience) return
  // What it showed to see of us just before it gave us up proves nothing of now.
  const isBack = hearsUsAt >= deafAt + patience && !isReached
  turn.state.known = HashMap.set(turn.state.known, member.id, {
    ...known,
    deafAt: isBack ? -Infinity : turn.now.monotonic - patience
  })
  if (isBack) turn.emit({ event: "LinkBack", member, way: "Outgoing" })
  else turn.sayTo(member.id, { type: "SERVER_PROBE", nonce: turn.nonce() })
}
