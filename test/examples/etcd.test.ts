/** The example of a group in etcd, as its user runs it: two processes, an etcd, the package by its name and from `dist`. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as EtcdNodes from "../etcd/EtcdNodes.ts"
import * as Process from "./Process.ts"

const hasTypes = process.features.typescript !== undefined && process.features.typescript !== false

describe.skipIf(EtcdNodes.skip)(`the example of a group in etcd${EtcdNodes.because}`, () => {
  // Node runs TypeScript as it is from 22.18 on.
  it.live.runIf(hasTypes)(
    "runs on the leader, and goes on on the other once that is stopped",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const nodes = yield* EtcdNodes.make({ count: 1 })
        const start = (name: string, priority: number) =>
          Effect.acquireRelease(
            Effect.sync(() =>
              Process.start("examples/etcd/main.ts", [name], {
                BELLWETHER_GROUP: "example",
                BELLWETHER_PRIORITY: String(priority),
                BELLWETHER_ETCD_ENDPOINTS: nodes[0]!.url
              })
            ),
            ({ kill }) => Effect.sync(() => kill("SIGKILL"))
          )
        const first = yield* start("first", 2)
        yield* Effect.promise(() => first.line("first: round 2"))
        const second = yield* start("second", 1)
        yield* Effect.promise(() => second.line("second is there"))
        first.kill("SIGTERM")
        const [, number] = /round (\d+)\nfirst leads no more/.exec(
          yield* Effect.promise(() => first.ended.then(() => first.said()))
        ) ?? []
        assert.isDefined(number, first.said())
        assert.strictEqual(yield* Effect.promise(() => first.ended), 0, first.said())
        const line = yield* Effect.promise(() => second.line("second: round"))
        assert.isAtLeast(Number(line.split("round ")[1]), Number(number) + 1)
      }))
  )
})
