/**
 * All depend on a leader, so it gives signs of life at a pace of its own, between its heartbeats, and those who follow it miss it
 * soon. So does the leader of a named election.
 *
 * A leader that was missed three times is asked directly (`FailureDetector`). If that is in vain too, it leads no more here; it
 * stays a member for as long as any other.
 */
import * as Option from "effect/Option"
import * as FailureDetector from "../membership/FailureDetector.ts"
import * as Paths from "../membership/Paths.ts"
import * as PauseDetector from "../membership/PauseDetector.ts"
import type * as Member from "../model/Member.ts"
import type { StepContext } from "../model/StepContext.ts"
import * as Timing from "../model/Timing.ts"
import * as ElectionContext from "./ElectionContext.ts"

// --- The leader ---

const signKey = "leader-sign"

/** A sign of life has just been given, or this server has just come to lead: the next one is due one interval later. */
export const goOn = (context: StepContext): void => {
  const { timing } = context.state
  if (!Timing.keepsPace(timing) || !context.leadsAnything()) return PauseDetector.signNoMore(context)
  PauseDetector.sign(context)
  context.setTimer(signKey, timing.leaderInterval, { _tag: "LeaderSign" })
}

// --- Those who follow ---

const missedKey = (id: Member.NodeId): string => `leader-missed:${id}`

/** A member was heard: if this server follows it, and it keeps a pace, it is missed from now on when it falls silent. */
export const heard = (context: StepContext, id: Member.NodeId): void => {
  const pace = paceOf(context, id)
  if (pace === null) return
  const overdue = Timing.leaderOverdue(pace)
  // One timer is enough for many signs of life: when it fires it looks when the last one came.
  if (context.dueAt(missedKey(id)) > context.now.monotonic + overdue) watch(context, id, overdue)
}

/** The time has come at which a leader may have been missed three times. */
export const missed = (context: StepContext, id: Member.NodeId): void => {
  const pace = paceOf(context, id)
  if (pace === null) return
  const { heardAt, interval } = Option.getOrThrow(context.known(id))
  const overdue = Timing.leaderOverdue(pace)
  const left = Math.ceil(heardAt + overdue - context.now.monotonic)
  if (left > 0) return watch(context, id, left)
  if (context.state.phase !== "Live") return watch(context, id, overdue)
  FailureDetector.check(context, id, { ofLead: true })
  Paths.prepare(context)
  // It may stay by the word of others.
  watch(context, id, Math.max(overdue, interval))
}

const watch = (context: StepContext, id: Member.NodeId, after: number): void =>
  context.setTimer(missedKey(id), after, { _tag: "LeaderMissed", id })

/** The pace of a member that is followed directly in any election; null of any other, and of one that announced none. */
const paceOf = (context: StepContext, id: Member.NodeId): number | null => {
  const pace = Option.getOrUndefined(context.known(id))?.pace ?? null
  return pace !== null && ElectionContext.all(context).some((election) => isFollowedDirectly(election, id))
    ? pace
    : null
}

const isFollowedDirectly = (
  { register: { life, reign } }: ElectionContext.ElectionContext,
  id: Member.NodeId
): boolean => reign?.leader.id === id && life.through === null
