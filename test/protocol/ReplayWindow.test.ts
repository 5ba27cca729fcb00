import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as ReplayWindow from "../../src/protocol/wire/ReplayWindow.ts"

const after = (counters: ReadonlyArray<number>) => {
  let window = ReplayWindow.empty
  const taken: Array<number> = []
  for (const counter of counters) {
    const next = ReplayWindow.admit(window, counter)
    if (next === null) continue
    window = next
    taken.push(counter)
  }
  return { window, taken }
}

/** The same by remembering everything. */
const twin = (counters: ReadonlyArray<number>): ReadonlyArray<number> => {
  const seen = new Set<number>()
  return counters.filter((counter) => {
    const isNew = !seen.has(counter) && counter > Math.max(-1, ...seen) - ReplayWindow.width
    if (isNew) seen.add(counter)
    return isNew
  })
}

const near = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3_000 }))

describe("the replay window (protocol 7)", () => {
  it.prop("takes what its naive twin takes", [Schema.Array(near)], ([counters]) => {
    assert.deepStrictEqual(after(counters).taken, twin(counters))
  }, { arbitrary: { runs: 500 } })

  it("takes each counter once, in any order", () => {
    assert.deepStrictEqual(after([0, 2, 1, 2, 0, 1, 3]).taken, [0, 2, 1, 3])
  })

  it("is 1,024 wide", () => {
    const { window } = after([5_000])
    assert.isNotNull(ReplayWindow.admit(window, 5_000 - 1_023))
    assert.isNull(ReplayWindow.admit(window, 5_000 - 1_024))
  })

  it("does not grow with the counters", () => {
    const { window } = after([0, 1, 2, 2 ** 40, 2 ** 53 - 1])
    assert.deepStrictEqual(window, { highest: 2 ** 53 - 1, seen: 1n })
    assert.isTrue(after(Array.from({ length: 5_000 }, (_, n) => n)).window.seen < 1n << 1_024n)
  })
})
