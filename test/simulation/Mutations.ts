/**
 * Faults as functions over the protocol's one transition: a server that goes by other inputs, other messages, another state or
 * other outputs than it should. They know nothing of how the protocol is written.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type * as Election from "../../src/protocol/model/Election.ts"
import type * as Message from "../../src/protocol/model/Message.ts"
import type { Output } from "../../src/protocol/model/Output.ts"
import type { Known, Now, State } from "../../src/protocol/model/State.ts"
import type * as Step from "../../src/protocol/Step.ts"

export type Transition = typeof Step.step

export type Mutation = (step: Transition) => Transition

/** A message from a server, as it comes. */
export type Heard = Extract<Message.Message, { readonly sender: unknown }>

/** Some inputs never come. */
export const losing = (isLost: (input: Step.Input, state: State, now: Now) => boolean): Mutation =>
(step) =>
(
  state,
  input,
  now
) => isLost(input, state, now) ? [state, []] : step(state, input, now)

/** Inputs come as others. */
export const taking =
  (change: (input: Step.Input, state: State, now: Now) => Step.Input): Mutation => (step) => (state, input, now) =>
    step(state, change(input, state, now), now)

/** What servers say is heard as something else. */
export const hearing = (change: (message: Heard, state: State) => Message.Message): Mutation =>
  taking((input, state) => {
    if (input._tag !== "Received" || !("sender" in input.message)) return input
    return { ...input, message: change(input.message, state) }
  })

/** A step begins with another state than the last one left. */
export const from =
  (change: (state: State, input: Step.Input, now: Now) => State): Mutation => (step) => (state, input, now) =>
    step(change(state, input, now), input, now)

/** One step, whole. */
export interface Made {
  readonly before: State
  readonly input: Step.Input
  readonly now: Now
  readonly after: State
}

/** A step leaves another state than it should. */
export const leaving = (change: (made: Made) => State): Mutation => (step) => (before, input, now) => {
  const [after, outputs] = step(before, input, now)
  return [change({ before, input, now, after }), outputs]
}

/** Some of what a step wants done is not done, or otherwise. */
export const doing =
  (change: (output: Output, made: Made) => ReadonlyArray<Output>): Mutation => (step) => (before, input, now) => {
    const [after, outputs] = step(before, input, now)
    return [after, outputs.flatMap((output) => change(output, { before, input, now, after }))]
  }

/** The settings are others for as long as a step takes. */
export const timed = (change: Partial<State["timing"]>): Mutation => (step) => (state, input, now) => {
  const [after, outputs] = step({ ...state, timing: { ...state.timing, ...change } }, input, now)
  return [{ ...after, timing: state.timing }, outputs]
}

/** A reign that should end in such a step does not. */
export const keepingReign = (isKept: (made: Made) => boolean): Mutation => (step) => (before, input, now) => {
  const [after, outputs] = step(before, input, now)
  if (before.election.reign === null || !isKept({ before, input, now, after })) return [after, outputs]
  return [
    { ...after, election: before.election },
    outputs.filter((output) => output._tag !== "Emit" || output.event.event !== "LeaderChanged")
  ]
}

export const knownOf = (state: State, id: Known["member"]["id"]): Known | undefined =>
  Option.getOrUndefined(HashMap.get(state.known, id))

/** What is known of some members is something else. */
export const withKnown = (state: State, change: (known: Known) => Known): State => ({
  ...state,
  known: HashMap.map(state.known, change)
})

/** The group's own election is another. */
export const withElection = (state: State, change: Partial<Election.Election>): State => ({
  ...state,
  election: { ...state.election, ...change }
})

/** The message of a server that comes with an input. */
export const messageOf = (input: Step.Input): Heard | undefined =>
  input._tag === "Received" && "sender" in input.message ? input.message : undefined
