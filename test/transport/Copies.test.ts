import { assert, describe, it } from "@effect/vitest"
import * as Member from "../../src/protocol/model/Member.ts"
import * as Copies from "../../src/transport/Copies.ts"
import * as Peer from "../protocol/harness/Peer.ts"

const [a, b] = [Peer.id("a"), Peer.id("b")]

describe("copies of one message by several addresses of its sender (protocol 2)", () => {
  it("are datagrams that come within a second of one from an address that can be answered", () => {
    const copies = Copies.make()
    copies.near(a, 0)
    copies.far(a, 1)
    copies.far(a, 999)
    assert.strictEqual(copies.lost(5_000), 0)
    copies.far(a, 5_000)
    assert.strictEqual(copies.lost(6_000), 1)
  })

  it("also if they come before that one", () => {
    const copies = Copies.make()
    copies.far(a, 0)
    copies.far(a, 1)
    assert.strictEqual(copies.lost(2), 0)
    copies.near(a, 3)
    assert.strictEqual(copies.lost(5_000), 0)
  })

  it("are none of a sender without such an address: each is lost, and counted once", () => {
    const copies = Copies.make()
    copies.near(b, 0)
    copies.far(a, 0)
    copies.far(a, 500)
    assert.strictEqual(copies.lost(999), 0)
    assert.strictEqual(copies.lost(1_000), 2)
    assert.strictEqual(copies.lost(9_000), 0)
  })

  it("are forgotten if there is one sender too many", () => {
    const copies = Copies.make()
    copies.near(a, 0)
    for (let i = 0; i < 4_096; i++) copies.near(Member.nodeId("192.0.2.1", "host", i), 0)
    copies.far(a, 1)
    assert.strictEqual(copies.lost(1_001), 1)
  })

  it("and lost, if they wait", () => {
    const copies = Copies.make()
    for (let i = 0; i < 4_097; i++) copies.far(Member.nodeId("192.0.2.1", "host", i), 0)
    assert.strictEqual(copies.lost(1), 4_096)
    assert.strictEqual(copies.lost(1_000), 1)
  })
})
