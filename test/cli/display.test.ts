/**
 * What is written to show a frame on a terminal: only what has changed, also where the terminal takes it slowly.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import * as Frame from "../../src/cli/frame.ts"
import * as Sink from "../../src/cli/sink.ts"
import * as Surface from "../../src/cli/surface.ts"
import { reader } from "./Reader.ts"

/** A terminal that knows what frames are made of, with some rows on it. */
const terminal = (rows: ReadonlyArray<string>) => {
  const shown = [...rows]
  let row = 0
  const take = (text: string) => {
    // oxlint-disable-next-line no-control-regex
    for (const [piece] of text.matchAll(/\u001B\[[?\d;]*[a-zA-Z]|[^\u001B]+/g)) {
      if (piece.endsWith("H")) row = Number(/(\d+);/.exec(piece)?.[1] ?? 1) - 1
      else if (piece === "\u001B[2K") shown[row] = ""
      else if (piece === "\u001B[J") shown.splice(row)
      else if (!piece.startsWith("\u001B")) shown[row] = piece
    }
  }
  return { shown, take }
}

const frames: ReadonlyArray<Frame.Frame> = [
  [],
  ["one"],
  ["one", "two", "three"],
  ["one", "2", "three"],
  ["one", "two", "three", "four"],
  ["1", "", "3"]
]

describe("a frame", () => {
  it("becomes any other", () => {
    for (const before of frames) {
      for (const after of frames) {
        const { shown, take } = terminal(before)
        take(Frame.changes(before, after))
        assert.deepStrictEqual(shown, after)
      }
    }
  })

  it("takes the place of what a terminal shows of which nothing is known", () => {
    for (const after of frames) {
      const { shown, take } = terminal(["what", "another", "program", "wrote", "there"])
      take(Frame.changes(Frame.unknown(), after))
      assert.deepStrictEqual(shown, after)
    }
  })

  it("costs the rows that differ, and nothing where none does", () => {
    assert.strictEqual(Frame.changes(["one", "two"], ["one", "two"]), "")
    const changes = Frame.changes(["one", "two", "three"], ["one", "2", "three"])
    assert.include(changes, "2")
    assert.notInclude(changes, "one")
    assert.notInclude(changes, "three")
  })
})

const surface = (options: Parameters<typeof reader>[0] = {}) => {
  const { put, read, state } = reader(options)
  let seen = 0
  return {
    ...Surface.make(Sink.make(put)),
    state,
    /** What was written since it was last asked. */
    written: () => {
      const text = read().slice(seen)
      seen += text.length
      return text
    }
  }
}

describe("the second screen of a terminal", () => {
  it.effect("is taken once, and written to only where something has changed", () =>
    Effect.gen(function*() {
      const { show, written } = surface()
      yield* show(["one", "two"])
      assert.strictEqual(written(), Frame.enter + Frame.changes([], ["one", "two"]))
      yield* show(["one", "two"])
      assert.strictEqual(written(), "")
      yield* show(["one", "2"])
      assert.strictEqual(written(), Frame.changes(["one", "two"], ["one", "2"]))
    }))

  it.effect("is written anew where it is not known what is on it, as after another size", () =>
    Effect.gen(function*() {
      const { forget, show, state, written } = surface()
      yield* show(["one"])
      forget()
      written()
      // Another size also while a frame is written that was made for the former one.
      state.credit = 3
      const writing = yield* Effect.forkChild(show(["two"]))
      yield* TestClock.adjust("1 second")
      forget()
      state.credit = Infinity
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(writing)
      assert.strictEqual(written(), Frame.changes([], ["two"]))
      yield* show(["two"])
      assert.strictEqual(written(), Frame.changes([], ["two"]))
    }))

  it.effect("is given back at once in the middle of a frame, and taken again for the next", () =>
    Effect.gen(function*() {
      const { restore, resume, show, state, written } = surface()
      restore()
      assert.strictEqual(written(), "", "which was not taken yet")
      yield* show(["one"])
      written()
      state.credit = 3
      const writing = yield* Effect.forkChild(show(["two"]))
      yield* TestClock.adjust("1 second")
      state.credit = Infinity
      restore()
      assert.strictEqual(written(), Frame.changes(["one"], ["two"]).slice(0, 3) + Frame.leave)
      resume()
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(writing)
      yield* show(["three"])
      assert.strictEqual(written(), Frame.enter + Frame.changes([], ["three"]))
    }))

  it.effect("is given back with the lines that stay, and a terminal that takes nothing is not waited for", () =>
    Effect.gen(function*() {
      const { close, show, state, written } = surface()
      yield* show(["one"])
      written()
      yield* close(["left"])
      assert.strictEqual(written(), `${Frame.leave}left\n`)
      state.credit = 0
      const closing = yield* Effect.forkChild(close(["again"]))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(closing)
      assert.strictEqual(written(), "")
    }))
})
