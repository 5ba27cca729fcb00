/**
 * Groups with a key: whole servers on a simulated network, and an attacker on it who hears everything, can send anything
 * from any address, and has no key.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type * as Event from "../../src/protocol/model/Event.ts"
import type { Address } from "../../src/protocol/model/Member.ts"
import * as Member from "../../src/protocol/model/Member.ts"
import * as Message from "../../src/protocol/model/Message.ts"
import * as Frame from "../../src/protocol/wire/Frame.ts"
import * as Sealing from "../../src/protocol/wire/Sealing.ts"
import type * as Settings from "../../src/settings/Settings.ts"
import * as SimulatedGroup from "../../src/testing/SimulatedGroup.ts"
import * as VirtualTime from "../../src/testing/VirtualTime.ts"
import { KeyFile } from "../../src/transport/KeyFile.ts"

const first = "11".repeat(32)
const second = "22".repeat(32)

const keyed = (index: number, key: string, more: Settings.Options = {}): Settings.Options => ({
  key,
  profile: "fast",
  priority: index,
  unicastPort: 4_000,
  ...more
})

interface Recorded {
  readonly sender: string
  readonly from: Address
  readonly via: "multicast" | "unicast"
  readonly payload: Uint8Array
}

/** A group with a key, and all that its network carries, as the attacker keeps it. */
const watched = Effect.fnUntraced(function*(
  servers: number,
  settings: (index: number) => Settings.Options = (index) => keyed(index, first),
  more: Partial<SimulatedGroup.Options> = {}
) {
  const group = yield* SimulatedGroup.make({ servers, seed: 7, ...more, settings })
  const recorded: Array<Recorded> = []
  yield* group.network.tap(({ from, payload, sender, via, what }) => {
    if (what === "sent") recorded.push({ sender, from, via, payload })
  })
  /** Says again to every machine what was recorded, from where it came or from elsewhere. */
  const replay = (some: ReadonlyArray<Recorded>, from?: Address) =>
    Effect.forEach(some, (one) =>
      Effect.flatMap(group.network.hosts, (hosts) =>
        Effect.forEach(
          hosts.filter(({ name }) => name !== one.sender),
          ({ name }) => group.network.inject(name, from ?? one.from, one.payload, one.via)
        )), { discard: true })
  return { group, recorded, replay }
})

const eventsOf = (group: SimulatedGroup.SimulatedGroup, index: number, from = 0) =>
  Effect.map(group.events(index), (seen) => seen.filter(({ at }) => at >= from).map(({ event }) => event))

/** What changed for anybody since then: members, the lead, identities. */
const changes = Effect.fnUntraced(function*(group: SimulatedGroup.SimulatedGroup, from: number) {
  const changed: ReadonlySet<Event.Event["event"]> = new Set([
    "MemberJoined",
    "MemberRemoved",
    "LeaderChanged",
    "DuplicateIdentity",
    "IncarnationRaised",
    "FiberDied"
  ])
  return (yield* group.timeline).filter(({ at, event }) => at >= from && changed.has(event.event)).map(({ event }) =>
    event.event
  )
})

const dropped = Effect.fnUntraced(function*(group: SimulatedGroup.SimulatedGroup, index: number) {
  return yield* (yield* group.server(index)).group.dropped
})

const run = <E>(test: Effect.Effect<void, E, Scope.Scope>) => VirtualTime.run(test)

