/** Sets of resources and their texts (protocol, Grants), beside sets and numbers that say the same. */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import * as Resources from "../../src/protocol/model/Resources.ts"

const resource = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Resources.maxCount - 1 }))
const some = Arbitrary.array(Arbitrary.schema(resource), { maxLength: 30 })
const count = Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: Resources.maxCount })))
const ascending = (resources: Iterable<number>) => Array.from(new Set(resources)).toSorted((self, that) => self - that)

/** One large number, whose lowest byte comes first. */
const textOf = (resources: ReadonlyArray<number>): string => {
  const all = ascending(resources).reduce((sum, one) => sum + 2n ** BigInt(one), 0n)
  const hex = all.toString(16)
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex").toReversed()
  return all === 0n ? "" : Buffer.from(bytes).toString("base64url")
}

describe("sets of resources (protocol, Grants)", () => {
  it.prop("have each once, in ascending order", [some], ([drawn]) => {
    assert.deepStrictEqual(Resources.of(drawn), ascending(drawn))
  })

  it.prop("are read as they were written, but for what the space does not have", [some, count], ([self, count]) => {
    const text = Resources.toText(Resources.of(self))
    assert.strictEqual(text, textOf(self))
    assert.isTrue(Schema.is(Resources.Text)(text))
    assert.deepStrictEqual(Resources.fromText(text, count), ascending(self).filter((one) => one < count))
  })

  it("are read from all that may be sent, and without the bits that are no byte", () => {
    for (const text of ["", "AA", "_w", "__", "_-8", "____", "A".repeat(171), "_".repeat(171)]) {
      assert.isTrue(Schema.is(Resources.Text)(text), text)
      const bytes = Buffer.from(text, "base64url")
      const bits = Resources.all(8 * bytes.length).filter((bit) => ((bytes[bit >> 3]! >> (bit & 7)) & 1) === 1)
      assert.deepStrictEqual(Resources.fromText(text, Resources.maxCount), bits)
    }
    for (const text of ["A", "AAAAA", "AA==", "A+", "A/", "AA\n", "A".repeat(172)]) {
      assert.isFalse(Schema.is(Resources.Text)(text), text)
    }
  })
})
