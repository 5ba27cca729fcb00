/** A server over a registry, as its app sees it. */
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import type * as RegistryOptions from "../../src/registry/RegistryOptions.ts"
import * as RegistryServer from "../../src/registry/RegistryServer.ts"
import * as MemoryRegistry from "./harness/MemoryRegistry.ts"

const leaseDuration = Duration.seconds(10)

/** Starts a server whose scope the test closes, or never. */
const start = Effect.fnUntraced(function*(registry: MemoryRegistry.MemoryRegistry, options: RegistryOptions.Options) {
  const scope = yield* Scope.make()
  const link = registry.link()
  const server = yield* Scope.provide(
    RegistryServer.make({ group: "orders", ...options }, link, { leaseDuration }),
    scope
  )
  return { ...server, link, stop: Scope.close(scope, Exit.void) }
})

describe("a server over a registry", () => {
  it.effect("follows the highest ranked, and takes the lead where that gives it up or stops", () =>
    Effect.gen(function*() {
      const registry = yield* MemoryRegistry.make(10_000)
      const low = yield* start(registry, { priority: 1 })
      yield* TestClock.adjust("1 second")
      assert.isTrue(yield* low.leadership.isLeader)
      const high = yield* start(registry, { priority: 2 })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([yield* low.leadership.isLeader, yield* high.leadership.isLeader], [false, true])
      yield* high.leadership.resign
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([yield* low.leadership.isLeader, yield* high.leadership.isLeader], [true, false])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([yield* low.leadership.isLeader, yield* high.leadership.isLeader], [false, true])
      yield* high.stop
      yield* TestClock.adjust("100 millis")
      assert.isTrue(yield* low.leadership.isLeader)
      assert.strictEqual((yield* low.group.members).length, 1)
    }))
})
