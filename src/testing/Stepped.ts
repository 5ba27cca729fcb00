/** What is seen of one step of one server of a simulated group. */
import type { Output } from "../protocol/model/Output.ts"
import type { Now, State } from "../protocol/model/State.ts"
import type * as Step from "../protocol/Step.ts"
import type * as SimulatedNetwork from "./SimulatedNetwork.ts"

/**
 * One step of one server: what it was, what happened to it, what it has become, and what it left to be done. `start` is 1
 * for its first process; `at` is ms of true time since the group was made.
 */
export interface Stepped {
  readonly at: number
  readonly index: number
  readonly start: number
  readonly host: SimulatedNetwork.Host
  readonly before: State
  readonly input: Step.Input
  readonly now: Now
  readonly after: State
  readonly outputs: ReadonlyArray<Output>
}
