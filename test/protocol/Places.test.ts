/**
 * A server on several networks is told of at the address that the asker can reach (protocol, Where a server is).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Places from "../../src/protocol/model/Places.ts"
import * as Peer from "./harness/Peer.ts"
import { Server } from "./harness/Server.ts"

const { alive, member, reign } = Peer

const at = (ip: string) => ({ ip, port: 4_026 })
const place = (ip: string, until = Infinity): Places.Place => ({ address: at(ip), until })

describe("the places of a server that is on several networks", () => {
  it("are those at which it was heard before, the newest first, each once, and only a few", () => {
    const first = Places.besides(Places.none, place("192.0.2.1"), at("192.0.2.1"))
    assert.strictEqual(first, Places.none)
    const second = Places.besides(first, place("192.0.2.1"), at("198.51.100.1"))
    assert.deepStrictEqual(second, [place("192.0.2.1")])
    // It goes on from one to the other and back.
    const again = Places.besides(second, place("198.51.100.1"), at("192.0.2.1"))
    assert.deepStrictEqual(again, [place("198.51.100.1")])
    const later = Places.besides(second, place("192.0.2.1", 9), at("203.0.113.1"))
    assert.deepStrictEqual(later, [place("192.0.2.1", 9)])
    let many = Places.none
    for (let last = 1; last < 9; last++) {
      many = Places.besides(many, place(`192.0.2.${last}`), at(`192.0.2.${last + 1}`))
    }
    assert.deepStrictEqual(many, [place("192.0.2.8"), place("192.0.2.7"), place("192.0.2.6")])
  })

  it("another port at one address is another place", () => {
    const other = { address: { ip: "192.0.2.1", port: 9 }, until: 5 }
    assert.deepStrictEqual(Places.besides(Places.none, other, at("192.0.2.1")), [other])
  })

  it.each(
    [
      ["192.0.2.1", ["198.51.100.1"], "198.51.100.77", "198.51.100.1"],
      ["192.0.2.1", ["198.51.100.1"], "192.0.2.77", "192.0.2.1"],
      // By bits, and not by text.
      ["10.0.1.1", ["10.0.0.1", "10.0.12.1"], "10.0.13.9", "10.0.12.1"],
      // Where neither is nearer, the one where it was last heard.
      ["192.0.2.1", ["192.0.2.2"], "203.0.113.9", "192.0.2.1"],
      // On one network it is where it was last heard.
      ["192.0.2.1", ["192.0.2.9"], "192.0.2.8", "192.0.2.1"],
      ["2001:db8::1", ["2001:db8::9"], "2001:db8::8", "2001:db8::1"],
      ["2001:db8:1::1", ["2001:db8:2::1"], "2001:db8:2::9", "2001:db8:2::1"],
      ["fe80::1%eth0", ["2001:db8::1"], "2001:db8::9", "2001:db8::1"],
      // Of another family none is near.
      ["2001:db8::1", ["192.0.2.1"], "192.0.2.9", "192.0.2.1"],
      ["192.0.2.1", ["2001:db8::1"], "no address", "192.0.2.1"],
      ["192.0.2.1", ["2001:db8::1"], "not:an:address", "192.0.2.1"]
    ] as const
  )("one heard at %s and also at %j is nearest to %s at %s", (address, others, to, nearest) => {
    const [first, ...rest] = Places.nearest(at(address), others.map((ip) => place(ip)), at(to), 0)
    assert.deepStrictEqual(first, at(nearest))
    assert.deepStrictEqual(rest, nearest === address ? [] : [at(address)])
  })

  it("where it was not heard for long, it is no more", () => {
    assert.deepStrictEqual(Places.nearest(at("192.0.2.1"), [place("198.51.100.1", 5)], at("198.51.100.9"), 5), [
      at("192.0.2.1")
    ])
  })
})

describe("a list of members", () => {
  const near = "198.51.100.26"
  const far = "192.0.2.26"
  const said = () => alive("z", reign(50, "z"))
  const listed = (server: Server, from: string) => {
    server.hear({ type: "MEMBERS_ASK", nonce: "1", page: 0 }, "unicast", at(from))
    return server.said("MEMBERS").flatMap(({ message }) => [
      message.list.find(({ id }) => id === member("z").id)?.ip,
      message.leader?.ip
    ])
  }

  it("names a member that is heard on two networks on the one from which it is asked, regardless of which came last", () => {
    const server = Server.live({}, [])
    server.hear(said(), "multicast", at(near))
    server.hear(said(), "multicast", at(far))
    assert.deepStrictEqual(listed(server, "198.51.100.9"), [near, near])
    assert.deepStrictEqual(listed(server, "192.0.2.9"), [far, far])
    server.hear(said(), "multicast", at(near))
    assert.deepStrictEqual(listed(server, "192.0.2.9"), [far, far])
  })

  it("forgets where it was before it moved, and keeps that of one whose late word comes", () => {
    const server = Server.live({}, [])
    server.hear(said(), "multicast", at(near))
    server.hear(said(), "multicast", at(far))
    server.hear({ ...said(), moved: 1 }, "multicast", at(far))
    assert.deepStrictEqual(listed(server, "198.51.100.9"), [far, far])
    server.hear({ ...said(), moved: 1 }, "multicast", at(near))
    server.hear(said(), "multicast", at("203.0.113.26"))
    assert.deepStrictEqual(listed(server, "192.0.2.9"), [far, far])
    assert.deepStrictEqual(listed(server, "203.0.113.9"), [near, near])
  })

  it("names it only where it was heard lately", () => {
    const server = Server.live({}, [])
    server.hear(said(), "multicast", at(near))
    for (let beat = 0; beat < 4; beat++) {
      server.advance(10_000)
      server.hear(said(), "multicast", at(far))
    }
    assert.deepStrictEqual(listed(server, "198.51.100.9"), [far, far])
  })
})
