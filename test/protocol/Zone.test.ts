/**
 * Link-local addresses mean something on one link, and a zone on one host (protocol 2).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Zone from "../../src/protocol/model/Zone.ts"
import * as Peer from "./harness/Peer.ts"
import { Server } from "./harness/Server.ts"

const port = 4_000
const at = (ip: string) => ({ ip, port })

describe("zones", () => {
  it.each([
    ["fe80::1", "fe80::9%eth0", "fe80::1%eth0"],
    // What another host calls its link says nothing here.
    ["fe80::1%wlan7", "fe80::9%eth0", "fe80::1%eth0"],
    ["fe80::1%wlan7", "2001:db8::9", "fe80::1"],
    ["febf::1", "fe80::9%2", "febf::1%2"],
    ["2001:db8::1", "fe80::9%eth0", "2001:db8::1"],
    ["fec0::1", "fe80::9%eth0", "fec0::1"],
    ["192.0.2.1", "192.0.2.9", "192.0.2.1"],
    // A zone means nothing on other addresses, and hides no other spelling.
    ["2001:DB8:0::1%eth0", "fe80::9%eth0", "2001:db8::1"],
    ["FE80::1%wlan7", "fe80::9%eth0", "fe80::1%eth0"],
    ["::ffff:192.0.2.1", "192.0.2.9", "192.0.2.1"],
    // The loopback address of another host is none here.
    ["127.0.0.1", "192.0.2.9", null],
    ["127.9.9.9", "2001:db8::9", null],
    ["::1%lo", "fe80::9%eth0", null],
    ["::ffff:127.0.0.1", "192.0.2.9", null],
    ["127.0.0.1", "127.0.0.1", "127.0.0.1"],
    ["::1", "::1", "::1"],
    ["0.0.0.0", "192.0.2.9", null],
    // Not of a message: what is no address is left alone.
    ["alpha", "192.0.2.9", "alpha"]
  ])(
    "%s, heard of from %s, is reached at %s",
    (told, from, reached) =>
      assert.deepStrictEqual(Zone.heardOfFrom(at(told), at(from)), reached === null ? null : at(reached))
  )

  it.each(
    [
      // Where it is heard, rather than where it says that it is.
      [["192.0.2.1", "198.51.100.1"], "192.0.2.9", "192.0.2.1"],
      // Never one of the own host or link of the one that tells, where that is another's.
      [["127.0.0.1", "198.51.100.1"], "192.0.2.9", "198.51.100.1"],
      [["127.0.0.1", "198.51.100.1"], "127.0.0.1", "127.0.0.1"],
      [["127.0.0.1", "127.0.0.1"], "192.0.2.9", "0.0.0.0"],
      [["fe80::1%eth0", "2001:db8::1"], "2001:db8::9", "2001:db8::1"],
      [["fe80::1%eth0", "2001:db8::1"], "fe80::9%eth1", "2001:db8::1"],
      [["fe80::1%eth0", "2001:db8::1"], "fe80::9%eth0", "fe80::1"],
      // In a group that meets on its link alone, without zones.
      [["fe80::1%eth0", "fe80::1"], "fe80::9", "fe80::1"],
      [["fe80::1%eth0", "fe80::1"], "192.0.2.9", "0.0.0.0"],
      // Rather of the family that the one that is told can surely reach.
      [["2001:db8::1", "192.0.2.1"], "192.0.2.9", "192.0.2.1"],
      [["192.0.2.1", "2001:db8::1"], "2001:db8::9", "2001:db8::1"],
      [["2001:db8::1", "2001:db8::2"], "192.0.2.9", "2001:db8::1"]
    ] as const
  )(
    "one known at %s is told to %s as at %s (protocol, Where a server is)",
    ([heard, announced], to, told) => assert.deepStrictEqual(Zone.toldTo([at(heard), at(announced)], at(to)), at(told))
  )

  it("who tells of itself is where its word came from, and the others are where it says", () => {
    const line = (id: string) => ({ id, ...at("127.0.0.1") })
    const from = { ip: "fe80::9%eth0", port: 9 }
    assert.deepStrictEqual(Zone.placed(line("a"), { id: "a" }, from), { id: "a", ip: "fe80::9", port: 9 })
    assert.deepStrictEqual(Zone.placed(line("b"), { id: "a" }, from), line("b"))
  })

  it.each([
    ["fe80::1%eth0", "fe80::1", true],
    ["fe80::1", "fe80::1%eth0", true],
    ["fe80::1%eth0", "fe80::1%eth0", true],
    ["fe80::1%eth0", "fe80::1%eth1", false],
    ["fe80::1", "fe80::2", false]
  ])("%s and %s: %s", (one, other, same) => assert.strictEqual(Zone.isSame(at(one), at(other)), same))

  it("tell apart nothing that has another port", () =>
    assert.isFalse(Zone.isSame(at("fe80::1"), { ip: "fe80::1", port: 1 })))
})

describe("a server on a link", () => {
  const self = Peer.member("m", { ip: "fe80::13" })
  const peer = (name: string) => Peer.member(name, { ip: `fe80::${name.charCodeAt(0) - 96}` })
  const from = (name: string) => ({ ip: `${peer(name).ip}%eth0`, port: peer(name).port })

  it("asks a leader that it only heard of on the link where it heard of it", () => {
    const server = new Server({ self })
    server.step({ _tag: "Start" })
    server.forget().hear(Peer.alive(peer("a"), Peer.reign(50, peer("z"))), "multicast", from("a"))
    assert.deepStrictEqual(server.said("SERVER_PROBE").map(({ to }) => to), [from("z")])
  })

  it("answers a question from one that it does not know at the port that it names, on the same link", () => {
    const server = new Server({ self })
    server.step({ _tag: "Start" })
    server.forget().hear(Peer.asks(peer("b")), "unicast", { ip: "fe80::2%eth0", port: 9 })
    assert.deepStrictEqual(server.said("SERVER_RESPONSE").map(({ to }) => to), [from("b")])
  })
})

describe("an address of the host itself (protocol 3, MEMBERS_ASK)", () => {
  const own = [{ ip: "192.0.2.1" }, { ip: "fe80::1%eth0" }]

  it("is one that it has, on any link, or the loopback", () => {
    for (const ip of ["192.0.2.1", "fe80::1%eth0", "fe80::1", "127.0.0.1", "127.8.8.8", "::1"]) {
      assert.isTrue(Zone.isOfHost(ip, own), ip)
    }
    for (const ip of ["192.0.2.10", "fe80::10", "::10", "12.7.0.1"]) assert.isFalse(Zone.isOfHost(ip, own), ip)
  })
})
