import { assert, describe, it } from "@effect/vitest"
import * as Histogram from "../../src/engine/Histogram.ts"

describe("a histogram", () => {
  it("has seen nothing at first", () => {
    const { count, counts, max, min, sum } = Histogram.make([1, 10]).seen()
    assert.deepStrictEqual([count, counts, max, min, sum], [0, [0, 0, 0], null, null, 0])
  })

  it("counts each value below the first bound that is not less, and those above all at the end", () => {
    const { observe, seen } = Histogram.make([1, 10])
    for (const value of [0, 1, 1.5, 10, 11, 1_000_000]) observe(value)
    const { count, counts, max, min, sum } = seen()
    assert.deepStrictEqual([count, counts, max, min, sum], [6, [2, 2, 2], 1_000_000, 0, 1_000_023.5])
  })

  it("is not changed by what comes after it was asked", () => {
    const { observe, seen } = Histogram.make([1])
    const before = seen()
    observe(1)
    assert.strictEqual(before.counts[0], 0)
  })
})
