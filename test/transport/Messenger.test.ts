/**
 * A messenger: what it sends and reads, which addresses it answers and how often, and which it hears (protocol 2, 3 and 7).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import type * as Member from "../../src/protocol/model/Member.ts"
import type * as Message from "../../src/protocol/model/Message.ts"
import * as Frame from "../../src/protocol/wire/Frame.ts"
import * as KeyRing from "../../src/protocol/wire/KeyRing.ts"
import * as PortableCipher from "../../src/protocol/wire/PortableCipher.ts"
import * as Session from "../../src/protocol/wire/Session.ts"
import * as Datagrams from "../../src/transport/Datagrams.ts"
import * as Messenger from "../../src/transport/Messenger.ts"
import * as Sessions from "../../src/transport/Sessions.ts"
import * as SourceRateLimit from "../../src/transport/SourceRateLimit.ts"
import * as Peer from "../protocol/harness/Peer.ts"

const tag = Frame.groupTag("default")
const key = KeyRing.key(new Uint8Array(32).fill(1))
const keys: Sessions.Keys = {
  ring: () => ({ keys: [key], active: key, mode: "enforce" }),
  freshness: () => Session.freshness(30_000),
  maxSessions: 64
}

/** A messenger on 192.0.2.0/24 that knows one seed elsewhere, and the results of its input. */
const make = Effect.fnUntraced(function*(keys?: Sessions.Keys, more: Partial<Datagrams.Endpoint> = {}) {
  const inbox: Array<Datagrams.Received> = []
  const sent: Array<Member.Address> = []
  const drops: Array<Messenger.DropReason> = []
  let drawn = 0
  const endpoint: Datagrams.Endpoint = {
    hostname: "m",
    local: [{ ip: "192.0.2.13", port: 4_013, interface: "eth0" }],
    receive: Effect.sync(() => inbox.splice(0)),
    multicast: () => Effect.void,
    unicast: (to) => Effect.sync(() => void sent.push(to)),
    ask: (to) => Effect.as(Effect.sync(() => void sent.push(to)), "sent" as const),
    random: (bytes) => new Uint8Array(bytes).fill(++drawn),
    hasAddress: () => true,
    portTowards: () => 4_000,
    isExposed: () => true,
    isDirect: (ip) => ip.startsWith("192.0.2."),
    resolve: (host) => Effect.succeed([host]),
    troubles: Effect.never,
    dropped: Effect.succeed(0),
    ...more
  }
  const messenger = yield* Messenger.make(
    endpoint,
    tag,
    (reason) => void drops.push(reason),
    (ip) => ip === "203.0.113.1",
    keys
  )
  const count = (reason: Messenger.DropReason) => drops.filter((drop) => drop === reason).length
  /** How many of so many messages to an address went out. */
  const send = Effect.fnUntraced(function*(message: Message.Message, to: Member.Address, times: number) {
    const before = sent.length
    for (let n = 0; n < times; n++) yield* messenger.send(to, message)
    return sent.length - before
  })
  return { messenger, inbox, sent, count, send }
})

const frame = (message: Message.Message): Uint8Array => Result.getOrThrow(Frame.encode(message, tag))
const answer = Peer.response("a", "1")
const near = { ip: "192.0.2.1", port: 4_001 }

/** A messenger that keeps the frames that it sends, by where they went; one address is not reached. */
const sender = Effect.fnUntraced(function*(keys?: Sessions.Keys) {
  const frames: Array<{ readonly to: string; readonly payload: Uint8Array }> = []
  const put = (to: string, payload: Uint8Array) => Effect.sync(() => void frames.push({ to, payload }))
  const { messenger } = yield* make(keys, {
    multicast: (payload) => put("group", payload),
    unicast: (to, payload) =>
      to.ip === "192.0.2.66"
        ? Effect.fail(new Datagrams.DatagramsFailed({ during: "send", kind: "Unreachable", where: to.ip }))
        : put(to.ip, payload)
  })
  return { messenger, frames }
})

