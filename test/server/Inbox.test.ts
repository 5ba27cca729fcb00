import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Inbox from "../../src/server/Inbox.ts"
import * as SimulatedGroup from "../../src/testing/SimulatedGroup.ts"
import * as VirtualTime from "../../src/testing/VirtualTime.ts"

describe("an inbox", () => {
  it.effect("ends with its server for readers of that time, for subscribers, and for later readers", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const { inbox } = yield* Scope.provide(Inbox.make(() => Effect.void), scope)
      const reading = yield* Effect.forkChild(Stream.runCollect(inbox.messages), { startImmediately: true })
      const subscribed = yield* inbox.subscribe
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(yield* Fiber.join(reading), [])
      assert.deepStrictEqual(yield* Stream.runCollect(subscribed), [])
      assert.deepStrictEqual(yield* Stream.runCollect(inbox.messages), [])
    }))
})

describe("the views of a group", () => {
  it.effect("end with their server, after the newest, for readers of that time and later ones", () =>
    VirtualTime.run(Effect.gen(function*() {
      const simulated = yield* SimulatedGroup.make({ servers: 2, seed: 1 })
      yield* simulated.settle()
      const { group } = yield* simulated.server(0)
      const reading = yield* Effect.forkChild(Stream.runCollect(group.changes), { startImmediately: true })
      const view = yield* group.view
      yield* simulated.stop(0)
      assert.deepStrictEqual((yield* Fiber.join(reading))[0], view)
      assert.lengthOf(yield* Stream.runCollect(group.changes), 1)
    })))
})
