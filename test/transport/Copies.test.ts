import { assert, describe, it } from "@effect/vitest"
import * as Member from "../../src/protocol/Member.ts"
import * as Copies from "../../src/transport/Copies.ts"
import * as Peer from "../protocol/harness/Peer.ts"

const [a, b] = [Peer.id("a"), Peer.id("b")]

describe("copies of one message by several addresses of its sender (protocol 2)", () => {
  it("what comes within a second of a word from an address that can be answered is one", () => {
    const copies = Copies.make()
    copies.note(a, 0)
    assert.isTrue(copies.isCopy(a, 1))
    assert.isTrue(copies.isCopy(a, 999))
    assert.isFalse(copies.isCopy(a, 1_000))
  })

  it("of who has no such address nothing is one", () => {
    const copies = Copies.make()
    copies.note(b, 0)
    assert.isFalse(copies.isCopy(a, 1))
  })

  it("who is one too many makes the others forgotten", () => {
    const copies = Copies.make()
    copies.note(a, 0)
    for (let i = 0; i < 5_000; i++) copies.note(Member.nodeId("192.0.2.1", "host", i), 0)
    assert.isFalse(copies.isCopy(a, 1))
  })
})
