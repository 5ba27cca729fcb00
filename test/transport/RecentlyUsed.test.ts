import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import * as RecentlyUsed from "../../src/transport/RecentlyUsed.ts"

const Key = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 12 }))
const least = 4

describe("a table of what was used last", () => {
  it.prop(
    "remembers as many as it must, and forgets what was used before twice as many others",
    [Arbitrary.array(Arbitrary.schema(Key), { maxLength: 60 })],
    ([keys]) => {
      const table = RecentlyUsed.make<number, number>(least)
      const uses: Array<number> = []
      for (const key of keys) {
        const before = uses.lastIndexOf(key)
        const others = before < 0 ? Infinity : new Set(uses.slice(before + 1)).size
        const kept = table.get(key)
        if (others < least) assert.strictEqual(kept, key)
        if (others >= 2 * least) assert.isUndefined(kept)
        table.set(key, key)
        uses.push(key)
      }
    },
    { arbitrary: { runs: 300 } }
  )

  it("counts what its values weigh", () => {
    const table = RecentlyUsed.make<string, number>(10, (weight) => weight)
    table.set("light", 1)
    table.set("light", 2)
    table.set("heavy", 7)
    assert.strictEqual(table.get("light"), 2)
    table.set("more", 30)
    table.set("most", 30)
    assert.isUndefined(table.get("light"))
    assert.strictEqual(table.get("most"), 30)
  })
})