describe("one message to many", () => {
  const to = (last: number) => ({ ip: `192.0.2.${last}`, port: 4_000 })

  it.effect("is one frame for the group and one for all addresses, so that both ways of hearing it are told apart", () =>
    Effect.gen(function*() {
      for (const [given, differ] of [[undefined, 1], [keys, 2]] as const) {
        const { frames, messenger } = yield* sender(given)
        assert.deepStrictEqual(yield* messenger.sendAll([null, to(1), to(2), to(3)], Peer.alive("m")), [])
        assert.deepStrictEqual(frames.map(({ to }) => to), ["group", "192.0.2.1", "192.0.2.2", "192.0.2.3"])
        assert.strictEqual(new Set(frames.map(({ payload }) => payload.join())).size, differ)
        assert.strictEqual(new Set(frames.slice(1).map(({ payload }) => payload.join())).size, 1)
      }
    }))

  it.effect("goes to all others if one address is not reached, is beyond the networks, or has had its answers", () =>
    Effect.gen(function*() {
      const { count, messenger, send, sent } = yield* make()
      yield* send(answer, near, 100)
      sent.length = 0
      assert.deepStrictEqual(yield* messenger.sendAll([near, { ...near, ip: "198.51.100.9" }, to(2)], answer), [])
      assert.deepStrictEqual([sent.map(({ ip }) => ip), count("TooManyAnswers"), count("NotDirect")], [
        ["192.0.2.2"],
        1,
        1
      ])
      const other = yield* sender()
      const failed = yield* other.messenger.sendAll([to(66), to(1), to(66), to(2)], answer)
      assert.deepStrictEqual(failed.map(({ _tag }) => _tag), ["DatagramsFailed", "DatagramsFailed"])
      assert.deepStrictEqual(other.frames.map(({ to }) => to), ["192.0.2.1", "192.0.2.2"])
    }))

  it.effect("is heard once by a receiver that gets it at two addresses; the second is no drop", () =>
    Effect.gen(function*() {
      const { frames, messenger } = yield* sender(keys)
      yield* messenger.sendAll([to(1), to(2)], Peer.alive("m"))
      const { count, inbox, messenger: other } = yield* make({
        ...keys,
        ring: () => ({ ...keys.ring(), mode: "enforce" })
      }, {
        random: (bytes) => new Uint8Array(bytes).fill(99)
      })
      for (const { payload } of frames) inbox.push({ payload, from: near, via: "unicast" })
      yield* other.receive
      assert.strictEqual(count("Repeated"), 0)
      yield* TestClock.adjust("2 seconds")
      inbox.push({ payload: frames[0]!.payload, from: near, via: "unicast" })
      yield* other.receive
      assert.strictEqual(count("Repeated"), 1)
    }))

  it.effect("too large for a datagram goes nowhere, and is told once", () =>
    Effect.gen(function*() {
      const { frames, messenger } = yield* sender()
      const failed = yield* messenger.sendAll([to(1), to(2)], Peer.probe("x".repeat(2_000)))
      assert.deepStrictEqual([failed.map(({ _tag }) => _tag), frames], [["MessageTooLarge"], []])
    }))
})

