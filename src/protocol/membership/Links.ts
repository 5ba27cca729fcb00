/**
 * Links that are missing while both ends live: a member that we do not hear and another does, or one that goes on asking us
 * as if we did not answer. Each is told once, and its end. Nothing is decided by it.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type * as Member from "../model/Member.ts"
import type { Known } from "../model/State.ts"
import type { StepContext } from "../model/StepContext.ts"
import * as Timing from "../model/Timing.ts"

/** A member stays in view by the word of a witness alone. */
export const notHeard = (context: StepContext, known: Known): void => {
  if (known.through === null || known.isLinkMissing) return
  const { member, through } = known
  const witness = Option.getOrNull(Option.map(context.known(through), (one) => one.member))
  context.state.known = HashMap.set(context.state.known, member.id, { ...known, isLinkMissing: true })
  context.emit({ event: "LinkMissing", member, way: "Incoming", through: witness })
}

/** A member is heard: what is known of it from now on. */
export const heard = (context: StepContext, known: Known): Known => {
  if (!known.isLinkMissing) return known
  context.emit({ event: "LinkBack", member: known.member, way: "Incoming" })
  // Where it was heard by unicast first, its next multicast is on its way.
  return { ...known, isLinkMissing: false, multicastAt: known.heardAt }
}

/** A member asks us directly. Who has asked as often as it asks before it removes somebody does not hear our answers. */
export const asked = (context: StepContext, id: Member.NodeId, nonce: string): void => {
  const known = HashMap.getUnsafe(context.state.known, id)
  const { askedBy, deafAt, member } = known
  const times = askedBy.nonce === nonce ? askedBy.times + 1 : 1
  const isDeaf = times >= Timing.probeTries
  if (isDeaf && deafAt === -Infinity) context.emit({ event: "LinkMissing", member, way: "Outgoing", through: null })
  context.state.known = HashMap.set(context.state.known, id, {
    ...known,
    askedBy: { nonce, times },
    deafAt: isDeaf ? context.now.monotonic : deafAt
  })
}

/** Whether a member has asked us so often lately that it does not hear our answers. */
export const isDeaf = ({ deafAt }: Known): boolean => deafAt !== -Infinity

/**
 * With each sweep: who has not asked so for twice its patience hears us, or has removed us. It is asked, once in its patience: an
 * answer tells which. What it said before may come of what it heard of us long ago; a proof that came over others says nothing
 * of the link.
 */
export const sweep = (context: StepContext, known: Known): void => {
  const { deafAt, hearsUsAt, isReached, member } = known
  const patience = Timing.patience(context.state.timing, context.expectedInterval(known))
  if (deafAt === -Infinity || context.now.monotonic - deafAt <= 2 * patience) return
  // What it showed to see of us just before it gave us up proves nothing of now.
  const isBack = hearsUsAt >= deafAt + patience && !isReached
  context.state.known = HashMap.set(context.state.known, member.id, {
    ...known,
    deafAt: isBack ? -Infinity : context.now.monotonic - patience
  })
  if (isBack) context.emit({ event: "LinkBack", member, way: "Outgoing" })
  else context.sayTo(member.id, { type: "SERVER_PROBE", nonce: context.nonce() })
}
