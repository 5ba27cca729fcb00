/**
 * Lines for a reader that is slow, does not read or is gone: bounded, whole, in order, and the last of them last.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import * as Backlog from "../../src/cli/backlog.ts"
import * as Lines from "../../src/cli/lines.ts"
import * as Sink from "../../src/cli/sink.ts"
import { reader } from "./Reader.ts"

const lost = (count: number) => `${count} lost\n`

const opened = Effect.fnUntraced(function*(
  options: Parameters<typeof reader>[0] & { readonly capacity?: number; readonly failed?: Lines.Options["failed"] }
) {
  const { put, read, state } = reader(options)
  const { capacity = 100, failed } = options
  const lines = Lines.make(Sink.make(put), { capacity, lost, ...(failed === undefined ? {} : { failed }) })
  const scope = yield* Scope.fork(yield* Effect.scope)
  yield* Scope.provide(lines.open, scope)
  return { lines, read, state, close: Scope.close(scope, Exit.void) }
})

describe("lines that wait", () => {
  it("are taken as many as a pipe takes at once, and one at least", () => {
    const backlog = Backlog.make(10, 100)
    const long = `${"x".repeat(Backlog.atOnce)}\n`
    const half = `${"y".repeat(Backlog.atOnce / 2 - 1)}\n`
    for (const line of [half, half, half, long]) backlog.add(line)
    assert.deepStrictEqual(backlog.take(), { lost: 0, lines: [half, half] })
    assert.deepStrictEqual(backlog.take(), { lost: 0, lines: [half] })
    assert.deepStrictEqual(backlog.take(), { lost: 0, lines: [long] })
    assert.isTrue(backlog.isEmpty())
  })

  it("give way to newer ones, the oldest first, also when they are put back", () => {
    const backlog = Backlog.make(3, 100)
    for (const line of ["1\n", "2\n", "3\n", "4\n"]) backlog.add(line)
    const batch = backlog.take()
    assert.deepStrictEqual(batch, { lost: 1, lines: ["2\n", "3\n", "4\n"] })
    backlog.add("5\n")
    backlog.giveBack(batch)
    assert.deepStrictEqual(backlog.take(), { lost: 2, lines: ["3\n", "4\n", "5\n"] })
  })

  it("are condensed to the newest that are written at once, with space for the number of the others", () => {
    const backlog = Backlog.make(1_000, 100)
    const lines = Array.from({ length: 500 }, (_, at) => `${at} ${"x".repeat(90)}\n`)
    for (const line of lines) backlog.add(line)
    backlog.condense()
    const { lines: kept, lost } = backlog.take()
    assert.isTrue(backlog.isEmpty())
    assert.strictEqual(lost + kept.length, 500)
    assert.deepStrictEqual(kept, lines.slice(lost))
    assert.isAtLeast(kept.length, 40)
    assert.isAtMost(kept.join("").length + 100, Backlog.atOnce)
  })
})

describe("lines", () => {
  it.effect("are written in order as they come", () =>
    Effect.gen(function*() {
      const { lines, read } = yield* opened({ atOnce: 2 })
      for (const text of ["one\n", "two\n"]) lines.add(text)
      yield* lines.flushed
      lines.add("three\n")
      yield* lines.flushed
      assert.strictEqual(read(), "one\ntwo\nthree\n")
    }))

  it.effect("wait for a reader that does not read, the newest of them, and it learns how many it lost", () =>
    Effect.gen(function*() {
      const { lines, read, state } = yield* opened({ credit: 3, capacity: 2 })
      lines.add("first\n")
      yield* TestClock.adjust("1 minute")
      for (const text of ["2\n", "3\n", "4\n", "5\n"]) lines.add(text)
      state.credit = Infinity
      yield* TestClock.adjust("1 second")
      assert.strictEqual(read(), "first\n2 lost\n4\n5\n")
    }))

  it.effect("are written again when they can be, after it was reported why they cannot", () =>
    Effect.gen(function*() {
      const reported: Array<string> = []
      const { lines, read, state } = yield* opened({
        credit: 0,
        refusal: "ENOSPC",
        failed: ({ code }) => Effect.sync(() => void reported.push(code))
      })
      lines.add("one\n")
      // Nothing waits for a disk to have space.
      yield* lines.flushed
      lines.add("two\n")
      yield* TestClock.adjust("10 seconds")
      assert.include(reported, "ENOSPC")
      assert.isAtMost(reported.length, 11)
      assert.strictEqual(read(), "")
      state.credit = Infinity
      yield* TestClock.adjust("1 second")
      assert.strictEqual(read(), "one\ntwo\n")
    }))

  it.effect("know when the reader has gone away", () =>
    Effect.gen(function*() {
      const { lines } = yield* opened({ credit: 0, refusal: "EPIPE" })
      lines.add("one\n")
      yield* lines.readerGone
    }))

  it.effect("at the end the newest are written last, and those in between are counted as lost", () =>
    Effect.gen(function*() {
      const { close, lines, read, state } = yield* opened({ credit: 10, capacity: 1_000 })
      for (let at = 0; at < 1_000; at++) lines.add(`${at} ${"x".repeat(60)}\n`)
      yield* TestClock.adjust("1 second")
      const closing = yield* Effect.forkChild(close)
      yield* TestClock.adjust("260 millis")
      // The line that was begun, and once as much as is written at once.
      state.credit = 2 * Backlog.atOnce
      yield* TestClock.adjust("250 millis")
      assert.isDefined(closing.pollUnsafe())
      const reported = read().split("\n")
      assert.strictEqual(reported.pop(), "")
      assert.match(reported.at(-1)!, /^999 x{60}$/)
      for (const line of reported) assert.match(line, /^(\d+ x{60}|\d+ lost)$/)
      const missing = reported.flatMap((line) => line.endsWith(" lost") ? [Number.parseInt(line, 10)] : [])
      assert.lengthOf(missing, 1)
      assert.strictEqual(reported.length - 1 + missing[0]!, 1_000)
    }))

  it.effect("the end waits for a moment only if nothing is read", () =>
    Effect.gen(function*() {
      const { close, lines } = yield* opened({ credit: 0 })
      lines.add("one\n")
      const closing = yield* Effect.forkChild(close)
      yield* TestClock.adjust("1 second")
      assert.isDefined(closing.pollUnsafe())
    }))
})
