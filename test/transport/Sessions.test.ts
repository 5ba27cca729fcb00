import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import type { Address } from "../../src/protocol/model/Member.ts"
import * as Frame from "../../src/protocol/wire/Frame.ts"
import * as KeyRing from "../../src/protocol/wire/KeyRing.ts"
import * as PortableCipher from "../../src/protocol/wire/PortableCipher.ts"
import * as Sealing from "../../src/protocol/wire/Sealing.ts"
import * as Session from "../../src/protocol/wire/Session.ts"
import * as Sessions from "../../src/transport/Sessions.ts"

const tag = Frame.groupTag("default")
const [first, second] = [KeyRing.key(new Uint8Array(32).fill(1)), KeyRing.key(new Uint8Array(32).fill(2))]
const from: Address = { ip: "192.0.2.1", port: 4_000 }

let drawn = 0
const random = (bytes: number) => {
  drawn += 1
  return Uint8Array.from({ length: bytes }, (_, n) => (drawn >> (8 * (n % 4))) & 255)
}

class Peer {
  ring: KeyRing.KeyRing
  now = 0
  wall = 0
  readonly unauthenticatedSenders: Array<Sessions.UnauthenticatedSender> = []
  forgotten = 0
  readonly sessions: Sessions.Sessions

  constructor(...keys: ReadonlyArray<KeyRing.Key>) {
    this.ring = { keys, active: keys[0] ?? null, mode: "enforce" }
    this.sessions = Sessions.make(
      {
        ring: () => this.ring,
        freshness: () => Session.freshness(1_000),
        onUnauthenticated: (problem) => void this.unauthenticatedSenders.push(problem),
        maxSessions: 32
      },
      tag,
      random,
      PortableCipher.cipher,
      () => void this.forgotten++,
      () => this.wall
    )
  }

  says(text: string): Uint8Array {
    return this.sessions.seal(new Uint8Array([...Frame.header(tag, 0), ...new TextEncoder().encode(text)]), this.now)
  }

  /** The bodies that it believes of a datagram, and the answers that it sends; or the reason of a drop. */
  hears(payload: Uint8Array) {
    const opened = this.sessions.open({ payload, from, via: "unicast" }, payload[3] as Frame.Flags, this.now)
    return Result.isFailure(opened)
      ? opened.failure
      : {
        texts: opened.success.bodies.map(({ body }) => new TextDecoder().decode(body)),
        replies: opened.success.replies.map(({ frame }) => frame),
        lost: opened.success.lost
      }
  }
}

/** Carries all replies between two until none is left; gives the bodies that each came to believe. */
const talk = (a: Peer, b: Peer, frame: Uint8Array): ReadonlyArray<string> => {
  const believed: Array<string> = []
  const queue: Array<readonly [Peer, Peer, Uint8Array]> = [[a, b, frame]]
  for (const [sender, receiver, payload] of queue) {
    const heard = receiver.hears(payload)
    if (typeof heard === "string") continue
    believed.push(...heard.texts)
    for (const reply of heard.replies) queue.push([receiver, sender, reply])
  }
  return believed
}

