import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/testing/TestClock"
import { VirtualTime } from "../../src/testing/index.ts"

describe("VirtualTime", () => {
  it.effect("wakes sleepers in the order of their times, then of their sleeping", () =>
    VirtualTime.run(Effect.gen(function*() {
      const seen: Array<string> = []
      for (const name of ["a", "b", "c"]) {
        yield* Effect.sync(() => seen.push(name)).pipe(Effect.schedule(Schedule.spaced("1 second")), Effect.forkScoped)
      }
      yield* Effect.sleep("500 millis").pipe(Effect.map(() => seen.push("d")), Effect.forkScoped)
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(seen.join(""), "dabcabcabc")
      assert.strictEqual(yield* Clock.currentTimeMillis, 3_000)
      assert.strictEqual(yield* Clock.monotonicTimeNanos, 3_000_000_000n)
    })))

  it.effect("lets all that one sleeper woke go to sleep again before the next wakes", () =>
    VirtualTime.run(Effect.gen(function*() {
      const seen: Array<string> = []
      const queue = yield* Queue.unbounded<string>()
      yield* Queue.take(queue).pipe(
        Effect.andThen((word) => Effect.forkChild(Effect.sync(() => seen.push(word)))),
        Effect.forever,
        Effect.forkScoped
      )
      for (const word of ["first", "second"]) {
        yield* Effect.sleep("1 second").pipe(
          Effect.andThen(Effect.yieldNow),
          Effect.andThen(Effect.sync(() => seen.push(`${word} woke`))),
          Effect.andThen(Queue.offer(queue, word)),
          Effect.forkScoped
        )
      }
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(seen, ["first woke", "first", "second woke", "second"])
    })))

  it.effect("lets the real event loop have a turn now and then, also where time passes in many short pieces", () =>
    VirtualTime.run(Effect.gen(function*() {
      let turns = 0
      yield* Effect.sync(() => void setImmediate(() => turns++))
      yield* Effect.forkScoped(Effect.schedule(Effect.void, Schedule.spaced("1 millis")))
      for (let i = 0; i < 2_000; i++) yield* TestClock.adjust("10 millis")
      assert.strictEqual(turns, 1)
    })))

  it.effect("forgets interrupted sleepers, and can be set", () =>
    VirtualTime.run(Effect.gen(function*() {
      let woken = 0
      const fibers = yield* Effect.forEach(
        Array.from({ length: 5_000 }, (_, index) => index),
        (index) => Effect.forkScoped(Effect.map(Effect.sleep(1_000 + index), () => woken++))
      )
      yield* TestClock.adjust("1 millis")
      yield* Fiber.interruptAll(fibers.slice(0, 4_000))
      yield* TestClock.setTime(10_000)
      assert.strictEqual(woken, 1_000)
      assert.strictEqual(yield* Clock.currentTimeMillis, 10_000)
    })))

  it.effect("lets the test's own fibers run between two steps", () =>
    VirtualTime.run(Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(Effect.as(Effect.sleep("1 hour"), "done"))
      yield* TestClock.adjust("30 minutes")
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("30 minutes")
      assert.strictEqual(yield* Fiber.join(fiber), "done")
      const real = yield* TestClock.withLive(Clock.currentTimeMillis)
      assert.isAbove(real, 1_000_000_000_000)
    })))
})