describe("answers, and how many of them", () => {
  it.effect("one address gets a hundred answers a second, over all its ports; others get theirs", () =>
    Effect.gen(function*() {
      const { count, send } = yield* make()
      assert.strictEqual(yield* send(answer, near, 60), 60)
      assert.strictEqual(yield* send(answer, { ...near, port: 53 }, 100), 40)
      assert.strictEqual(count("TooManyAnswers"), 60)
      assert.strictEqual(yield* send(answer, { ...near, ip: "192.0.2.2" }, 60), 60)
      yield* TestClock.adjust(500)
      assert.strictEqual(yield* send(answer, near, 100), 50)
      // Messages that are no answers are not held to it: they are few, and elections must not wait.
      assert.strictEqual(yield* send(Peer.coordinator("m", 7), near, 200), 200)
    }))

  it.effect("messages said again have a limit of their own: one question may ask for 64", () =>
    Effect.gen(function*() {
      const { count, send } = yield* make()
      const again = Peer.delivers("m", 1, 1, "ann", 1)
      assert.strictEqual(yield* send(again, near, 2_500), 2_000)
      assert.strictEqual(count("TooManyAnswers"), 500)
      assert.strictEqual(yield* send(answer, near, 10), 10)
    }))

  it.effect("nobody beyond the directly connected networks and the seeds is answered or asked", () =>
    Effect.gen(function*() {
      const { count, messenger, send } = yield* make()
      const far = { ip: "198.51.100.9", port: 4_000 }
      assert.strictEqual(yield* send(answer, far, 5), 0)
      assert.strictEqual(yield* messenger.ask(far, Peer.probe("m")), "sent")
      assert.strictEqual(count("NotDirect"), 6)
      assert.strictEqual(yield* send(answer, { ip: "203.0.113.1", port: 4_000 }, 5), 5)
    }))

  it.effect("nor heard, by any socket: unicast to the group's port comes as multicasts do", () =>
    Effect.gen(function*() {
      const { count, inbox, messenger } = yield* make()
      const from = (ip: string, via: Datagrams.Received["via"]) =>
        inbox.push({ payload: frame(Peer.alive("a")), from: { ip, port: 4_000 }, via })
      for (const via of ["unicast", "multicast"] as const) from("198.51.100.9", via)
      assert.deepStrictEqual(yield* messenger.receive, [])
      assert.strictEqual(count("NotDirect"), 1)
      // The multicast could have been the first of several copies.
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* messenger.receive, [])
      assert.strictEqual(count("NotDirect"), 2)
      for (const via of ["unicast", "multicast"] as const) from("192.0.2.9", via)
      from("203.0.113.1", "multicast")
      assert.deepStrictEqual((yield* messenger.receive).map(({ from }) => from.ip), [
        "192.0.2.9",
        "192.0.2.9",
        "203.0.113.1"
      ])
      assert.strictEqual(count("NotDirect"), 2)
    }))

  it.effect("a copy of a multicast that can be answered is no loss, regardless of which comes first", () =>
    Effect.gen(function*() {
      const { count, inbox, messenger } = yield* make()
      const from = (...ips: ReadonlyArray<string>) =>
        inbox.push(
          ...ips.map((ip) => ({
            payload: frame(Peer.alive("a")),
            from: { ip, port: 4_000 },
            via: "multicast" as const
          }))
        )
      for (const ips of [["198.51.100.9", "192.0.2.9"], ["192.0.2.9", "198.51.100.9"]]) {
        from(...ips)
        assert.lengthOf(yield* messenger.receive, 1)
        yield* TestClock.adjust("10 seconds")
      }
      yield* messenger.receive
      assert.strictEqual(count("NotDirect"), 0)
    }))

  it.effect("nor is one of a sealed message; one that comes again later is a repetition", () =>
    Effect.gen(function*() {
      const { count, inbox, messenger } = yield* make(keys)
      const other = Sessions.make(keys, tag, (bytes) => new Uint8Array(bytes).fill(9), PortableCipher.cipher)
      const payload = other.seal(frame(Peer.alive("a")), 0)
      const from = (...ips: ReadonlyArray<string>) =>
        inbox.push(...ips.map((ip) => ({ payload, from: { ip, port: 4_000 }, via: "multicast" as const })))
      from("198.51.100.9", "192.0.2.9", "192.0.2.10")
      yield* messenger.receive
      yield* TestClock.adjust("1 second")
      yield* messenger.receive
      assert.strictEqual(count("NotDirect") + count("Repeated"), 0)
      from("198.51.100.9", "192.0.2.9")
      yield* messenger.receive
      yield* TestClock.adjust("1 second")
      yield* messenger.receive
      assert.strictEqual(count("NotDirect"), 1)
      assert.strictEqual(count("Repeated"), 1)
    }))

  it.effect.each([
    { ip: "::ffff:192.0.2.9", sent: 1 },
    { ip: "::FFFF:C000:209", sent: 1 },
    { ip: "::ffff:198.51.100.9", sent: 0 },
    { ip: "192.0.2.9%eth0", sent: 0 },
    { ip: "192.0.2", sent: 0 },
    { ip: "", sent: 0 }
  ])("an address is near by its value and not by its spelling: $ip", ({ ip, sent }) =>
    Effect.gen(function*() {
      const { count, send } = yield* make()
      assert.strictEqual(yield* send(answer, { ip, port: 4_000 }, 1), sent)
      assert.strictEqual(count("NotDirect"), 1 - sent)
    }))

  it.effect("challenges and proofs too: recordings from one address draw so many a second and no more", () =>
    Effect.gen(function*() {
      const { count, inbox, messenger, sent } = yield* make(keys)
      for (let n = 0; n < 900; n++) {
        // Each a session of its own, which draws a challenge.
        const other = Sessions.make(
          keys,
          tag,
          (bytes) => new Uint8Array(bytes).fill(100 + n % 100).fill(n / 100, 0, 4),
          PortableCipher.cipher
        )
        inbox.push({
          payload: other.seal(frame(Peer.alive("a")), 0),
          from: { ...near, port: 1_000 + n },
          via: "multicast"
        })
      }
      yield* messenger.receive
      assert.isAtMost(sent.length, 500)
      assert.isAtLeast(sent.length, 250)
      assert.strictEqual(sent.length + count("TooManyAnswers"), 900)
    }))
})

