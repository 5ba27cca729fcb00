import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Profile from "../../src/group/Profile.ts"
import { SimulatedGroup } from "../../src/testing/index.ts"

describe("the pulse of a server", () => {
  it.effect("is never longer ago than a heartbeat while it is well, with or without a network, and shows that it is not", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make({ servers: 2, seed: 3, settings: { profile: "fast" } })
      const interval = Duration.toMillis(Profile.profiles.fast.heartbeatInterval)
      const { group: { pulse } } = yield* group.server(0)
      for (const happens of [group.settle(), group.partition([[0], [1]])]) {
        yield* happens
        for (let at = 0; at < 20; at++) {
          yield* group.advance(interval * 0.3)
          assert.isAtMost(yield* pulse, interval + 1)
        }
      }
      yield* group.pause(0)
      yield* group.advance(interval * 10)
      assert.isAtLeast(yield* pulse, interval * 9)
    }))
})
