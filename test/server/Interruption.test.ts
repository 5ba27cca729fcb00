import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberMap from "effect/FiberMap"
import * as FiberSet from "effect/FiberSet"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import * as Supervisor from "../../src/engine/Supervisor.ts"

/** A supervisor, and the deaths that it told. */
const supervised = Effect.gen(function*() {
  const deaths: Array<string> = []
  const supervisor = yield* Supervisor.make((fiber, cause) => Effect.sync(() => void deaths.push(`${fiber}: ${cause}`)))
  return { deaths, supervisor }
})

describe("a fiber that a supervisor guards", () => {
  it.effect("does not die if the end of its scope interrupts it", () =>
    Effect.gen(function*() {
      const { deaths, supervisor } = yield* supervised
      const scope = yield* Scope.make()
      const fibers = yield* Scope.provide(FiberSet.make(), scope)
      yield* FiberSet.run(fibers, supervisor.guard("sleeping", Effect.sleep("1 hour")))
      yield* Effect.yieldNow
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(deaths, [])
    }))

  it.effect("does not die if it sets a timer when its scope has ended; a fiber that waits for it sees it interrupted", () =>
    Effect.gen(function*() {
      const { deaths, supervisor } = yield* supervised
      const scope = yield* Scope.make()
      const timers = yield* Scope.provide(FiberMap.make<string>(), scope)
      yield* Scope.close(scope, Exit.void)
      const exit = yield* Effect.exit(supervisor.guard("timer", FiberMap.run(timers, "next", Effect.void)))
      assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
      assert.deepStrictEqual(deaths, [])
    }))

  it.effect("dies by a defect, also if it is interrupted besides", () =>
    Effect.gen(function*() {
      const { deaths, supervisor } = yield* supervised
      const broken = Cause.die(new Error("broken"))
      yield* supervisor.guard("timer", Effect.failCause(broken))
      yield* supervisor.guard("question", Effect.failCause(Cause.combine(Cause.interrupt(1), broken)))
      assert.deepStrictEqual(deaths.map((death) => death.split(":")[0]), ["timer", "question"])
    }).pipe(Effect.provide(Logger.layer([]))))
})
