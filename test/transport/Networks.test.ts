import { assert, describe, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { BlockList } from "node:net"
import * as Forms from "../../src/settings/Forms.ts"
import * as Networks from "../../src/transport/Networks.ts"

const read = (text: string) => Option.getOrThrow(Forms.network.parse(text))

describe("networks that are named (protocol 2)", () => {
  it.each([
    ["10.0.0.0/8", "10.255.0.1", true],
    ["10.0.0.0/8", "11.0.0.1", false],
    // The bits that do not count may be any.
    ["192.0.2.77/24", "192.0.2.1", true],
    ["192.0.2.1/32", "192.0.2.1", true],
    ["192.0.2.1/32", "192.0.2.2", false],
    ["192.0.2.0/23", "192.0.3.9", true],
    ["192.0.2.0/24", "::ffff:192.0.2.1", false],
    ["2001:db8::/32", "2001:db8:7::1", true],
    ["2001:db8::/33", "2001:db8:8000::1", false],
    ["fe80::/64", "fe80::1%eth0", true],
    ["fd00::1/128", "fd00::1", true],
    ["fd00::1/128", "10.0.0.1", false],
    ["10.0.0.0/8", "ten", false],
    ["10.0.0.0/8", "", false]
  ])("%s and %s: %s", (network, ip, expected) => assert.strictEqual(Networks.hold([read(network)], ip), expected))

  it("hold an address if any of them does, and an empty list holds none", () => {
    assert.isTrue(Networks.hold([read("10.0.0.0/8"), read("192.0.2.0/24")], "192.0.2.9"))
    assert.isFalse(Networks.hold([], "192.0.2.9"))
  })

  it.each([
    "10.0.0.0",
    "10.0.0.0/",
    "10.0.0.0/33",
    "10.0.0.0/7",
    "0.0.0.0/0",
    "::/0",
    "2001::/15",
    "fd00::/129",
    "10.0.0/8",
    "10.0.0.0/8/8",
    "fe80::1%eth0/64",
    "example.org/24",
    "/8",
    ""
  ])(
    "are not %j",
    (text) => assert.isTrue(Option.isNone(Option.filter(Forms.network.parse(text), Schema.is(Forms.network.is))))
  )

  const whole = (most: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: most }))
  it.prop(
    "hold what those of Node hold",
    [whole(0xffff_ffff), whole(0xffff_ffff), whole(24)],
    ([one, flip, more]) => {
      const bits = 8 + more
      // A neighbour that shares about as many bits as count.
      const other = (one ^ (flip >>> bits)) >>> 0
      const text = (word: number) => [24, 16, 8, 0].map((at) => (word >>> at) & 255).join(".")
      const reference = new BlockList()
      reference.addSubnet(text(one), bits)
      for (const ip of [other, flip]) {
        assert.strictEqual(Networks.hold([read(`${text(one)}/${bits}`)], text(ip)), reference.check(text(ip)))
      }
    }
  )
})
