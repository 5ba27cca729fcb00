import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Member from "../../src/protocol/model/Member.ts"
import * as Peer from "./harness/Peer.ts"

/** Few ids and priorities, so that many pairs are equal in one or both. */
const ranked = Arbitrary.schema(Schema.Struct({
  priority: Schema.Literals([-2_147_483_648, -1, 0, 1, 2, 2_147_483_647]),
  id: Schema.Literals(["a", "b", "c", "f"]).pipe(Schema.decodeTo(Schema.String))
}))

const sign = Math.sign

describe("rank (protocol 1)", () => {
  it.prop("is a total order: equal exactly where both are the same", [ranked, ranked], ([a, b]) => {
    const same = a.priority === b.priority && a.id === b.id
    assert.strictEqual(Member.compareRank(a, b) === 0, same)
  }, { arbitrary: { runs: 500 } })

  it.prop("is a total order: antisymmetric", [ranked, ranked], ([a, b]) => {
    assert.strictEqual(sign(Member.compareRank(a, b)), -sign(Member.compareRank(b, a)) + 0)
    assert.strictEqual(Member.outranks(a, b) && Member.outranks(b, a), false)
  }, { arbitrary: { runs: 500 } })

  it.prop("is a total order: transitive", [ranked, ranked, ranked], ([a, b, c]) => {
    if (Member.compareRank(a, b) >= 0 && Member.compareRank(b, c) >= 0) assert.isAtLeast(Member.compareRank(a, c), 0)
    if (Member.outranks(a, b) && Member.outranks(b, c)) assert.isTrue(Member.outranks(a, c))
  }, { arbitrary: { runs: 1_000 } })

  it.prop("is the pair (priority, node id), compared as a pair is (naive twin)", [ranked, ranked], ([a, b]) => {
    const naive = a.priority > b.priority || (a.priority === b.priority && a.id > b.id)
    assert.strictEqual(Member.outranks(a, b), naive)
  }, { arbitrary: { runs: 500 } })
})

describe("what a member may be (protocol 7, limits)", () => {
  const decode = Schema.decodeUnknownResult(Member.Member)
  const accepts = (change: Readonly<Record<string, unknown>>) =>
    Result.isSuccess(decode({ ...Peer.member("a"), ...change }))

  it("names and host names are 1 to 64 bytes of JSON, however they are spelt", () => {
    for (const field of ["name", "hostname"]) {
      assert.isTrue(accepts({ [field]: "x" }))
      assert.isTrue(accepts({ [field]: "x".repeat(64) }))
      assert.isTrue(accepts({ [field]: "é".repeat(32) }))
      assert.isTrue(accepts({ [field]: "\"".repeat(32) }))
      assert.isTrue(accepts({ [field]: "\u0001".repeat(10) }))
      assert.isFalse(accepts({ [field]: "" }))
      assert.isFalse(accepts({ [field]: "x".repeat(65) }))
      assert.isFalse(accepts({ [field]: "é".repeat(33) }))
      assert.isFalse(accepts({ [field]: "\"".repeat(33) }))
      assert.isFalse(accepts({ [field]: "\u0001".repeat(11) }))
      assert.isFalse(accepts({ [field]: "x".repeat(1_000_000) }))
    }
  })

  it("tags are at most 256 bytes of JSON", () => {
    assert.isTrue(accepts({ tags: {} }))
    assert.isTrue(accepts({ tags: { a: "x".repeat(248) } }))
    assert.isFalse(accepts({ tags: { a: "x".repeat(249) } }))
    assert.isFalse(accepts({ tags: { a: 1 } }))
  })

  it("addresses are IPv4 or IPv6 ones, with a zone where they need it; ports such as can be sent to", () => {
    for (const ip of ["192.0.2.1", "fe80::1%eth0", "::ffff:192.0.2.1", "ff02::1"]) assert.isTrue(accepts({ ip }), ip)
    for (const ip of ["", "localhost", "fe80::1%", `fe80::1%${"x".repeat(16)}`, "1".repeat(46)]) {
      assert.isFalse(accepts({ ip }), ip)
    }
    for (const port of [0, -1, 65_536, 1.5, "1"]) assert.isFalse(accepts({ port }))
  })

  it("the bytes of a text are those between its quotes, those of tags all of them", () => {
    assert.strictEqual(Member.jsonBytes("aé\""), 5)
    assert.strictEqual(Member.jsonBytes({ a: "b" }), 9)
  })

  it.prop("the bytes are counted as JSON in UTF-8 has them, for any text", [
    Arbitrary.array(
      Arbitrary.schema(Schema.Literals([...Array.from("aZ ~!\"\\#[]{}\n\u0000\u007fé€"), "\ud800", "😀"])),
      {
        maxLength: 6
      }
    ),
    Arbitrary.array(Arbitrary.schema(Schema.String), { maxLength: 4 })
  ], ([characters, texts]) => {
    const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value)).length
    const all = [characters.join(""), ...texts]
    for (const text of all) assert.strictEqual(Member.jsonBytes(text), bytes(text) - 2)
    const tags = Object.fromEntries(all.slice(1).map((text, index) => [text, all[index] ?? ""]))
    assert.strictEqual(Member.jsonBytes(tags), bytes(tags))
  }, { arbitrary: { runs: 300 } })
})

describe("a name that the system gave", () => {
  it("is cut to its limit, and never empty", () => {
    assert.strictEqual(Member.shortened("alpha", 64), "alpha")
    assert.strictEqual(Member.shortened("é".repeat(40), 64), "é".repeat(32))
    assert.strictEqual(Member.shortened("", 64), "unknown")
  })
})

describe("addresses as text", () => {
  it("IPv6 ones in brackets", () => {
    assert.strictEqual(Member.formatAddress({ ip: "192.0.2.1", port: 4000 }), "192.0.2.1:4000")
    assert.strictEqual(Member.formatAddress({ ip: "fe80::1%eth0", port: 4000 }), "[fe80::1%eth0]:4000")
  })
})

describe("a start", () => {
  it("is one id with one incarnation", () => {
    const { id } = Peer.member("a")
    assert.isTrue(Member.isSameStart({ id, incarnation: 1 }, { id, incarnation: 1 }))
    assert.isFalse(Member.isSameStart({ id, incarnation: 1 }, { id, incarnation: 2 }))
    assert.isFalse(Member.isSameStart({ id, incarnation: 1 }, { id: Peer.id("b"), incarnation: 1 }))
  })
})

describe("the address of a member", () => {
  it("that has not said where it is is shown as none", () => {
    assert.strictEqual(Member.formatAddress(Member.nowhere), "no address")
    assert.strictEqual(Member.formatAddress({ ip: "0.0.0.0", port: 80 }), "0.0.0.0:80")
    assert.strictEqual(Member.formatAddress({ ip: "192.0.2.1", port: 1 }), "192.0.2.1:1")
  })
})
