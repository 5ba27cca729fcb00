import { describe } from "@effect/vitest"
import * as TextMutants from "../mutants/TextMutants.ts"
import * as ClusterMutants from "./ClusterMutants.ts"

describe("a fault in the rules of a cluster is seen", () => {
  TextMutants.areSeen(ClusterMutants.mutants)
})
