/**
 * How a server notices a pause: by it a server learns that it was paused, as a process that was stopped or blocked,
 * or with a machine that was suspended.
 */
import type { Now, State } from "../model/State.ts"
import type { StepContext } from "../model/StepContext.ts"
import * as Timers from "../model/Timers.ts"
import * as Timing from "../model/Timing.ts"

type Watched = Pick<State, "lookedAt" | "lookedSinceBoot">
type Clocks = Pick<Now, "monotonic" | "sinceBoot">
type Doubts = Pick<Now, "doubted">

/** Ms since an instant, by the clock by which it is longer: the monotonic one stops while the machine is suspended. */
const since = (monotonic: number, sinceBoot: number | undefined, now: Clocks): number =>
  Math.max(
    now.monotonic - monotonic,
    now.sinceBoot === undefined || sinceBoot === undefined ? 0 : now.sinceBoot - sinceBoot
  )

/** Ms since the last step. The wall clock has no say: it may be set. */
export const pausedFor = ({ lookedAt, lookedSinceBoot }: Watched, now: Clocks): number =>
  since(lookedAt, lookedSinceBoot, now)

/** Whether a server did not run for so long that nothing it was about to do may be done, and nobody judged by what it did not hear. */
export const isPaused = (state: Watched & Pick<State, "timing">, now: Clocks): boolean =>
  pausedFor(state, now) > Timing.pauseThreshold(state.timing)

/**
 * Whether a server that leads did not run for so long that others may have replaced it. They miss its signs of life, so that is
 * counted from its last one where it keeps a pace.
 */
export const isLeadOver = (
  state: Watched & Pick<State, "timing" | "signedAt" | "signedSinceBoot">,
  now: Clocks
): boolean =>
  Timing.keepsPace(state.timing)
    ? state.signedAt !== -Infinity
      && since(state.signedAt, state.signedSinceBoot, now) > Timing.leaderReplacedAfter(state.timing)
    : isPaused(state, now)

/** Ms by which the uptime of the system went ahead since the last step, while no other clock did. */
export const doubtedFor = ({ doubts }: Pick<State, "doubts">, { doubted = 0 }: Doubts): number =>
  doubted - doubts.watched

/**
 * Whether a server may have been suspended for as long as a stall, by the uptime alone. Not again within `memberTimeout`: an uptime
 * that jumps all the time is not worth more.
 */
export const isInDoubt = (state: Pick<State, "doubts" | "timing">, now: Doubts & Clocks): boolean =>
  doubtedFor(state, now) > Timing.pauseThreshold(state.timing)
  && now.monotonic - state.doubts.toldAt >= state.timing.memberTimeout

/** The first look at the clocks: what came before the start is no stall. */
export const start = (context: StepContext): void => {
  const { doubts } = context.state
  const { doubted = 0, monotonic, sinceBoot } = context.now
  context.state.lookedAt = monotonic
  context.state.lookedSinceBoot = sinceBoot
  if (doubts.watched !== doubted) context.state.doubts = { ...doubts, watched: doubted }
}

/** A look at the clocks. How late this server was is kept, as evidence for those rules that judge others by our clock. */
export const look = (context: StepContext): void => {
  const { lag, lookedAt, timers, timing } = context.state
  const late = Math.max(
    pausedFor(context.state, context.now) - Timing.pauseCheckInterval(timing),
    context.now.monotonic - Math.max(lookedAt, Timers.nextDue(timers))
  )
  start(context)
  if (late > lag.now) context.state.lag = { ...lag, now: late }
}

/** This server gives a sign of life as a leader: if it is the last one, it leads for so long and no longer. */
export const sign = (context: StepContext): void => {
  context.state.signedAt = context.now.monotonic
  context.state.signedSinceBoot = context.now.sinceBoot
}

/** It leads nothing: it need give no sign of life. */
export const signNoMore = (context: StepContext): void => {
  context.state.signedAt = -Infinity
}
