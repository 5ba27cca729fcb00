/**
 * Our own id, heard from others (protocol 4, incarnations and duplicates).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type * as Member from "../../src/protocol/model/Member.ts"
import { nodeId } from "../../src/protocol/model/Member.ts"
import * as Timing from "../../src/protocol/model/Timing.ts"
import * as Peer from "./harness/Peer.ts"
import { Server } from "./harness/Server.ts"

const { alive, member } = Peer

/** What two copies of one server say reaches each other, from the address that each is seen at, as long as they talk. */
const together = (
  one: { readonly server: Server; readonly at: Member.Address },
  two: { readonly server: Server; readonly at: Member.Address },
  millis: number
) => {
  for (let passed = 0; passed < millis; passed += 50) {
    for (const [from, to] of [[one, two], [two, one]] as const) {
      for (const { message, to: address } of from.server.sent.splice(0)) {
        if (address === null) to.server.hear(message, "multicast", from.at)
      }
    }
    for (const { server } of [one, two]) {
      server.advance(50)
      if (passed % 10_000 === 0) server.step({ _tag: "Heartbeat" })
    }
  }
}

const duplicates = (server: Server) =>
  server.events.flatMap((event) => event.event === "DuplicateIdentity" ? [event] : [])

const copies = (incarnations: readonly [number, number]) =>
  incarnations.map((incarnation) => {
    const server = new Server({ self: member("m", { incarnation }) })
    server.step({ _tag: "Start" })
    return server
  }) as [Server, Server]

describe("two servers under one id (protocol 4, duplicates)", () => {
  it("at two addresses: both tell of it, with both addresses, once a heartbeat, and neither goes beyond the other", () => {
    const [a, b] = copies([1_000, 2_000])
    const at = { ip: a.state.self.ip, port: a.state.self.port }
    b.step({ _tag: "Moved", addresses: [Peer.elsewhere] })
    together({ server: a, at }, { server: b, at: Peer.elsewhere }, 25_000)
    assert.deepStrictEqual([duplicates(a).length, duplicates(b).length], [3, 3])
    assert.deepInclude(duplicates(a)[0], { ours: "192.0.2.13:4013", theirs: "192.0.2.199:4999", hostname: "host-m" })
    assert.deepInclude(duplicates(b)[0], { theirs: "192.0.2.13:4013" })
    assert.deepStrictEqual([a.state.self.incarnation, b.state.self.incarnation], [1_000, 2_000])
  })

  it.each([[1_000, 2_000], [2_000, 1_000]])(
    "one of them behind a translation of addresses, so that the other speaks from what it takes for its own: both tell",
    (one, two) => {
      const [a, b] = copies([one, two])
      together({ server: a, at: a.state.self }, { server: b, at: Peer.elsewhere }, 65_000)
      for (const server of [a, b]) assert.isAtLeast(duplicates(server).length, 3)
      assert.deepInclude(duplicates(a)[0], { theirs: "192.0.2.199:4999" })
      assert.deepInclude(duplicates(b)[0], { theirs: "192.0.2.13:4013" })
    }
  )

  it.each([[1_000, 2_000], [2_000, 1_000], [1_000, 1_001]])(
    "at one address, as of a cloned machine: after a few steps ahead of each other both tell of it (incarnations %i, %i)",
    (one, two) => {
      const [a, b] = copies([one, two])
      const at = { ip: a.state.self.ip, port: a.state.self.port }
      together({ server: a, at }, { server: b, at }, 25_000)
      for (const server of [a, b]) {
        const told = duplicates(server)
        assert.isAtLeast(told.length, 1)
        assert.deepInclude(told[0], { ours: "192.0.2.13:4013", theirs: "192.0.2.13:4013" })
        assert.isAtMost(server.events.filter(({ event }) => event === "IncarnationRaised").length, Timing.maxRaises)
        assert.deepStrictEqual(server.members, [])
      }
    }
  )

  it("what is left of earlier starts is none: each is gone beyond, and told as no duplicate", () => {
    const [server] = copies([1_000, 0])
    for (const incarnation of [900, 5_000, 4_000, 7_000]) server.hear(alive(member("m", { incarnation })))
    assert.deepStrictEqual([server.state.self.incarnation, duplicates(server)], [7_001, []])
    assert.deepStrictEqual(server.drops(), ["Own", "Own", "Own", "Own"])
    // And its own echo stays its own, of all that it was.
    server.hear(alive(member("m", { incarnation: 9_000 })))
    for (const incarnation of [1_000, 5_001, 7_001, 9_001]) server.hear(alive(member("m", { incarnation })))
    assert.deepStrictEqual(server.drops(), ["Own", "Own", "Own", "Own", "Own"])
    server.hear(alive(member("m", { incarnation: 9_002 })))
    assert.deepStrictEqual([server.drops(), server.state.self.incarnation], [["Duplicate"], 9_001])
  })

  it("a list that names it under a higher one is gone beyond no more often than that either", () => {
    const [server] = copies([1_000, 0])
    for (const incarnation of [2_000, 3_000, 4_000, 5_000]) {
      server.hear(Peer.members("a", [member("m", { incarnation })]), "unicast")
    }
    assert.deepStrictEqual(server.state.self.incarnation, 4_001)
    assert.deepStrictEqual(server.state.identity.raised, [1_000, 2_001, 3_001])
  })

  it("what is left of an earlier start is over a memberTimeout after ours", () => {
    const [server] = copies([1_000, 0])
    server.advance(30_000).hear(alive(member("m", { incarnation: 900 })))
    assert.deepStrictEqual([server.drops(), duplicates(server)], [["Own"], []])
    server.advance(1).hear(alive(member("m", { incarnation: 900 })))
    server.hear(alive("m"))
    assert.deepStrictEqual([server.drops(), duplicates(server).length], [["Duplicate", "Own"], 1])
    server.hear(alive(member("m", { incarnation: 5_000 })))
    assert.strictEqual(server.state.self.incarnation, 1_000)
  })

  it.prop(
    "for anything heard under it from its own address, it goes up at most three times",
    [Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100 })))],
    ([incarnations]) => {
      const [server] = copies([50, 0])
      for (const incarnation of incarnations) server.hear(alive(member("m", { incarnation })))
      const raises = server.events.filter(({ event }) => event === "IncarnationRaised").length
      assert.isAtMost(raises, Timing.maxRaises)
      assert.strictEqual(server.state.identity.raised.length, raises)
      assert.isAtLeast(server.state.self.incarnation, 50)
    }
  )

  it("a configuration copied to another host makes no duplicate: the address is part of the id (protocol 1)", () => {
    assert.notStrictEqual(nodeId("192.0.2.1", "alpha", 4_000), nodeId("192.0.2.2", "alpha", 4_000))
    assert.notStrictEqual(nodeId("192.0.2.1", "alpha", 4_000), nodeId("192.0.2.1", "alpha", 4_001))
    assert.strictEqual(nodeId("192.0.2.1", "alpha", 4_000), nodeId("192.0.2.1", "alpha", 4_000))
  })
})