describe("the shares of senders", () => {
  it.effect("one that floods is cut to its share before anything of it is looked at, and others are heard", () =>
    Effect.gen(function*() {
      const { count, inbox, messenger } = yield* make()
      for (let n = 0; n < 20_000; n++) {
        inbox.push({ payload: new Uint8Array(300), from: { ...near, port: n }, via: "multicast" })
      }
      inbox.push({ payload: frame(Peer.alive("b")), from: { ip: "192.0.2.2", port: 4_002 }, via: "multicast" })
      const heard = yield* messenger.receive
      assert.deepStrictEqual(heard.map(({ message }) => message.type), ["SERVER_ALIVE"])
      assert.strictEqual(count("NotOurs"), SourceRateLimit.shares.unknown)
      assert.strictEqual(count("SourceTooFast"), 20_000 - SourceRateLimit.shares.unknown)
    }))

  it.effect("a recording of a member, sent again from a thousand ports, does not buy each of them a share", () =>
    Effect.gen(function*() {
      const { count, inbox, messenger } = yield* make(keys)
      const dead = Sessions.make(keys, tag, (bytes) => new Uint8Array(bytes).fill(200), PortableCipher.cipher)
      const recorded = Array.from({ length: 900 }, () => dead.seal(frame(Peer.alive("a")), 0))
      const ports = recorded.map((_, at) => ({ ...near, port: 1_000 + at }))
      recorded.forEach((payload, at) => inbox.push({ payload, from: ports[at]!, via: "multicast" }))
      yield* messenger.receive
      yield* TestClock.adjust("1 second")
      const before = count("SourceTooFast")
      for (const from of ports) {
        for (let n = 0; n < 20; n++) inbox.push({ payload: recorded[n]!, from, via: "multicast" })
      }
      assert.deepStrictEqual(yield* messenger.receive, [])
      const looked = 20 * ports.length - (count("SourceTooFast") - before)
      assert.isAtMost(looked, SourceRateLimit.shares.unknown + SourceRateLimit.shares.unauthenticated)
    }))

  it.effect("an authenticated sender has a share of its own", () =>
    Effect.gen(function*() {
      const { count, inbox, messenger } = yield* make()
      inbox.push({ payload: frame(Peer.alive("a")), from: near, via: "multicast" })
      yield* messenger.receive
      for (let n = 0; n < 2_000; n++) inbox.push({ payload: frame(Peer.alive("a")), from: near, via: "multicast" })
      assert.lengthOf(yield* messenger.receive, 2_000)
      assert.strictEqual(count("SourceTooFast"), 0)
    }))
})
