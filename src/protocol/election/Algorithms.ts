/** Which algorithm of election a server goes by. */
import { majorityLease } from "../lease/MajorityLease.ts"
import type { State } from "../model/State.ts"
import { bully } from "./Bully.ts"
import type { ElectionAlgorithm } from "./ElectionAlgorithm.ts"

/** The majority lease where there is an agreement on one, else the Bully. */
export const of = ({ timing }: Pick<State, "timing">): ElectionAlgorithm =>
  timing.lease === null ? bully : majorityLease
