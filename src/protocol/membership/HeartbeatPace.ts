/**
 * When a server says its next heartbeat. In a small group it does with each tick of `heartbeatInterval`. In a large one it lets
 * ticks go by: as many as the number of members asks for at each of them (the timer reconsideration of RTCP, RFC 3550, 6.3.3), so
 * one that is put off is said yet later if the group has grown since.
 */
import type { State } from "../model/State.ts"
import type { StepContext } from "../model/StepContext.ts"
import * as Timing from "../model/Timing.ts"

/** Whether the heartbeat is said with this tick. The first that is put off gets a time at random. */
export const isDue = (context: StepContext): boolean => {
  const { heartbeatPace: pace, timing } = context.state
  const interval = context.heartbeatInterval()
  if (interval <= timing.heartbeatInterval || pace === "asLeader") return true
  const now = context.now.monotonic
  if (pace === null) {
    context.state.heartbeatPace = { from: now - interval * context.random(), share: 1 }
    return false
  }
  // The tick that is nearest to that time.
  return now - pace.from >= interval * pace.share - timing.heartbeatInterval / 2
}

/** One was said: with the next tick there is another, or it is put off. */
export const said = (context: StepContext): void => {
  context.state.heartbeatPace = context.leadsAnything() ? "asLeader" : putOff(context)
}

/** A leader's heartbeats come with each tick: when it leads no more, the next one says that others come less often. */
const putOff = (context: StepContext): State["heartbeatPace"] =>
  context.heartbeatInterval() <= context.state.timing.heartbeatInterval ? null : {
    from: context.now.monotonic,
    share: Timing.leastShare + (1 - Timing.leastShare) * context.random()
  }