describe("a group with a key (protocol 7)", () => {
  it.effect("finds itself and its leader as fast as one without, and nothing that it says can be read", () =>
    run(Effect.gen(function*() {
      const { group, recorded } = yield* watched(5)
      assert.isAtMost(yield* group.settle({ step: 1 }), 500)
      assert.deepStrictEqual(yield* group.leaders, [4])
      assert.isAbove(recorded.length, 50)
      for (const { payload } of recorded) {
        assert.include([1, 3, 5, 7], payload[3])
        assert.notInclude(new TextDecoder("latin1").decode(payload), "type")
      }
    })))

  it.effect("settles with a tenth of all datagrams lost, and with a fifth doubled and late", () =>
    run(Effect.gen(function*() {
      const { group } = yield* watched(5, undefined, { loss: 0.1, duplicate: 0.2, reorder: 0.2 })
      yield* group.settle({ within: "5 seconds" })
      yield* group.advance("1 minute")
      yield* group.settle({ within: "5 seconds" })
    })))

  it.effect("a server that restarts, and one that was away for long, are members again at once", () =>
    run(Effect.gen(function*() {
      const { group } = yield* watched(3)
      yield* group.settle()
      yield* group.restart(2)
      yield* group.settle({ within: "5 seconds" })
      yield* group.partition([[0, 1], [2]])
      yield* group.advance("1 minute")
      yield* group.heal
      yield* group.settle({ within: "5 seconds" })
      assert.deepStrictEqual(yield* group.leaders, [2])
    })))

  const saltOf = ({ payload }: Recorded) => Sealing.clear(payload)!.salt

  it.effect("goes on in new sessions every few minutes: no datagram is lost for it, no proof asked for, and no counter is used twice", () =>
    run(Effect.gen(function*() {
      const { group, recorded } = yield* watched(3, (index) => keyed(index, first, { profile: "standard" }))
      yield* group.settle()
      const client = yield* Effect.flatMap(group.clients.add(), group.clients.at)
      const joining = yield* Effect.forkChild(client.join)
      yield* group.advance("3 seconds")
      yield* Fiber.join(joining)
      const from = yield* group.now
      const before = yield* Effect.forEach([0, 1, 2], (index) => dropped(group, index))
      const start = recorded.length
      yield* Effect.forkChild(Effect.schedule(client.send("hello"), Schedule.spaced("5 seconds")))
      yield* group.advance("7 minutes")

      const since = recorded.slice(start)
      const senders = new Set(since.map(({ sender }) => sender))
      assert.strictEqual(senders.size, 4)
      for (const name of senders) {
        assert.isAtLeast(new Set(since.filter(({ sender }) => sender === name).map(saltOf)).size, 2, name)
      }
      assert.isTrue(since.some(({ payload }) => payload[3] === Frame.flags.introduction))
      const refused: ReadonlyArray<string> = ["Unauthenticated", "Forged", "SessionsFull", "TooManyAnswers"]
      for (const index of [0, 1, 2]) {
        const after = yield* dropped(group, index)
        for (const reason of refused) assert.strictEqual(after[reason], before[index]?.[reason], `s${index} ${reason}`)
      }
      const used = new Set(recorded.map((one) => `${saltOf(one)} ${Sealing.clear(one.payload)!.counter}`))
      const sealed = new Set(recorded.map(({ payload }) => new TextDecoder("latin1").decode(payload)))
      assert.strictEqual(used.size, sealed.size)
      assert.deepStrictEqual(yield* changes(group, from), [])
    })))

  it.effect("a server whose wall clock is set, or that was paused, goes on in a new session at once, and is known by it", () =>
    run(Effect.gen(function*() {
      const { group, recorded } = yield* watched(3)
      yield* group.settle()
      const saltsOfHighest = () => new Set(recorded.filter(({ sender }) => sender === "s2").map(saltOf)).size
      assert.strictEqual(saltsOfHighest(), 1)
      yield* group.jumpWallClock(2, "1 hour")
      const from = yield* group.now
      yield* group.advance("5 seconds")
      assert.strictEqual(saltsOfHighest(), 2)
      assert.deepStrictEqual(yield* changes(group, from), [])
      yield* group.pause(2)
      yield* group.advance("1 second")
      yield* group.resume(2)
      yield* group.settle({ within: "5 seconds" })
      assert.strictEqual(saltsOfHighest(), 3)
    })))

  it.effect("a run is decided by its seed, secrets included", () =>
    run(Effect.gen(function*() {
      const bytes = Effect.fnUntraced(function*() {
        const { group, recorded } = yield* watched(3)
        yield* group.advance("3 seconds")
        return recorded.map(({ payload }) => payload)
      })
      assert.deepStrictEqual(yield* Effect.scoped(bytes()), yield* Effect.scoped(bytes()))
    })))
})

