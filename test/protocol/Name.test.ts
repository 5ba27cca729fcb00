import { assert, describe, it } from "@effect/vitest"
import * as Name from "../../src/protocol/model/Name.ts"

describe("a name", () => {
  it.each(["orders", "a b", "Bob's", "5\" disk", "küche", "台所", "🐑", "zone=a", "", "a\"b"])("may be %j", (text) => {
    assert.isTrue(Name.isPlain(text))
  })

  it.each([
    "orders\r",
    "orders\n",
    "\torders",
    "or\u0000ders",
    "or\u0085ders",
    "orders\u200b",
    "\ufefforders",
    "or\u202eders",
    "or\u00adders",
    "or\u00a0ders",
    "or\u3000ders",
    "or\u2028ders",
    "or\u2800ders",
    "or\u3164ders",
    "or\ud800ders",
    "or\u{e0061}ders"
  ])("holds nothing that nobody sees: %j", (text) => {
    assert.isFalse(Name.isPlain(text))
    assert.isAtLeast(Name.firstUnseen(text), 0)
    const quoted = Name.quoted(text)
    assert.match(quoted, /^"(?:[\x21-\x7e])+"$/)
    assert.strictEqual(JSON.parse(quoted), text)
  })

  it.each([" orders", "orders ", "\"orders\"", "orders\"", "'orders", "`orders`", "“orders”", "orders’", "«orders»"])(
    "neither begins nor ends with a blank or a quote: %j",
    (text) => {
      assert.isFalse(Name.isPlain(text))
      assert.strictEqual(Name.firstUnseen(text), -1)
      assert.strictEqual(JSON.parse(Name.quoted(text)), text)
    }
  )

  it("is composed, and where it is not, the marks are shown", () => {
    assert.isTrue(Name.isPlain("caf\u00e9"))
    assert.strictEqual(Name.quoted("caf\u00e9"), "\"caf\u00e9\"")
    assert.isFalse(Name.isPlain("cafe\u0301"))
    assert.strictEqual(Name.quoted("cafe\u0301"), "\"cafe\\u0301\"")
  })
})
