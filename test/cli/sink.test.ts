/** Writing to a reader that takes a part, nothing now, or nothing any more. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import * as Sink from "../../src/cli/sink.ts"
import { reader } from "./Reader.ts"

describe("a sink", () => {
  it.effect("writes all to a reader that takes a few bytes at once, in turn for several writers", () =>
    Effect.gen(function*() {
      const { put, read } = reader({ atOnce: 3 })
      const sink = Sink.make(put)
      yield* Effect.forEach(["one\n", "two, ä\n", "three\n"], (text) => sink.write(text), { concurrency: 3 })
      assert.strictEqual(read(), "one\ntwo, ä\nthree\n")
    }))

  it.effect("waits while the reader takes nothing, and goes on when it does", () =>
    Effect.gen(function*() {
      const { put, read, state } = reader({ credit: 5 })
      const sink = Sink.make(put)
      const writing = yield* Effect.forkChild(sink.write("hello there\n"))
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(read(), "hello")
      assert.isUndefined(writing.pollUnsafe())
      state.credit = Infinity
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(writing)
      assert.strictEqual(read(), "hello there\n")
    }))

  it.effect("asks a reader that does not read some times a second only", () =>
    Effect.gen(function*() {
      const { put, state } = reader({ credit: 0 })
      yield* Effect.forkChild(Sink.make(put).write("hello\n"))
      yield* TestClock.adjust("1 second")
      const before = state.asked
      yield* TestClock.adjust("10 seconds")
      assert.isBelow(state.asked - before, 200)
    }))

  it.effect("completes a line that an interruption left begun before anything else, and does not begin one that it had not", () =>
    Effect.gen(function*() {
      const { put, read, state } = reader({ credit: 3 })
      const sink = Sink.make(put)
      const begun: Array<string> = []
      for (const text of ["first\n", "second\n"]) {
        const writing = yield* Effect.forkChild(sink.write(text, () => begun.push(text)))
        yield* TestClock.adjust("1 second")
        yield* Fiber.interrupt(writing)
      }
      assert.deepStrictEqual(begun, ["first\n"])
      state.credit = Infinity
      yield* sink.write("third\n")
      assert.strictEqual(read(), "first\nthird\n")
    }))

  it.effect("fails with the system's code, and later completes a line that was begun", () =>
    Effect.gen(function*() {
      const { put, read, state } = reader({ credit: 2, refusal: "ENOSPC" })
      const sink = Sink.make(put)
      const error = yield* Effect.flip(sink.write("first\n"))
      assert.strictEqual(error.code, "ENOSPC")
      assert.isFalse(error.isGone)
      assert.include(error.message, "ENOSPC: no space left on device")
      state.credit = Infinity
      yield* sink.write("second\n")
      assert.strictEqual(read(), "first\nsecond\n")
    }))

  it.effect("forgets a line that was begun if it is told to, and attempts without waiting", () =>
    Effect.gen(function*() {
      const { put, read, state } = reader({ credit: 2, refusal: "EIO" })
      const sink = Sink.make(put)
      assert.isTrue((yield* Effect.flip(sink.write("frame"))).isGone)
      sink.abandon()
      state.credit = 4
      sink.attempt("given back")
      assert.strictEqual(read(), "frgive")
    }))
})