describe("who has no key, or another one (protocol 7)", () => {
  it.effect("is in no view, and each side says so, at most once in ten seconds", () =>
    run(Effect.gen(function*() {
      const { group } = yield* watched(3, (index) => index === 2 ? { ...keyed(2, second) } : keyed(index, first))
      yield* group.advance("25 seconds")
      assert.deepStrictEqual(yield* group.leaders, [1, 2])
      for (const index of [0, 2]) {
        const told = (yield* eventsOf(group, index)).filter((event) => event.event === "WrongKey")
        assert.isAtLeast(told.length, 1)
        assert.isAtMost(told.length, 4)
        for (const { problem } of told) assert.strictEqual(problem, "UnknownKey")
      }
      const sizes = [...(yield* group.views).values()].map(({ members }) => members.length)
      assert.deepStrictEqual(sizes, [2, 2, 1])
    })))

  it.effect("without a key: its plain words are dropped, and it is told that the others seal", () =>
    run(Effect.gen(function*() {
      const { group } = yield* watched(2, (index) => index === 0 ? keyed(0, first) : { profile: "fast" })
      yield* group.advance("5 seconds")
      const [keyedTold, plainTold] = [yield* eventsOf(group, 0), yield* eventsOf(group, 1)]
      assert.isTrue(keyedTold.some((event) => event.event === "WrongKey" && event.problem === "NotSealed"))
      assert.isTrue(plainTold.some((event) => event.event === "WrongKey" && event.problem === "Sealed"))
      assert.isAbove((yield* dropped(group, 0))["NotSealed"] ?? 0, 0)
      assert.isAbove((yield* dropped(group, 1))["Sealed"] ?? 0, 0)
    })))
})

