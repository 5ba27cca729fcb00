import { assert, describe, it } from "@effect/vitest"
import * as SourceRateLimit from "../../src/transport/SourceRateLimit.ts"

const at = (ip: string, port: number) => ({ ip, port })

describe("the per-source rate limit (protocol, shares)", () => {
  it("one that floods is cut to its sources, and costs the others nothing", () => {
    const sources = SourceRateLimit.make()
    const member = at("192.0.2.1", 4_000)
    sources.admit(member)
    let heard = 0
    for (let millis = 0; millis < 10_000; millis++) {
      // 20,000 a second from one, a heartbeat a second from the other.
      for (let n = 0; n < 20; n++) if (sources.allows(at("192.0.2.66", 5_000), millis)) heard++
      if (millis % 1_000 === 0) assert.isTrue(sources.allows(member, millis))
    }
    assert.isAtMost(heard, 11_000)
  })

  it("a flood that changes its port with each datagram has one sources for all of them", () => {
    const sources = SourceRateLimit.make()
    let heard = 0
    for (let port = 1; port < 20_000; port++) if (sources.allows(at("192.0.2.66", port), 0)) heard++
    assert.strictEqual(heard, SourceRateLimit.shares.unknown)
    assert.isTrue(sources.allows(at("192.0.2.67", 1), 0))
  })

  it("a source that has said something valid is heard beside a flood from its own host", () => {
    const sources = SourceRateLimit.make()
    const member = at("127.0.0.1", 4_000)
    sources.admit(member)
    for (let n = 0; n < 20_000; n++) sources.allows(at("127.0.0.1", 5_000), 0)
    assert.isFalse(sources.allows(at("127.0.0.1", 5_001), 0))
    assert.isTrue(sources.allows(member, 0))
  })

  it("one that is valid has a sources too", () => {
    const sources = SourceRateLimit.make()
    const member = at("192.0.2.1", 4_000)
    sources.admit(member)
    let heard = 0
    for (let n = 0; n < 20_000; n++) if (sources.allows(member, 0)) heard++
    assert.strictEqual(heard, SourceRateLimit.shares.known)
  })

  it("those whose words may be recordings have one sources for each address, beside that of a flood from there", () => {
    const sources = SourceRateLimit.make()
    for (let n = 0; n < 20_000; n++) sources.allows(at("192.0.2.1", 5_000), 0)
    const newcomer = at("192.0.2.1", 4_000)
    assert.isFalse(sources.allows(newcomer, 0))
    sources.admitUnauthenticated(newcomer)
    assert.isTrue(sources.allows(newcomer, 0))
    let heard = 1
    for (let port = 10_000; port < 10_900; port++) {
      sources.admitUnauthenticated(at("192.0.2.1", port))
      for (let n = 0; n < 10; n++) if (sources.allows(at("192.0.2.1", port), 0)) heard++
    }
    assert.strictEqual(heard, SourceRateLimit.shares.unauthenticated)
    sources.admit(newcomer)
    assert.isTrue(sources.allows(newcomer, 0))
  })

  it("of too many valid ones, the one that was valid the longest ago is treated as unauthenticated", () => {
    const sources = SourceRateLimit.make()
    const first = at("192.0.2.1", 1)
    for (let port = 1; port <= SourceRateLimit.capacity.known; port++) sources.admit(at("192.0.2.1", port))
    for (let n = 0; n < SourceRateLimit.shares.unknown; n++) sources.allows(at("192.0.2.1", 65_000), 0)
    assert.isTrue(sources.allows(first, 0))
    sources.admit(at("192.0.2.2", 1))
    assert.isFalse(sources.allows(first, 0))
    assert.isTrue(sources.allows(at("192.0.2.1", 2), 0))
  })
})
