/**
 * What a server without a vote, and those that count voters, must not get wrong.
 */
import type * as Input from "../../src/protocol/Input.ts"
import type { State } from "../../src/protocol/model/State.ts"
import type * as Voters from "../../src/protocol/model/Voters.ts"
import { type Mutant, replacing } from "./Mutants.ts"
import * as Mutations from "./Mutations.ts"

/** In some steps a server without a vote goes by its rules as if it had one, and none of its starts were silent. */
const asVoter =
  (isOne: (input: Input.Input, state: State) => boolean): Mutations.Mutation => (step) => (state, input, now) => {
    if (state.timing.votes || !isOne(input, state)) return step(state, input, now)
    const [after, outputs] = step(
      { ...state, timing: { ...state.timing, votes: true }, silentUntil: -Infinity },
      input,
      now
    )
    return [{ ...after, timing: state.timing, silentUntil: state.silentUntil }, outputs]
  }

const hears = (type: string) => (input: Input.Input) => Mutations.messageOf(input)?.type === type

export interface VoterMutant extends Mutant {
  /** Who must see it: runs of the simulator, or what one server says of a group of as many voters as there may be. */
  readonly by: "simulator" | "crowd"
}

export const mutants: ReadonlyArray<VoterMutant> = [
  {
    name: "a server without a vote votes",
    by: "simulator",
    mutate: asVoter(hears("ELECTION"))
  },
  {
    name: "a server without a vote acknowledges renewals",
    by: "simulator",
    mutate: asVoter(hears("BEAT"))
  },
  {
    name: "a server without a vote stands, and counts itself",
    by: "simulator",
    mutate: asVoter((input) => !hears("ELECTION")(input) && !hears("BEAT")(input))
  },
  {
    name: "a server without a vote is one of the servers that groupSize counts",
    by: "crowd",
    replace: [replacing<typeof Voters>("model/Voters.ts", { among: () => (_, members) => members })]
  }
]
