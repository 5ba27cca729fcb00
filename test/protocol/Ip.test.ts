import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { isIP } from "node:net"
import * as Ip from "../../src/protocol/model/Ip.ts"

describe("an address has one spelling (protocol 2)", () => {
  it.each([
    ["192.0.2.1", "192.0.2.1"],
    ["FD51:0::1", "fd51::1"],
    ["fd51:0:0:0:0:0:0:1", "fd51::1"],
    ["fd51::0001", "fd51::1"],
    ["2001:DB8::1%eth0", "2001:db8::1"],
    ["FE80::1%eth0", "fe80::1%eth0"],
    ["fe80:0::1", "fe80::1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::FFFF:c000:201", "192.0.2.1"],
    ["::ffff:127.0.0.1%lo", "127.0.0.1"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["::1%lo", "::1"],
    ["192.0.2.1%eth0", undefined],
    ["fe80::1%", undefined],
    ["192.0.2", undefined],
    ["192.0.2.256", undefined],
    ["010.0.0.1", undefined],
    ["1:2", undefined],
    ["", undefined],
    ["alpha", undefined]
  ])("%s: %s", (text, expected) => assert.strictEqual(Ip.canonical(text), expected))

  it.each([
    ["127.0.0.1", true],
    ["127.9.8.7", true],
    ["::1", true],
    ["12.7.0.1", false],
    ["::2", false],
    ["fd00::127", false]
  ])("%s is the own host's alone: %s", (ip, expected) => assert.strictEqual(Ip.isLoopback(ip), expected))

  const Word = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff }))
  const Words = Schema.Tuple([Word, Word, Word, Word, Word, Word, Word, Word])
  it.prop(
    "which is that of any other spelling, and is the one of URLs",
    [Arbitrary.schema(Words), Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 })))],
    ([words, zeros]) => {
      // Many zeros, so that there is something to leave out.
      const some = words.map((word, at) => (zeros >> at) & 1 ? 0 : word)
      const long = some.map((word) => word.toString(16).padStart(4, "0").toUpperCase()).join(":")
      const short = Ip.canonical(long)!
      assert.strictEqual(isIP(short) === 0, false)
      assert.strictEqual(Ip.canonical(short), short)
      if (isIP(short) === 6) assert.strictEqual(new URL(`http://[${long}]`).hostname, `[${short}]`)
    }
  )
})