describe("an attacker who hears and sends everything, without the key (protocol 7)", () => {
  const intruder: Member.Member = {
    id: Member.nodeId("10.0.0.66", "intruder", 6_666),
    ip: "10.0.0.66",
    port: 6_666,
    hostname: "intruder",
    name: "intruder",
    priority: 1_000,
    incarnation: 4_102_444_800_000,
    tags: {}
  }

  it.effect("cannot join, lead, evict or inject with messages of its own making, however they are sealed", () =>
    run(Effect.gen(function*() {
      const { group, recorded } = yield* watched(3)
      yield* group.settle()
      const from = yield* group.now
      const [leader] = [...(yield* group.views).values()].map(({ members }) => members[0]!)
      const forged: Array<Uint8Array> = []
      const term = Message.maxInterval * 1_000
      for (const sender of [intruder, leader!]) {
        const header = { sender, term, leader: { ...sender }, heard: term }
        for (
          const message of [
            { ...header, type: "SERVER_ALIVE", interval: 500 },
            { ...header, type: "SERVER_LEAVING" },
            { ...header, type: "ELECTION", election: "", standing: term },
            { ...header, type: "COORDINATOR", election: "" },
            { type: "MEMBERS_ASK", nonce: "01", page: 0 }
          ]
        ) {
          const frame = new Uint8Array([
            ...Frame.header(Frame.groupTag("default"), Frame.flags.plain),
            ...new TextEncoder().encode(JSON.stringify(message))
          ])
          forged.push(frame)
          // Sealed, it claims, with what stands in the clear of a real one.
          for (const flags of [1, 3, 5]) {
            const real = recorded[0]!.payload.slice(0, 36)
            real[3] = flags
            forged.push(new Uint8Array([...real, ...frame.subarray(8), ...new Uint8Array(16)]).slice(0, 1_200))
          }
        }
      }
      // And each real one with one byte changed.
      for (const { payload } of recorded.slice(0, 200)) {
        const changed = payload.slice()
        changed[8 + forged.length % (payload.length - 8)]! ^= 1
        forged.push(changed)
      }
      const before = recorded.length
      for (const address of [{ ip: "10.0.0.66", port: 6_666 }, { ip: leader!.ip, port: leader!.port }]) {
        for (const payload of forged) {
          for (const name of ["s0", "s1", "s2"]) {
            yield* group.network.inject(name, address, payload, "multicast")
            yield* group.network.inject(name, address, payload, "unicast")
          }
        }
        yield* group.advance("5 seconds")
      }
      assert.deepStrictEqual(yield* changes(group, from), [])
      // Nobody answers it either.
      const answers = recorded.slice(before).filter(({ via }) => via === "unicast")
      assert.deepStrictEqual(answers.filter(({ from }) => from.ip === "10.0.0.66"), [])
      const drops = yield* dropped(group, 0)
      assert.isAbove(drops["NotSealed"] ?? 0, 0)
      assert.isAbove(drops["Forged"] ?? 0, 0)
    })))

  it.effect("cannot make anything happen by saying again all that was ever said, from where it came or elsewhere", () =>
    run(Effect.gen(function*() {
      const { group, recorded, replay } = yield* watched(3)
      yield* group.settle()
      // A history with elections and goodbyes in it.
      yield* group.stop(2)
      yield* group.settle({ within: "5 seconds" })
      yield* group.start(2)
      yield* group.settle({ within: "5 seconds" })
      yield* group.advance("10 seconds")
      const from = yield* group.now
      const all = [...recorded]
      yield* replay(all)
      yield* group.advance("5 seconds")
      yield* replay(all, { ip: "10.0.0.66", port: 6_666 })
      yield* group.advance("20 seconds")
      assert.deepStrictEqual(yield* changes(group, from), [])
      assert.isAbove((yield* dropped(group, 0))["Repeated"] ?? 0, 100)
    })))

  it.effect("cannot evict a living server by its goodbye of yesterday", () =>
    run(Effect.gen(function*() {
      const { group, recorded, replay } = yield* watched(3)
      yield* group.settle()
      const before = recorded.length
      yield* group.stop(2)
      const goodbye = recorded.slice(before).filter(({ sender }) => sender === "s2")
      assert.isAtLeast(goodbye.length, 2)
      yield* group.start(2)
      yield* group.settle({ within: "5 seconds" })
      // Also to those who never heard it: everybody starts anew.
      for (const index of [0, 1]) yield* group.restart(index)
      yield* group.settle({ within: "5 seconds" })
      const from = yield* group.now
      yield* replay(goodbye)
      yield* group.advance("10 seconds")
      assert.deepStrictEqual(yield* changes(group, from), [])
    })))

  it.effect("cannot wake a dead server: neither to those who knew it nor to those who never did", () =>
    run(Effect.gen(function*() {
      const { group, recorded, replay } = yield* watched(3)
      yield* group.settle()
      yield* group.advance("1 minute")
      yield* group.crash(2)
      yield* group.until(
        "it is gone",
        Effect.map(group.views, (views) => [...views.values()].every(({ members }) => members.length === 2))
      )
      // Longer than the departed are remembered.
      yield* group.advance("5 minutes")
      const its = recorded.filter(({ sender }) => sender === "s2")
      yield* group.restart(0)
      yield* group.settle({ within: "5 seconds" })
      const from = yield* group.now
      // In their order, for a long time: as a living server would speak.
      for (const one of its) {
        yield* replay([one])
        yield* group.advance("20 millis")
      }
      assert.isAbove(its.length, 100)
      assert.deepStrictEqual(yield* changes(group, from), [])
      assert.isAbove((yield* dropped(group, 0))["Unauthenticated"] ?? 0, 0)
      assert.isAbove((yield* dropped(group, 1))["Repeated"] ?? 0, 0)
    })))

  it.effect("cannot keep a dead server in view for long with what the network had lost of it", () =>
    run(Effect.gen(function*() {
      const { group, recorded, replay } = yield* watched(2)
      yield* group.settle()
      // One way is cut: what server 1 says is heard by the attacker alone.
      const before = recorded.length
      yield* group.cut(1, 0)
      yield* group.advance("1 second")
      yield* group.crash(1)
      yield* group.heal
      const unheard = recorded.slice(before).filter(({ sender, via }) => sender === "s1" && via === "multicast")
      assert.isAbove(unheard.length, 1)
      yield* group.until(
        "it is gone",
        Effect.map(group.views, (views) => views.get(0)?.members.length === 1),
        { within: "10 seconds" }
      )
      yield* group.advance("10 seconds")
      const from = yield* group.now
      yield* replay(unheard)
      yield* group.advance("10 seconds")
      assert.deepStrictEqual(yield* changes(group, from), [])
    })))

  it.effect("cannot have a client's message relayed again, nor send one, nor let a client hear what nobody says", () =>
    run(Effect.gen(function*() {
      const { group, recorded, replay } = yield* watched(3)
      yield* group.settle()
      const client = yield* Effect.flatMap(group.clients.add(), group.clients.at)
      const sending = yield* Effect.forkChild(Effect.andThen(client.join, client.send("pay 10")))
      yield* group.advance("2 seconds")
      assert.strictEqual(yield* Fiber.join(sending), 1)
      const all = [...recorded]
      assert.isTrue(all.some(({ sender }) => !sender.startsWith("s")))
      // Everybody forgets what was relayed; the client too is another one.
      yield* group.stopClient(0)
      for (const index of [0, 1, 2]) yield* group.restart(index)
      yield* group.settle({ within: "5 seconds" })
      const later = yield* Effect.flatMap(group.clients.add(), group.clients.at)
      const joining = yield* Effect.forkChild(later.join)
      yield* group.advance("2 seconds")
      yield* Fiber.join(joining)
      const from = yield* group.now
      const hosts = yield* group.network.hosts
      yield* replay(all)
      for (const { payload, via } of all) {
        for (const { name } of hosts) yield* group.network.inject(name, { ip: "10.0.0.66", port: 6_666 }, payload, via)
      }
      yield* group.advance("20 seconds")
      const heard = (yield* group.timeline).filter(({ at, event }) => at >= from && event.event === "MessageReceived")
      assert.deepStrictEqual(heard, [])
      assert.isFalse((yield* group.clients.events(1)).some(({ event }) => event.event === "MessageReceived"))
      assert.deepStrictEqual(yield* changes(group, from), [])
    })))

  it.effect("draws no more answers than the limit, and none to where nobody asked from", () =>
    run(Effect.gen(function*() {
      const { group, recorded, replay } = yield* watched(3)
      yield* group.settle()
      yield* group.advance("1 minute")
      yield* group.crash(2)
      yield* group.advance("1 minute")
      // No more than a receive buffer holds.
      const its = recorded.filter(({ sender }) => sender === "s2").slice(-100)
      const before = recorded.length
      yield* replay(its, { ip: "192.0.2.1", port: 53 })
      yield* replay(its, { ip: "10.0.0.77", port: 53 })
      yield* group.advance("1 second")
      const sent = recorded.slice(before).filter(({ sender, via }) => via === "unicast" && sender === "s1")
      // Its session had proven itself and lapsed: one challenge in 40 ms at most.
      assert.isAtMost(sent.length, 60)
      assert.isAbove((yield* dropped(group, 1))["Repeated"] ?? 0, 0)
    })))
})

