import { assert, describe, it } from "@effect/vitest"
import * as Member from "../../src/protocol/Member.ts"
import * as Copies from "../../src/transport/Copies.ts"
import * as Peer from "../protocol/harness/Peer.ts"

const [a, b] = [Peer.id("a"), Peer.id("b")]

describe("copies of one message by several addresses of its sender (protocol 2)", () => {
  it("from an address that cannot be answered one is left out, while the sender is heard from one that can", () => {
    const copies = Copies.make()
    assert.isFalse(copies.isSpare(a, true, 0))
    assert.isTrue(copies.isSpare(a, false, 1))
    assert.isTrue(copies.isSpare(a, false, 999))
    assert.isFalse(copies.isSpare(a, false, 1_000))
    assert.isFalse(copies.isSpare(a, true, 1_001))
  })

  it("who has no better address is heard from that one", () => {
    const copies = Copies.make()
    copies.isSpare(b, true, 0)
    assert.isFalse(copies.isSpare(a, false, 1))
    assert.isFalse(copies.isSpare(a, false, 2))
  })

  it("who is one too many makes the others forgotten, not left out", () => {
    const copies = Copies.make()
    copies.isSpare(a, true, 0)
    for (let i = 0; i < 5_000; i++) copies.isSpare(Member.nodeId("192.0.2.1", "host", i), true, 0)
    assert.isFalse(copies.isSpare(a, false, 1))
  })
})
