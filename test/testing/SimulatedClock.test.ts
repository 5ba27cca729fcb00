import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/testing/TestClock"
import { SimulatedClock } from "../../src/testing/index.ts"

const monotonic = (clock: SimulatedClock.SimulatedClock) => Number(clock.monotonicTimeNanosUnsafe()) / 1e6

/** Notes the true time of each tick. */
const ticking = Effect.fnUntraced(function*(clock: SimulatedClock.SimulatedClock, every: number) {
  const ambient = yield* Clock.Clock
  const ticks: Array<number> = []
  yield* Effect.sync(() => ticks.push(ambient.currentTimeMillisUnsafe())).pipe(
    Effect.repeat(Schedule.spaced(every)),
    SimulatedClock.provide(clock),
    Effect.forkScoped
  )
  return ticks
})

describe("SimulatedClock", () => {
  it.effect("runs with the ambient clock unless disturbed", () =>
    Effect.gen(function*() {
      const clock = yield* SimulatedClock.make()
      const ticks = yield* ticking(clock, 1_000)
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(ticks, [0, 1_000, 2_000, 3_000])
      assert.strictEqual(clock.currentTimeMillisUnsafe(), 3_000)
      assert.strictEqual(monotonic(clock), 3_000)
      assert.strictEqual(yield* clock.sleepers, 1)
    }))

  it.effect("wakes nobody while paused, shows the lag on resume, and wakes the expired in the order of their times", () =>
    Effect.gen(function*() {
      const clock = yield* SimulatedClock.make()
      const woken: Array<string> = []
      for (const [name, after] of [["late", 3_000], ["early", 1_000], ["not yet", 60_000]] as const) {
        yield* Effect.sleep(after).pipe(
          Effect.andThen(Clock.monotonicTimeNanos),
          Effect.map((now) => woken.push(`${name} at ${now / 1_000_000n}`)),
          SimulatedClock.provide(clock),
          Effect.forkScoped
        )
      }
      yield* TestClock.adjust("100 millis")
      yield* clock.pause
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(woken, [])
      assert.strictEqual(monotonic(clock), 10_100)
      assert.strictEqual(yield* clock.state, "paused")
      yield* clock.resume
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(woken, ["early at 10100", "late at 10100"])
      yield* TestClock.adjust("50 seconds")
      assert.strictEqual(woken.at(-1), "not yet at 60000")
    }))

  it.effect("stops the monotonic clock while suspended and lets the wall clock run", () =>
    Effect.gen(function*() {
      const clock = yield* SimulatedClock.make()
      const ticks = yield* ticking(clock, 1_000)
      yield* TestClock.adjust("2500 millis")
      yield* clock.suspend
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(monotonic(clock), 2_500)
      assert.strictEqual(clock.currentTimeMillisUnsafe(), 3_602_500)
      yield* clock.wake
      yield* TestClock.adjust("499 millis")
      assert.strictEqual(ticks.length, 3)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(ticks.length, 4)
      assert.strictEqual(monotonic(clock), 3_000)
    }))

  it.effect("leaves sleeps and the monotonic clock alone when the wall clock jumps", () =>
    Effect.gen(function*() {
      const clock = yield* SimulatedClock.make({ wallAhead: "1 hour" })
      const ticks = yield* ticking(clock, 1_000)
      assert.strictEqual(clock.currentTimeMillisUnsafe(), 3_600_000)
      yield* TestClock.adjust("1500 millis")
      yield* clock.jumpWallClock("1 hour")
      assert.strictEqual(clock.currentTimeMillisUnsafe(), 7_201_500)
      yield* TestClock.adjust("1 second")
      yield* clock.jumpWallClock(-7_200_000)
      assert.strictEqual(clock.currentTimeMillisUnsafe(), 2_500)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(ticks, [0, 1_000, 2_000, 3_000])
      assert.strictEqual(monotonic(clock), 3_500)
    }))

  it.effect("runs fast or slow, and shortens sleeps that have begun", () =>
    Effect.gen(function*() {
      const fast = yield* SimulatedClock.make({ rate: 1.25 })
      const slow = yield* SimulatedClock.make({ rate: 0.5 })
      const fastTicks = yield* ticking(fast, 1_000)
      const slowTicks = yield* ticking(slow, 1_000)
      yield* TestClock.adjust("4 seconds")
      assert.deepStrictEqual(fastTicks, [0, 800, 1_600, 2_400, 3_200, 4_000])
      assert.deepStrictEqual(slowTicks, [0, 2_000, 4_000])
      assert.deepStrictEqual([monotonic(fast), fast.currentTimeMillisUnsafe()], [5_000, 5_000])
      yield* TestClock.adjust("1 second")
      yield* slow.setRate(10)
      yield* TestClock.adjust("50 millis")
      assert.deepStrictEqual(slowTicks, [0, 2_000, 4_000, 5_050])
      assert.strictEqual(monotonic(slow), 3_000)
    }))

  it.effect("forgets a sleeper that is interrupted", () =>
    Effect.gen(function*() {
      const clock = yield* SimulatedClock.make()
      const fiber = yield* Effect.sleep("1 second").pipe(SimulatedClock.provide(clock), Effect.forkChild)
      yield* Effect.yieldNow
      assert.strictEqual(yield* clock.sleepers, 1)
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(yield* clock.sleepers, 0)
    }))

  it.effect("holds for all that is built from a layer, and not for others", () =>
    Effect.gen(function*() {
      const clock = yield* SimulatedClock.make({ wallAhead: 5_000 })
      const seen: Array<number> = []
      const note = Effect.map(Clock.currentTimeMillis, (now) => seen.push(now))
      yield* Layer.build(
        Layer.effectDiscard(Effect.forkScoped(Effect.andThen(Effect.sleep("1 second"), note))).pipe(
          Layer.provide(SimulatedClock.layer(clock))
        )
      )
      yield* TestClock.adjust("2 seconds")
      yield* note
      assert.deepStrictEqual(seen, [6_000, 2_000])
    }))
})
