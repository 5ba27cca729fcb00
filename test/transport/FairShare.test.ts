import { assert, describe, it } from "@effect/vitest"
import * as FairShare from "../../src/transport/FairShare.ts"

const at = (ip: string, port: number) => ({ ip, port })

describe("shares (protocol, shares)", () => {
  it("one that floods is cut to its share, and costs the others nothing", () => {
    const share = FairShare.make()
    const member = at("192.0.2.1", 4_000)
    share.trust(member)
    let heard = 0
    for (let millis = 0; millis < 10_000; millis++) {
      // 20,000 a second from one, a heartbeat a second from the other.
      for (let n = 0; n < 20; n++) if (share.admits(at("192.0.2.66", 5_000), millis)) heard++
      if (millis % 1_000 === 0) assert.isTrue(share.admits(member, millis))
    }
    assert.isAtMost(heard, 11_000)
  })

  it("a flood that changes its port with each datagram has one share for all of them", () => {
    const share = FairShare.make()
    let heard = 0
    for (let port = 1; port < 20_000; port++) if (share.admits(at("192.0.2.66", port), 0)) heard++
    assert.strictEqual(heard, FairShare.shares.unknown)
    assert.isTrue(share.admits(at("192.0.2.67", 1), 0))
  })

  it("who has said something valid is heard beside a flood from its own host", () => {
    const share = FairShare.make()
    const member = at("127.0.0.1", 4_000)
    share.trust(member)
    for (let n = 0; n < 20_000; n++) share.admits(at("127.0.0.1", 5_000), 0)
    assert.isFalse(share.admits(at("127.0.0.1", 5_001), 0))
    assert.isTrue(share.admits(member, 0))
  })

  it("one that is valid has a share too", () => {
    const share = FairShare.make()
    const member = at("192.0.2.1", 4_000)
    share.trust(member)
    let heard = 0
    for (let n = 0; n < 20_000; n++) if (share.admits(member, 0)) heard++
    assert.strictEqual(heard, FairShare.shares.known)
  })

  it("those whose words may be recordings have one share for each address, beside that of a flood from there", () => {
    const share = FairShare.make()
    for (let n = 0; n < 20_000; n++) share.admits(at("192.0.2.1", 5_000), 0)
    const newcomer = at("192.0.2.1", 4_000)
    assert.isFalse(share.admits(newcomer, 0))
    share.meet(newcomer)
    assert.isTrue(share.admits(newcomer, 0))
    let heard = 1
    for (let port = 10_000; port < 10_900; port++) {
      share.meet(at("192.0.2.1", port))
      for (let n = 0; n < 10; n++) if (share.admits(at("192.0.2.1", port), 0)) heard++
    }
    assert.strictEqual(heard, FairShare.shares.met)
    share.trust(newcomer)
    assert.isTrue(share.admits(newcomer, 0))
  })

  it("of too many valid ones, who was valid the longest ago is as good as a stranger", () => {
    const share = FairShare.make()
    const first = at("192.0.2.1", 1)
    for (let port = 1; port <= FairShare.capacity.known; port++) share.trust(at("192.0.2.1", port))
    for (let n = 0; n < FairShare.shares.unknown; n++) share.admits(at("192.0.2.1", 65_000), 0)
    assert.isTrue(share.admits(first, 0))
    share.trust(at("192.0.2.2", 1))
    assert.isFalse(share.admits(first, 0))
    assert.isTrue(share.admits(at("192.0.2.1", 2), 0))
  })
})