describe("the sessions of an endpoint (protocol 7)", () => {
  it("a word of an unknown session is believed after a challenge and its proof, and each later one at once", () => {
    const [a, b] = [new Peer(first), new Peer(first)]
    const challenged = b.hears(a.says("one"))
    assert.isTrue(typeof challenged === "object" && challenged.texts.length === 0 && challenged.replies.length === 1)
    assert.deepStrictEqual(talk(a, b, a.says("two")), [])
    b.now = a.now = 100
    assert.deepStrictEqual(talk(a, b, a.says("three")), ["one", "two", "three"])
    assert.deepStrictEqual(b.hears(a.says("four")), { texts: ["four"], replies: [], lost: 0 })
    assert.deepStrictEqual(b.sessions.size(), { authenticated: 1, unauthenticated: 0 })
  })

  it("gives the reason of each drop, and reports unauthenticated senders", () => {
    const [a, b, c] = [new Peer(first), new Peer(first), new Peer(second)]
    talk(a, b, a.says("hello"))
    const said = a.says("again")
    assert.deepInclude(b.hears(said), { texts: ["again"] })
    assert.strictEqual(b.hears(said), "Repeated")
    assert.strictEqual(a.hears(said), "Own")
    assert.strictEqual(b.hears(c.says("hello")), "UnknownKey")
    assert.strictEqual(b.hears(new Peer().says("hello")), "NotSealed")
    const changed = a.says("changed")
    changed[50]! ^= 1
    assert.strictEqual(b.hears(changed), "Forged")
    assert.strictEqual(b.hears(said.subarray(0, 40)), "Forged")
    assert.deepStrictEqual(b.unauthenticatedSenders, ["UnknownKey", "NotSealed", "Forged", "Forged"])
    const plain = new Peer()
    assert.strictEqual(plain.hears(said), "Sealed")
    assert.deepInclude(plain.hears(plain.says("hello")), { texts: ["hello"] })
    assert.deepStrictEqual(plain.unauthenticatedSenders, ["Sealed"])
  })

  it("a message that claims to be a challenge or a proof does not open: the flags are authenticated", () => {
    const [a, b] = [new Peer(first), new Peer(first)]
    for (const flags of [Frame.flags.challenge, Frame.flags.proof]) {
      const said = a.says("hello")
      said[3] = flags
      assert.strictEqual(b.hears(said), "Forged")
    }
    assert.deepStrictEqual(b.sessions.size(), { authenticated: 0, unauthenticated: 0 })
  })

  it("a proof proves to whom it was given, once", () => {
    const [a, b, c] = [new Peer(first), new Peer(first), new Peer(first)]
    const challenge = b.hears(a.says("one"))
    assert.isObject(challenge)
    if (typeof challenge === "string") return
    const answer = a.hears(challenge.replies[0]!)
    if (typeof answer === "string") return assert.fail(answer)
    const [proof] = answer.replies
    assert.strictEqual(c.hears(proof!), "Unauthenticated")
    assert.deepInclude(b.hears(proof!), { texts: ["one"] })
    assert.strictEqual(b.hears(proof!), "Repeated")
  })

  it("speaks with the first key and hears by all, through a change of keys within one session", () => {
    const [a, b] = [new Peer(first), new Peer(first, second)]
    assert.deepStrictEqual(talk(a, b, a.says("one")), ["one"])
    a.ring = { ...a.ring, keys: [second, first], active: second }
    assert.deepInclude(b.hears(a.says("two")), { texts: ["two"], replies: [] })
    b.ring = { ...b.ring, keys: [second], active: second }
    assert.deepInclude(b.hears(a.says("three")), { texts: ["three"], replies: [] })
    a.ring = { ...a.ring, keys: [first], active: first }
    assert.strictEqual(b.hears(a.says("four")), "UnknownKey")
  })

  it("permissive, it believes plain messages, and answers a challenge by the key it was asked with", () => {
    const [a, b] = [new Peer(first), new Peer(first)]
    b.ring = { keys: [first], active: null, mode: "permissive" }
    assert.deepInclude(b.hears(new Peer().says("plain")), { texts: ["plain"] })
    assert.deepStrictEqual(talk(a, b, a.says("sealed")), ["sealed"])
    assert.strictEqual(b.says("in the clear")[3], Frame.flags.plain)
  })

  it("keeps a bounded number of unauthenticated sessions: those quiet the longest go, are counted, and prove themselves anew", () => {
    const b = new Peer(first)
    const oldest = new Peer(first)
    const unauthenticated = Sessions.unauthenticatedOf(32)
    b.hears(oldest.says("first"))
    for (let n = 0; n < unauthenticated; n++) b.hears(new Peer(first).says("hello"))
    assert.deepStrictEqual([b.sessions.size(), b.forgotten], [{ authenticated: 0, unauthenticated }, 1])
    assert.deepStrictEqual(talk(oldest, b, oldest.says("second")), ["second"])
    assert.deepStrictEqual([b.sessions.size().authenticated, b.forgotten], [1, 2])
    // Sessions that let their challenge go by for long are no loss.
    b.now = 10_000
    for (let n = 0; n < unauthenticated - 1; n++) b.hears(new Peer(first).says("hello"))
    assert.strictEqual(b.forgotten, 2)
  })

  it("keeps two sessions each of maxSessions others that have proved themselves: an insider's many starts cost the others a proof each, and are counted", () => {
    const [b, honest] = [new Peer(first), new Peer(first)]
    assert.deepStrictEqual(talk(honest, b, honest.says("one")), ["one"])
    const starts = (many: number) => {
      for (let n = 0; n < many; n++) {
        const one = new Peer(first)
        one.now = b.now
        talk(one, b, one.says("hello"))
      }
    }
    starts(63)
    assert.deepStrictEqual([b.sessions.size().authenticated, b.forgotten], [64, 0])
    assert.deepInclude(b.hears(honest.says("two")), { texts: ["two"] }, "who speaks is not the one that goes")
    starts(64)
    assert.deepStrictEqual([b.sessions.size().authenticated, b.forgotten], [64, 64])
    assert.deepStrictEqual(talk(honest, b, honest.says("three")), ["three"])
    // Sessions whose proof has lapsed are ordinary to forget: each command that asked a question leaves one.
    b.now = 5_000
    starts(64)
    assert.deepStrictEqual([b.sessions.size().authenticated, b.forgotten], [64, 65])
  })

  /** Two that know each other, at the moment when the first has its next session. */
  const changing = () => {
    const [a, b] = [new Peer(first), new Peer(first)]
    talk(a, b, a.says("hello"))
    a.now = b.now = 360_000
    // Heard of all that time.
    talk(a, b, a.says("still here"))
    return { a, b }
  }
  const saltOf = (frame: Uint8Array) => Sealing.clear(frame)!.salt
  const later = (a: Peer, b: Peer) => {
    a.now += 1_000
    b.now = a.now
  }

  it("goes on in a new session after some minutes, which the one before introduces: no word waits for a proof", () => {
    const { a, b } = changing()
    const before = saltOf(a.says("before"))
    const introduction = a.sessions.introduction(null, a.now)!
    assert.strictEqual(saltOf(introduction), before)
    assert.strictEqual(a.hears(introduction), "Own")
    assert.deepStrictEqual(b.hears(introduction), { texts: [], replies: [], lost: 0 })
    assert.strictEqual(b.hears(introduction), "Repeated")
    later(a, b)
    const said = a.says("after")
    assert.notStrictEqual(saltOf(said), before)
    assert.deepStrictEqual(b.hears(said), { texts: ["after"], replies: [], lost: 0 })
    assert.strictEqual(a.sessions.introduction(null, a.now), null)
  })

  it("a receiver that missed the introduction has the new session authenticated, and the datagrams before that are let through by it", () => {
    const { a, b } = changing()
    const introduction = a.sessions.introduction(null, a.now)!
    later(a, b)
    const held = b.hears(a.says("one"))
    assert.isTrue(typeof held === "object" && held.texts.length === 0 && held.replies.length === 1)
    assert.deepInclude(b.hears(introduction), { texts: ["one"] })
    const { a: c, b: d } = changing()
    assert.isNotNull(c.sessions.introduction(null, c.now))
    later(c, d)
    assert.deepStrictEqual(talk(c, d, c.says("two")), ["two"])
  })

  it("a session that has proved nothing introduces nobody, and nobody introduces us", () => {
    const { a } = changing()
    const late = new Peer(first)
    late.now = a.now
    const introduction = a.sessions.introduction(null, a.now)!
    const challenged = late.hears(introduction)
    assert.isTrue(typeof challenged === "object" && challenged.replies.length === 1)
    assert.deepStrictEqual(late.sessions.size(), { authenticated: 0, unauthenticated: 1 })
    const claims = a.says("x")
    claims[3] = Frame.flags.introduction
    assert.strictEqual(late.hears(claims), "Forged")
  })

  it("is introduced to nobody in the clear", () => {
    const { a } = changing()
    a.ring = { ...a.ring, active: null, mode: "permissive" }
    assert.strictEqual(a.sessions.introduction(null, a.now), null)
  })

  it("a challenge that comes after the change is answered for both sessions", () => {
    const { a, b } = changing()
    assert.isNotNull(a.sessions.introduction(null, a.now))
    const newcomer = new Peer(first)
    newcomer.now = a.now
    const challenged = newcomer.hears(a.says("just before"))
    later(a, newcomer)
    b.now = a.now
    a.says("in the new one")
    if (typeof challenged === "string") return assert.fail(challenged)
    const answer = a.hears(challenged.replies[0]!)
    if (typeof answer === "string") return assert.fail(answer)
    const believed = answer.replies.flatMap((frame) => {
      const heard = newcomer.hears(frame)
      return typeof heard === "string" ? [] : heard.texts
    })
    assert.deepStrictEqual(believed, ["just before"])
  })

  it("after a pause it goes on in another session at once, and machines that were set back draw different ones", () => {
    const [a, b] = [new Peer(first), new Peer(first)]
    talk(a, b, a.says("hello"))
    const copies = [1, 2].map((wall) => {
      drawn = 1_000
      const copy = new Peer(first)
      copy.wall = wall
      copy.sessions.renew(copy.now)
      return saltOf(copy.says("the same"))
    })
    assert.strictEqual(new Set(copies).size, 2)
    const before = saltOf(a.says("before"))
    a.sessions.renew(a.now)
    const said = a.says("after")
    assert.notStrictEqual(saltOf(said), before)
    assert.deepStrictEqual(talk(a, b, said), ["after"])
    assert.strictEqual(a.hears(said), "Own")
  })
})
