/** The working copy of one step of a server or a client: a state to change, the time, the randomness, and the outputs. */
import { Entropy } from "./Entropy.ts"
import type { Now } from "./State.ts"

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** An event whose time is that of the step. */
export type Untimed<E> = E extends { readonly at: number } ? Omit<E, "at"> : never

/** One step while it lasts. */
export class WorkingCopy<State extends object, Output> extends Entropy {
  readonly state: Mutable<State>
  readonly now: Now
  readonly outputs: Array<Output> = []

  constructor(state: State, now: Now) {
    super(now.entropy)
    this.state = { ...state }
    this.now = now
  }
}
