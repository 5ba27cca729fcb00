import { assert, describe, it } from "@effect/vitest"
import * as SourceRateLimit from "../../src/transport/SourceRateLimit.ts"

const { nameOf } = SourceRateLimit
const at = (ip: string, port: number) => ({ ip, port })
const allows = (sources: SourceRateLimit.SourceRateLimit, from: ReturnType<typeof at>, now: number) =>
  sources.allows(nameOf(from), from, now)

describe("the per-source rate limit (protocol, shares)", () => {
  it("one that floods is cut to its sources, and costs the others nothing", () => {
    const sources = SourceRateLimit.make()
    const member = at("192.0.2.1", 4_000)
    sources.admit(nameOf(member), 0)
    let heard = 0
    for (let millis = 0; millis < 10_000; millis++) {
      // 20,000 a second from one, a heartbeat a second from the other.
      for (let n = 0; n < 20; n++) if (allows(sources, at("192.0.2.66", 5_000), millis)) heard++
      if (millis % 1_000 === 0) assert.isTrue(allows(sources, member, millis))
    }
    assert.isAtMost(heard, 11_000)
  })

  it("a flood that changes its port with each datagram has one sources for all of them", () => {
    const sources = SourceRateLimit.make()
    let heard = 0
    for (let port = 1; port < 20_000; port++) if (allows(sources, at("192.0.2.66", port), 0)) heard++
    assert.strictEqual(heard, SourceRateLimit.shares.unknown)
    assert.isTrue(allows(sources, at("192.0.2.67", 1), 0))
  })

  it("a source that has said something valid is heard beside a flood from its own host", () => {
    const sources = SourceRateLimit.make()
    const member = at("127.0.0.1", 4_000)
    sources.admit(nameOf(member), 0)
    for (let n = 0; n < 20_000; n++) allows(sources, at("127.0.0.1", 5_000), 0)
    assert.isFalse(allows(sources, at("127.0.0.1", 5_001), 0))
    assert.isTrue(allows(sources, member, 0))
  })

  it("one that is valid has a sources too", () => {
    const sources = SourceRateLimit.make()
    const member = at("192.0.2.1", 4_000)
    sources.admit(nameOf(member), 0)
    let heard = 0
    for (let n = 0; n < 20_000; n++) if (allows(sources, member, 0)) heard++
    assert.strictEqual(heard, SourceRateLimit.shares.known)
  })

  it("those whose words may be recordings have one sources for each address, beside that of a flood from there", () => {
    const sources = SourceRateLimit.make()
    for (let n = 0; n < 20_000; n++) allows(sources, at("192.0.2.1", 5_000), 0)
    const newcomer = at("192.0.2.1", 4_000)
    assert.isFalse(allows(sources, newcomer, 0))
    sources.admitUnauthenticated(nameOf(newcomer))
    assert.isTrue(allows(sources, newcomer, 0))
    let heard = 1
    for (let port = 10_000; port < 10_900; port++) {
      sources.admitUnauthenticated(nameOf(at("192.0.2.1", port)))
      for (let n = 0; n < 10; n++) if (allows(sources, at("192.0.2.1", port), 0)) heard++
    }
    assert.strictEqual(heard, SourceRateLimit.shares.unauthenticated)
    sources.admit(nameOf(newcomer), 0)
    assert.isTrue(allows(sources, newcomer, 0))
  })

  it("of too many valid ones, those that were heard the longest ago are treated as unknown", () => {
    const sources = SourceRateLimit.make()
    const many = SourceRateLimit.capacity.known
    for (let n = 0; n < SourceRateLimit.shares.unknown; n++) allows(sources, at("192.0.2.1", 65_000), 0)
    for (let port = 1; port < many; port++) sources.admit(nameOf(at("192.0.2.1", port)), 0)
    assert.isTrue(allows(sources, at("192.0.2.1", 1), 0))
    for (let port = 1; port <= many; port++) sources.admit(nameOf(at("192.0.2.2", port)), 0)
    assert.isTrue(allows(sources, at("192.0.2.1", 1), 0), "it was heard since")
    for (let port = 1; port <= many; port++) sources.admit(nameOf(at("192.0.2.3", port)), 0)
    assert.isFalse(allows(sources, at("192.0.2.1", 2), 0))
  })
})
