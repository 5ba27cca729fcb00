import { describe } from "@effect/vitest"
import * as TextMutants from "../mutants/TextMutants.ts"
import * as MovingMutants from "./MovingMutants.ts"

describe("a fault in the rules of a server with two backends is seen", () => {
  TextMutants.areSeen(MovingMutants.mutants)
})
