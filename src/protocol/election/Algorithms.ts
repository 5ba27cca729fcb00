/** Which algorithm of election a server goes by. */
import { majorityLease } from "../lease/MajorityLease.ts"
import type { State } from "../model/State.ts"
import { bully } from "./Bully.ts"
import type { ElectionAlgorithm } from "./ElectionAlgorithm.ts"
import * as ElectionTraits from "./ElectionTraits.ts"

const algorithms = { bully, lease: majorityLease }

/** The algorithm of a server that has this state. */
export const of = ({ timing }: Pick<State, "timing">): ElectionAlgorithm =>
  algorithms[ElectionTraits.of(timing).leadership]
