/**
 * Link-local addresses mean something on one link, and a zone on one host (protocol 2).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Zone from "../../src/protocol/Zone.ts"
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
    // The loopback is that of whoever says so.
    ["127.0.0.1", "192.0.2.9", "192.0.2.9"],
    ["127.9.9.9", "2001:db8::9", "2001:db8::9"],
    ["::1%lo", "fe80::9%eth0", "fe80::9%eth0"],
    ["::ffff:127.0.0.1", "192.0.2.9", "192.0.2.9"],
    ["127.0.0.1", "127.0.0.1", "127.0.0.1"],
    ["::1", "::1", "::1"],
    // Not of a message: what is no address is left alone.
    ["alpha", "192.0.2.9", "alpha"]
  ])(
    "%s, heard of from %s, is reached at %s",
    (told, from, reached) => assert.deepStrictEqual(Zone.heardOfFrom(at(told), at(from)), at(reached))
  )

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

  it("answers a question from one that it does not know where that says it listens, on the same link", () => {
    const server = new Server({ self })
    server.step({ _tag: "Start" })
    server.forget().hear(Peer.probe(peer("b")), "unicast", { ip: "fe80::2%eth0", port: 9 })
    assert.deepStrictEqual(server.said("SERVER_RESPONSE").map(({ to }) => to), [from("b")])
  })
})
