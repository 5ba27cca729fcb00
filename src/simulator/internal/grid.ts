/** The times of the explorer: all lie on one grid, so that there are few of them. */
import type { State } from "../../protocol/model/State.ts"
import * as Timers from "../../protocol/model/Timers.ts"
import type * as Timing from "../../protocol/model/Timing.ts"

/** All times are made whole multiples of this, in ms. */
export const step = 25

/** The timing of a server: times that lie on the grid, far enough apart to be told apart, and as short as their relations allow. */
export const timing: Timing.Timing = {
  heartbeatInterval: 500,
  leaderInterval: 250,
  cleanupInterval: 500,
  memberTimeout: 1_500,
  probeTimeout: 100,
  discoveryWindow: 200,
  electionStagger: 25,
  okTimeout: 200,
  coordinatorTimeout: 200,
  multicast: true,
  preempt: true,
  stableAfter: 0,
  minimumMembers: 1,
  maxHeartbeatsPerSecond: 500,
  maxMembers: 4_096,
  maxClients: 1_024,
  maxTombstones: 1_024,
  maxMessageBytes: 65_536,
  stopTimeout: 25,
  lease: null,
  votes: true
}

/** With timers that are due at times of the grid, in the order in which they are due. */
export const snapped = (state: State, now: number): State => {
  let timers: State["timers"] = Timers.empty
  for (const { due, key, timer } of state.timers) {
    // What waits for an instant by the clock would find it not come yet, and wait again, without end.
    const toGrid = timer._tag === "Eligible" ? Math.ceil : Math.floor
    timers = Timers.set(timers, key, now + toGrid((due - now) / step) * step, timer)
  }
  return { ...state, timers }
}