describe("a key is changed while the group runs (protocol 7)", () => {
  const rings = [`${first},${second}`, `${second},${first}`, second]

  it.effect("no member is lost and nobody else leads, with datagrams lost and late", () =>
    run(Effect.gen(function*() {
      const { group, recorded } = yield* watched(5, undefined, { loss: 0.02, reorder: 0.1, duplicate: 0.05 })
      yield* group.settle()
      yield* group.advance("5 seconds")
      const client = yield* Effect.flatMap(group.clients.add(), group.clients.at)
      const joining = yield* Effect.forkChild(client.join)
      yield* group.advance("2 seconds")
      yield* Fiber.join(joining)
      const from = yield* group.now
      // Under load: a client sends all along.
      let acknowledged = 0
      const send = Effect.andThen(client.send("load"), Effect.sync(() => acknowledged++))
      const sending = yield* Effect.forkChild(Effect.repeat(send, Schedule.spaced("100 millis")))
      for (const ring of rings) {
        yield* client.useKeys(ring)
        for (let index = 0; index < 5; index++) {
          yield* (yield* group.server(index)).useKeys(ring)
          yield* group.advance("1300 millis")
        }
      }
      yield* Fiber.interrupt(sending)
      assert.isAbove(acknowledged, 100)
      const received = (yield* eventsOf(group, 0, from)).filter((event) => event.event === "MessageReceived")
      assert.isAtLeast(received.length, acknowledged)
      const before = recorded.length
      yield* group.advance("1 minute")
      assert.deepStrictEqual(yield* changes(group, from), [])
      const told = (yield* eventsOf(group, 0, from)).filter((event) => event.event === "KeysChanged")
      assert.strictEqual(told.length, 3)
      const [last] = told.slice(-1)
      assert.deepStrictEqual(last?.keys, [last?.active ?? ""])
      // The old key seals nothing any more.
      const ids = new Set(
        recorded.slice(before).map(({ payload }) => Buffer.from(payload.subarray(8, 12)).toString("hex"))
      )
      assert.deepStrictEqual([...ids], [last?.active])
    })))

  it.effect("a group without a key gets one: first heard everywhere, then spoken everywhere", () =>
    run(Effect.gen(function*() {
      const { group, recorded } = yield* watched(
        3,
        (index) => keyed(index, `plain,${first}`, { keyMode: "permissive" })
      )
      yield* group.settle()
      assert.isTrue(recorded.every(({ payload }) => payload[3] === 0))
      const from = yield* group.now
      for (let index = 0; index < 3; index++) {
        yield* (yield* group.server(index)).useKeys(first)
        yield* group.advance("2 seconds")
      }
      yield* group.advance("1 minute")
      assert.deepStrictEqual(yield* changes(group, from), [])
      assert.isTrue(recorded.slice(-50).every(({ payload }) => payload[3] !== 0))
    })))

  it.effect("permissive and without a key, both are in one group", () =>
    run(Effect.gen(function*() {
      const { group } = yield* watched(2, (index) =>
        index === 0 ? keyed(0, `plain,${first}`, { keyMode: "permissive" }) : { profile: "fast" })
      yield* group.settle({ within: "5 seconds" })
    })))

  it.effect("the whole way of a running group from no key to one that is enforced, a restart at a time: nobody else is missed", () =>
    run(Effect.gen(function*() {
      let steps: ReadonlyArray<Settings.Options> = [{}, {}, {}]
      const { group, recorded } = yield* watched(
        3,
        // It is back before a heartbeat is missed, and nothing tells that it was gone.
        (index) => ({ profile: "fast", links: false, unicastPort: 4_000, ...steps[index] })
      )
      yield* group.settle()
      const from = yield* group.now
      const restartAll = Effect.fnUntraced(function*(options: Settings.Options) {
        for (const index of [0, 1, 2]) {
          steps = steps.with(index, options)
          yield* group.restart(index)
          yield* group.settle({ within: "5 seconds" })
        }
      })
      yield* restartAll({ key: `plain,${first}`, keyMode: "permissive" })
      for (const index of [0, 1, 2]) {
        yield* (yield* group.server(index)).useKeys(first)
        yield* group.advance("2 seconds")
      }
      yield* group.settle({ within: "5 seconds" })
      yield* restartAll({ key: first })
      yield* group.advance("1 minute")
      yield* group.settle()
      const removed = (yield* group.timeline).filter(({ at, event }) => at >= from && event.event === "MemberRemoved")
      const reasons = new Set(removed.map(({ event }) => event.event === "MemberRemoved" ? event.reason._tag : ""))
      assert.deepStrictEqual([...reasons].filter((reason) => reason !== "Left" && reason !== "Replaced"), [])
      assert.isTrue(recorded.slice(-50).every(({ payload }) => payload[3] !== 0))
      // Enforced: what is plain is heard no more.
      const before = (yield* dropped(group, 0))["NotSealed"] ?? 0
      yield* group.network.inject(
        "s0",
        { ip: "10.0.0.66", port: 6_666 },
        Frame.header(Frame.groupTag("default"), 0),
        "unicast"
      )
      yield* group.advance("1 second")
      assert.strictEqual((yield* dropped(group, 0))["NotSealed"], before + 1)
    })))

  it.effect("a file of keys that others may read is told at the start and when its permissions change, and used all the same", () => {
    let contents = { text: first, mode: 0o644 }
    return run(Effect.gen(function*() {
      const { group } = yield* watched(2, (index) => ({ profile: "fast", priority: index, keyFile: "/etc/keys" }))
      yield* group.settle({ within: "5 seconds" })
      const told = Effect.map(
        eventsOf(group, 0),
        (all) => all.flatMap((event) => event.event === "KeyFileExposed" ? [`${event.path} ${event.mode}`] : [])
      )
      yield* group.advance("10 seconds")
      assert.deepStrictEqual(yield* told, ["/etc/keys 0644"])
      contents = { text: first, mode: 0o600 }
      yield* group.advance("5 seconds")
      contents = { text: `${first},${second}`, mode: 0o660 }
      yield* group.advance("10 seconds")
      assert.deepStrictEqual(yield* told, ["/etc/keys 0644", "/etc/keys 0660"])
      assert.isTrue((yield* eventsOf(group, 0)).some((event) => event.event === "KeysChanged"))
    })).pipe(Effect.provideService(KeyFile, { read: () => Effect.sync(() => contents) }))
  })

  it.effect("what is no key is refused and changes nothing", () =>
    run(Effect.gen(function*() {
      const { group } = yield* watched(2)
      yield* group.settle()
      const { useKeys } = yield* group.server(0)
      const refused = yield* Effect.flip(useKeys("1234"))
      assert.notInclude(refused.message, "1234")
      yield* Effect.flip(useKeys(`plain,${first}`))
      yield* useKeys(first)
      assert.isFalse((yield* eventsOf(group, 0)).some((event) => event.event === "KeysChanged"))
      yield* group.advance("10 seconds")
      yield* group.settle()
    })))
})
