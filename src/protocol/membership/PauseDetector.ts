/**
 * How a server notices a pause: by it a server learns that it was paused, as a process that was stopped or blocked,
 * or with a machine that was suspended.
 */
import type { Now, State } from "../model/State.ts"
import type { StepContext } from "../model/StepContext.ts"
import * as Timing from "../model/Timing.ts"

type Watched = Pick<State, "lookedAt" | "lookedSinceBoot">
type Clocks = Pick<Now, "monotonic" | "sinceBoot">
type Doubts = Pick<Now, "doubted">

/**
 * Ms since the watch last ran, by the clock by which it is longer: the monotonic one stands still while the machine is
 * suspended. The wall clock has no say: it may be set.
 */
export const pausedFor = ({ lookedAt, lookedSinceBoot }: Watched, { monotonic, sinceBoot }: Clocks): number =>
  Math.max(
    monotonic - lookedAt,
    sinceBoot === undefined || lookedSinceBoot === undefined ? 0 : sinceBoot - lookedSinceBoot
  )

/** Whether a server has been asleep for so long that nothing it holds may be acted on, first of all its lead. */
export const isPaused = (state: Watched & Pick<State, "timing">, now: Clocks): boolean =>
  pausedFor(state, now) > Timing.pauseThreshold(state.timing)

/** Ms by which the uptime of the system went ahead since the watch last ran, while no other clock did. */
export const doubtedFor = ({ doubts }: Pick<State, "doubts">, { doubted = 0 }: Doubts): number =>
  doubted - doubts.watched

/**
 * Whether a server may have been asleep for as long as a stall, by the uptime alone. Not again within `memberTimeout`: an uptime
 * that jumps all the time is not worth more.
 */
export const isInDoubt = (state: Pick<State, "doubts" | "timing">, now: Doubts & Clocks): boolean =>
  doubtedFor(state, now) > Timing.pauseThreshold(state.timing)
  && now.monotonic - state.doubts.toldAt >= state.timing.memberTimeout

/** The first look at the clocks: whatever came before the start is no stall. */
export const start = (context: StepContext): void => {
  context.state.lookedAt = context.now.monotonic
  context.state.lookedSinceBoot = context.now.sinceBoot
  context.state.doubts = { ...context.state.doubts, watched: context.now.doubted ?? 0 }
}

/** A look at the clocks. How late it was is kept, as evidence for whoever judges others by our clock. */
export const look = (context: StepContext): void => {
  const late = pausedFor(context.state, context.now) - Timing.pauseCheckInterval(context.state.timing)
  start(context)
  if (late > context.state.lag.now) context.state.lag = { ...context.state.lag, now: late }
}
