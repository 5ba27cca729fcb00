import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Supervisor from "../../src/engine/Supervisor.ts"

/** A supervisor of loops in a scope, and the deaths that it told. */
const supervised = Effect.gen(function*() {
  const deaths: Array<string> = []
  const supervisor = yield* Supervisor.make((_fiber, cause) => Effect.sync(() => void deaths.push(cause)))
  const scope = yield* Scope.fork(yield* Effect.scope)
  return {
    deaths,
    end: Scope.close(scope, Exit.void),
    keep: (loop: Effect.Effect<unknown>) => Scope.provide(supervisor.keep("loop", loop), scope),
    supervisor
  }
})

/** A loop that first ends in that way, and then stays. */
const endingOnce = (ends: Effect.Effect<unknown>) => {
  const loop: { runs: number; readonly run: Effect.Effect<unknown> } = {
    runs: 0,
    run: Effect.suspend(() => ++loop.runs === 1 ? ends : Effect.never)
  }
  return loop
}

const quietly = Effect.provide(Logger.layer([]))

describe("a loop that is kept", () => {
  it.effect.each([
    { how: "dies", ends: Effect.die(new Error("a bug")), told: "a bug" },
    { how: "ends by itself", ends: Effect.void, told: "ended by itself" },
    { how: "is interrupted from within", ends: Effect.interrupt, told: "interrupt" },
    {
      how: "waits for a fiber that is interrupted",
      ends: Effect.flatMap(
        Effect.forkDetach(Effect.never),
        (fiber) => Effect.andThen(Fiber.interrupt(fiber), Fiber.join(fiber))
      ),
      told: "interrupt"
    },
    {
      how: "reads a queue that is shut down",
      ends: Effect.flatMap(Queue.unbounded(), (queue) => Effect.andThen(Queue.shutdown(queue), Queue.take(queue))),
      told: "interrupt"
    }
  ])("and $how is told and started again", ({ ends, told }) =>
    Effect.gen(function*() {
      const { deaths, keep } = yield* supervised
      const loop = endingOnce(ends)
      yield* keep(loop.run)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(loop.runs, 2)
      assert.strictEqual(deaths.length, 1)
      assert.include(deaths[0], told)
    }).pipe(quietly))

  it.effect("ends with its scope, and nothing is told", () =>
    Effect.gen(function*() {
      const { deaths, end, keep } = yield* supervised
      const loop = endingOnce(Effect.never)
      yield* keep(loop.run)
      yield* end
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([loop.runs, deaths], [1, []])
    }))

  it.effect("ends with its scope also where what it reads has ended with that just before", () =>
    Effect.gen(function*() {
      const { deaths, end, keep } = yield* supervised
      const queue = yield* Queue.unbounded<never>()
      // It cannot be interrupted before what it reads is gone.
      const loop = endingOnce(Effect.uninterruptible(Queue.take(queue)))
      yield* keep(loop.run)
      const closing = yield* Effect.forkChild(end, { startImmediately: true })
      yield* Queue.shutdown(queue)
      yield* Fiber.join(closing)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([loop.runs, deaths], [1, []])
    }))

  it.effect("that has ended five times within a minute is given up", () =>
    Effect.gen(function*() {
      const { keep, supervisor } = yield* supervised
      yield* keep(Effect.void)
      const failed = yield* Effect.forkChild(Effect.flip(supervisor.failed))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual((yield* Fiber.join(failed)).fiber, "loop")
    }).pipe(quietly))
})
