/**
 * What marks of scheduled runs must not get wrong.
 */
import type { Output } from "../../src/protocol/model/Output.ts"
import type * as Step from "../../src/protocol/Step.ts"
import type { Mutant } from "./Mutants.ts"
import { hearing, type Mutation } from "./Mutations.ts"

/** What happens to a group at an instant of a job: see `run-mutants.test.ts`. */
export type Story =
  | "the leader is cut off before an instant"
  | "the leader dies after a run"
  | "the next leader has missed a mark"
  | "servers restart in turn"

export type RunMutant = Mutant & {
  /** The stories in which an instant runs twice. */
  readonly stories: ReadonlyArray<Story>
}

type MarkRun = Extract<Step.Input, { readonly _tag: "MarkRun" }>

const answer = ({ mark, request }: MarkRun): Output => ({
  _tag: "RunMarked",
  request,
  known: { ...mark, since: 0 }
})

const isQuestion = ({ mark: { begun, done } }: MarkRun): boolean => begun === 0 && done === 0

/** Requests of a kind are answered at once; `also` the protocol still does what it does. */
const answering = (which: (input: MarkRun) => boolean, also: boolean): Mutation => (step) => (state, input, now) => {
  if (input._tag !== "MarkRun" || !which(input)) return step(state, input, now)
  const [after, outputs] = step(state, also ? input : { _tag: "Due" }, now)
  return [after, [...outputs.filter(({ _tag }) => _tag !== "RunMarked"), answer(input)]]
}

/** Of a server that has started anew it is taken that it knows of all runs. */
const believing: Mutation = (step) => (state, input, now) => {
  const [after, outputs] = step(state, input, now)
  const known = (output: Output): Output =>
    output._tag === "RunMarked" ? { ...output, known: { ...output.known, since: 0 } } : output
  return [after, outputs.map(known)]
}

export const mutants: ReadonlyArray<RunMutant> = [
  {
    name: "a run begins when it is noted by less than a majority",
    stories: ["the leader is cut off before an instant"],
    mutate: answering((input) => !isQuestion(input), true)
  },
  {
    name: "a run is noted when it is done, not before it begins",
    stories: ["the leader dies after a run", "the leader is cut off before an instant"],
    mutate: answering(({ mark: { begun, done } }) => begun > done, false)
  },
  {
    name: "a new leader does not ask which runs have begun",
    stories: ["the leader dies after a run", "the next leader has missed a mark"],
    mutate: answering(isQuestion, false)
  },
  {
    name: "a new leader passes over what the others know",
    stories: ["the next leader has missed a mark"],
    mutate: hearing((message) => message.type === "RUN_MARKED" ? { ...message, begun: 0 } : message)
  },
  {
    name: "a server that has started anew counts as one that knows all runs",
    stories: ["servers restart in turn"],
    mutate: believing
  }
]
