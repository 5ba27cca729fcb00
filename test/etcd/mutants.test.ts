import { describe } from "@effect/vitest"
import * as TextMutants from "../mutants/TextMutants.ts"
import * as EtcdMutants from "./EtcdMutants.ts"

describe("a fault in the rules of a group in etcd is seen", () => {
  TextMutants.areSeen(EtcdMutants.mutants)
})
