/** The example of a group in etcd, as its user runs it: two processes, an etcd, the package by its name and from `dist`. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as EtcdNodes from "../etcd/EtcdNodes.ts"
import * as Process from "./Process.ts"
import * as Rounds from "./Rounds.ts"

describe.skipIf(EtcdNodes.skip)(`the example of a group in etcd${EtcdNodes.because}`, () => {
  it.live.runIf(Process.runsTypeScript)(
    "runs on the leader, and goes on on the other once that is stopped",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const [node] = yield* EtcdNodes.make({ count: 1 })
        const { last, next } = yield* Rounds.handover("examples/etcd/main.ts", {
          BELLWETHER_ETCD_ENDPOINTS: node!.url
        })
        assert.isAtLeast(next, last + 1)
      }))
  )
})
