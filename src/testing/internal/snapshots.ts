/**
 * What one start of a server was some time ago, so that it can be set back to it as a machine is to a snapshot. Its fibers
 * know nothing of it.
 */
import * as HashMap from "effect/HashMap"
import type { State } from "../../protocol/model/State.ts"
import type * as Step from "../../protocol/Step.ts"

interface Snapshot {
  /** By its monotonic clock. */
  readonly at: number
  readonly state: State
}

export interface Snapshots {
  readonly step: typeof Step.step
  /** The state that a step begins with: the snapshot's, where the server was set back. */
  readonly before: (current: State) => State
  /** Sets the server back to the newest snapshot that is as old as this (ms of its monotonic clock). */
  readonly setBack: (to: number) => Snapshot | undefined
}

/** Between two snapshots, in ms. */
const apart = 50

export const make = (transition: typeof Step.step, keep: number): Snapshots => {
  const states: Array<Snapshot> = []
  let waiting: Snapshot | undefined

  const note = (state: State, at: number) => {
    // The simulated interfaces are not set back, so no snapshot is kept from before they changed.
    if (states.at(-1)?.state.addresses !== state.addresses) states.length = 0
    if (at - (states.at(-1)?.at ?? -Infinity) < apart || !isAtRest(state)) return
    states.push({ at, state })
    while (states.length > 1 && states[0]!.at < at - keep) states.shift()
  }

  return {
    before: (current) => {
      const state = waiting?.state ?? current
      waiting = undefined
      return state
    },
    step: (state, input, now) => {
      const stepped = transition(state, input, now)
      note(stepped[0], now.monotonic)
      return stepped
    },
    setBack: (to) => {
      const found = states.findLast(({ at }) => at <= to)
      if (found === undefined) return undefined
      waiting = found
      states.splice(states.indexOf(found) + 1)
      return found
    }
  }
}

/** Nothing is under way that a fiber would have to answer for. */
const isAtRest = ({ checks, election: { ending, overrun }, phase }: State): boolean =>
  phase === "Live" && ending === null && !overrun && HashMap.isEmpty(checks)
