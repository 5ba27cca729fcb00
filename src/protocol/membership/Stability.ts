/**
 * Whether a server has lived long enough to take the lead from a healthy leader: one that starts, dies and starts again
 * must not move the lead each time (`stableAfter`).
 *
 * Until then a server is a newcomer: it follows a leader whom it outranks, as all do where `preempt` is off. A vacant
 * place it takes as any other, so that no group is without a leader for its sake.
 */
import * as Option from "effect/Option"
import type * as Member from "../model/Member.ts"
import type { StepContext } from "../model/StepContext.ts"

/** A server starts: it is a newcomer for as long as `stableAfter` says. */
export const start = (context: StepContext): void => {
  if (context.state.newcomer) context.setTimer("stable", context.state.timing.stableAfter, { _tag: "Stable" })
}

/** Its priority has been raised: that moves the lead no sooner than a server of that priority would that starts now. */
export const risen = (context: StepContext): void => {
  context.state.newcomer = context.state.timing.stableAfter > 0
  start(context)
}

/** It has lived long enough. What it may do now, an election called next decides. */
export const reached = (context: StepContext): void => {
  context.state.newcomer = false
}

/** Whether this server may depose a healthy leader whom it outranks. */
export const mayPreempt = (context: StepContext): boolean => context.state.timing.preempt && !context.state.newcomer

/**
 * Whether another has been a member for long enough that, if it follows a leader whom it outranks, it may depose that one.
 * As far as we know: of one that we have only just met it is assumed that it has only just started.
 */
export const isStable = (context: StepContext, id: Member.NodeId): boolean => {
  const known = Option.getOrUndefined(context.known(id))
  return known !== undefined && context.now.monotonic - known.joinedAt >= context.state.timing.stableAfter
}
