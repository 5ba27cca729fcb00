/**
 * The watch over a server's own time: by it a server learns that it stood still, as a process that was stopped or blocked,
 * or with a machine that was suspended.
 */
import * as Rules from "../model/Rules.ts"
import type { Now, State, Turn } from "../model/Turn.ts"

type Watched = Pick<State, "watchedAt" | "watchedSinceBoot">
type Clocks = Pick<Now, "monotonic" | "sinceBoot">
type Doubts = Pick<Now, "doubted">

/**
 * Ms since the watch last ran, by the clock by which it is longer: the monotonic one stands still while the machine is
 * suspended. The wall clock has no say: it may be set.
 */
export const unwatchedFor = ({ watchedAt, watchedSinceBoot }: Watched, { monotonic, sinceBoot }: Clocks): number =>
  Math.max(
    monotonic - watchedAt,
    sinceBoot === undefined || watchedSinceBoot === undefined ? 0 : sinceBoot - watchedSinceBoot
  )

/** Whether a server has been asleep for so long that nothing it holds may be acted on, first of all its lead. */
export const isStalled = (state: Watched & Pick<State, "rules">, now: Clocks): boolean =>
  unwatchedFor(state, now) > Rules.stallAfter(state.rules)

/** Ms by which the uptime of the system went ahead since the watch last ran, while no other clock did. */
export const doubtedFor = ({ doubts }: Pick<State, "doubts">, { doubted = 0 }: Doubts): number =>
  doubted - doubts.watched

/**
 * Whether a server may have been asleep for as long as a stall, by the uptime alone. Not again within `memberTimeout`: an uptime
 * that jumps all the time is not worth more.
 */
export const isInDoubt = (state: Pick<State, "doubts" | "rules">, now: Doubts & Clocks): boolean =>
  doubtedFor(state, now) > Rules.stallAfter(state.rules)
  && now.monotonic - state.doubts.toldAt >= state.rules.memberTimeout

/** The first look at the clocks: whatever came before the start is no stall. */
export const start = (turn: Turn): void => {
  turn.state.watchedAt = turn.now.monotonic
  turn.state.watchedSinceBoot = turn.now.sinceBoot
  turn.state.doubts = { ...turn.state.doubts, watched: turn.now.doubted ?? 0 }
}

/** A look at the clocks. How late it was is kept, as evidence for whoever judges others by our clock. */
export const look = (turn: Turn): void => {
  const late = unwatchedFor(turn.state, turn.now) - Rules.watchInterval(turn.state.rules)
  start(turn)
  if (late > turn.state.lag.now) turn.state.lag = { ...turn.state.lag, now: late }
}
