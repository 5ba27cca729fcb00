import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { SimulatedClock, SimulatedNetwork, Traffic, VirtualTime } from "../../src/testing/index.ts"
import type * as Datagrams from "../../src/transport/Datagrams.ts"

const group: Datagrams.Options = {
  multicastAddress: [{ ip: "239.255.253.87", family: "IPv4", linkLocal: false }],
  port: 16_983,
  ttl: 1,
  interfaces: [],
  unicastPort: 4_000
}

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (payload: Uint8Array) => new TextDecoder().decode(payload)

/** A machine that notes all that it hears, as `text via senderIp`. */
const listener = Effect.fnUntraced(function*(
  network: SimulatedNetwork.SimulatedNetwork,
  name: string,
  options: Partial<Datagrams.Options> = {}
) {
  const host = yield* network.host(name)
  const endpoint = yield* host.datagrams.open({ ...group, ...options })
  const heard: Array<string> = []
  yield* endpoint.receive.pipe(
    Effect.map((batch) => {
      for (const { from, payload, via } of batch) heard.push(`${text(payload)} ${via} ${from.ip}`)
    }),
    Effect.forever,
    Effect.forkScoped
  )
  return { host, endpoint, heard }
})

const say = (from: { readonly endpoint: Datagrams.Endpoint }, word: string) => from.endpoint.multicast(bytes(word))

describe("SimulatedNetwork", () => {
  it.effect("brings a multicast to everybody in the group, the sender included, and to nobody else", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork.make({ seed: 1 })
      const a = yield* listener(network, "a")
      const b = yield* listener(network, "b")
      const otherPort = yield* listener(network, "c", { port: 16_984 })
      const otherGroup = yield* listener(network, "d", {
        multicastAddress: [{ ip: "239.255.77.78", family: "IPv4", linkLocal: false }]
      })
      yield* say(a, "hello")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([a.heard, b.heard, otherPort.heard, otherGroup.heard], [
        ["hello multicast 10.0.0.1"],
        ["hello multicast 10.0.0.1"],
        [],
        []
      ])
    }))

  it.effect("brings a unicast to exactly one socket, and counts those that find nobody", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork.make({ seed: 1 })
      const a = yield* listener(network, "a")
      const b = yield* listener(network, "b")
      const b2 = yield* b.host.datagrams.open({ ...group, unicastPort: 4_001 })
      yield* a.endpoint.unicast({ ip: "10.0.0.2", port: 4_001 }, bytes("to the second"))
      yield* a.endpoint.unicast({ ip: "10.0.0.2", port: 4_002 }, bytes("to a closed port"))
      yield* a.endpoint.unicast({ ip: "10.0.0.9", port: 4_000 }, bytes("to no machine"))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual((yield* b2.receive).map(({ payload }) => text(payload)), ["to the second"])
      assert.deepStrictEqual([a.heard, b.heard], [[], []])
      assert.strictEqual((yield* network.counters).dropped.nobody, 2)
    }))

  it.effect("gives out private ports, the same ones for the same seed, and refuses one that is taken", () =>
    Effect.gen(function*() {
      const ports = Effect.fnUntraced(function*(seed: number) {
        const network = yield* SimulatedNetwork.make({ seed })
        const host = yield* network.host("a")
        const one = yield* host.datagrams.open({ ...group, unicastPort: 0 })
        const two = yield* host.datagrams.open({ ...group, unicastPort: 0 })
        const taken = yield* Effect.flip(host.datagrams.open({ ...group, unicastPort: one.local[0].port }))
        assert.strictEqual(taken.kind, "AddressInUse")
        return [one.local[0].port, two.local[0].port] as const
      })
      const first = yield* ports(1)
      assert.notStrictEqual(first[0], first[1])
      assert.isTrue(first.every((port) => port >= 49_152 && port <= 65_535))
      assert.deepStrictEqual(yield* ports(1), first)
      assert.notDeepEqual(yield* ports(2), first)
    }))

  it.effect("frees a port with its scope", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork.make({ seed: 1 })
      const host = yield* network.host("a")
      yield* Effect.scoped(host.datagrams.open(group))
      assert.strictEqual((yield* host.datagrams.open(group)).local[0].port, 4_000)
    }))

  it.effect("knows only its own interface, refuses what is too large, and all sending once closed", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork.make({ seed: 1 })
      const host = yield* network.host("a")
      const unknown = yield* Effect.flip(host.datagrams.open({ ...group, interfaces: ["eth7"] }))
      assert.deepStrictEqual([unknown.kind, unknown.where], ["NoSuchInterface", "eth7"])
      const scope = yield* Scope.make()
      const endpoint = yield* Scope.provide(host.datagrams.open({ ...group, interfaces: ["sim0"] }), scope)
      assert.strictEqual((yield* Effect.flip(endpoint.multicast(new Uint8Array(65_508)))).kind, "TooLarge")
      yield* Scope.close(scope, yield* Effect.exit(Effect.void))
      assert.strictEqual((yield* Effect.flip(endpoint.multicast(bytes("x")))).kind, "Closed")
    }))

  it.effect("keeps a multicast within its time to live", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork.make({ seed: 1 })
      const a = yield* listener(network, "a")
      const far = yield* network.host({ name: "far", ip: "10.0.1.1" })
      const reader = yield* far.datagrams.open(group)
      const wide = yield* a.host.datagrams.open({ ...group, ttl: 2, unicastPort: 0 })
      yield* say(a, "near")
      yield* wide.multicast(bytes("wide"))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual((yield* reader.receive).map(({ payload }) => text(payload)), ["wide"])
      assert.isFalse(a.endpoint.isDirect("10.0.1.1"))
      assert.isTrue(a.endpoint.isDirect("10.0.0.200"))
    }))

  it.effect("delivers after the delay, not before, and never within the call that sends", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork.make({ seed: 1, delay: { min: "5 millis", max: "5 millis" } })
      const a = yield* listener(network, "a")
      const b = yield* listener(network, "b")
      yield* say(a, "hello")
      assert.deepStrictEqual(a.heard, [])
      yield* TestClock.adjust("4999 micros")
      assert.deepStrictEqual([a.heard.length, b.heard.length], [1, 0])
      yield* TestClock.adjust("1 micro")
      assert.strictEqual(b.heard.length, 1)
      yield* network.setDelay({ min: 0, max: 0 })
      yield* say(a, "now")
      assert.strictEqual(b.heard.length, 1)
      yield* TestClock.adjust("1 micro")
      assert.strictEqual(b.heard.length, 2)
    }))

  it.effect("copies what it is given, as a kernel does", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork.make({ seed: 1 })
      const a = yield* listener(network, "a")
      const payload = bytes("first")
      yield* a.endpoint.multicast(payload)
      payload.set(bytes("XXXXX"))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(a.heard, ["first multicast 10.0.0.1"])
    }))

  it.effect("loses about one in ten with 10 % loss, and accounts for every copy", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork.make({ seed: 7, loss: 0.1, duplicate: 0.05, reorder: 0.05 })
      const a = yield* listener(network, "a")
      const b = yield* listener(network, "b")
      const c = yield* listener(network, "c")
      yield* say(a, "x").pipe(Effect.repeat({ schedule: Schedule.spaced("1 millis"), times: 9_999 }), Effect.forkScoped)
      yield* TestClock.adjust("11 seconds")
      const { addressed, delivered, dropped, duplicated, sent } = yield* network.counters
      assert.strictEqual(sent, 10_000)
      assert.strictEqual(addressed, 30_000)
      assert.approximately(dropped.loss / 20_000, 0.1, 0.01)
      assert.approximately(duplicated / 18_000, 0.05, 0.01)
      assert.strictEqual(addressed + duplicated, delivered + dropped.loss)
      assert.strictEqual(a.heard.length, 10_000)
      assert.strictEqual(b.heard.length + c.heard.length, 20_000 + duplicated - dropped.loss)
    }))

  it.effect("keeps the parts of a partition apart until it is healed", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork.make({ seed: 1 })
      const [a, b, c, d] = yield* Effect.forEach(["a", "b", "c", "d"], (name) => listener(network, name))
      yield* network.partition([["a", "b"], ["c"]])
      yield* say(a!, "from a")
      yield* say(c!, "from c")
      yield* say(d!, "from d")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([a!.heard, b!.heard, c!.heard, d!.heard], [
        ["from a multicast 10.0.0.1"],
        ["from a multicast 10.0.0.1"],
        ["from c multicast 10.0.0.3"],
        ["from d multicast 10.0.0.4"]
      ])
      yield* network.heal
      yield* say(c!, "again")
      yield* TestClock.adjust("1 second")
      assert.isTrue([a!, b!, c!, d!].every(({ heard }) => heard.at(-1) === "again multicast 10.0.0.3"))
    }))

  it.effect("cuts one direction and leaves the other", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork.make({ seed: 1 })
      const a = yield* listener(network, "a")
      const b = yield* listener(network, "b")
      yield* network.cut("a", "b")
      yield* say(a, "1")
      yield* a.endpoint.unicast({ ip: "10.0.0.2", port: 4_000 }, bytes("2"))
      yield* say(b, "3")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(b.heard, ["3 multicast 10.0.0.2"])
      assert.deepStrictEqual(a.heard, ["1 multicast 10.0.0.1", "3 multicast 10.0.0.2"])
      assert.strictEqual((yield* network.counters).dropped.cut, 2)
    }))

  it.effect("doubles datagrams, but never what a machine says to itself", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork.make({ seed: 1, duplicate: 1 })
      const a = yield* listener(network, "a")
      const b = yield* listener(network, "b")
      yield* say(a, "x")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([a.heard.length, b.heard.length], [1, 2])
    }))

  it.effect("keeps the order of one direction unless told to reorder", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork.make({ seed: 3, delay: { min: "1 millis", max: "50 millis" } })
      const a = yield* listener(network, "a")
      const b = yield* listener(network, "b")
      const sendAll = Effect.forEach(Array.from({ length: 100 }, (_, index) => index), (index) => say(a, `${index}`))
      const words = () => b.heard.splice(0).map((word) => Number.parseInt(word, 10))
      yield* sendAll
      yield* TestClock.adjust("1 second")
      const inOrder = words()
      assert.deepStrictEqual(inOrder, inOrder.toSorted((x, y) => x - y))
      yield* network.setReorder(0.3, "100 millis")
      yield* sendAll
      yield* TestClock.adjust("1 second")
      const mixed = words()
      assert.strictEqual(mixed.length, 100)
      assert.notDeepEqual(mixed, mixed.toSorted((x, y) => x - y))
    }))

  it.effect("lets one direction have conditions of its own, and gives it back to the network", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork.make({ seed: 1 })
      const a = yield* listener(network, "a")
      const b = yield* listener(network, "b")
      const c = yield* listener(network, "c")
      yield* network.setLink("a", "b", { loss: 1 })
      yield* say(a, "1")
      yield* say(b, "2")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(b.heard.map((word) => word[0]), ["2"])
      assert.sameMembers(c.heard.map((word) => word[0]!), ["1", "2"])
      yield* network.setLink("a", "b", {})
      yield* say(a, "3")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(b.heard.at(-1), "3 multicast 10.0.0.1")
    }))

  it.effect("can take a machine's multicasts and leave it its unicasts", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork.make({ seed: 1 })
      const a = yield* listener(network, "a")
      yield* network.setMulticastLoss("b", 1)
      const b = yield* listener(network, "b")
      yield* say(a, "lost")
      yield* a.endpoint.unicast({ ip: "10.0.0.2", port: 4_000 }, bytes("heard"))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(b.heard, ["heard unicast 10.0.0.1"])
      assert.strictEqual((yield* network.counters).dropped.multicastLoss, 1)
    }))

  for (const [whenFull, kept] of [["newest", "0 1 2"], ["oldest", "7 8 9"]] as const) {
    it.effect(`drops the ${whenFull} of what does not fit the receive buffer, and counts it`, () =>
      Effect.gen(function*() {
        const network = yield* SimulatedNetwork.make({ seed: 1, receiveBuffer: 3, whenFull })
        const a = yield* listener(network, "a")
        const host = yield* network.host("slow")
        const endpoint = yield* host.datagrams.open(group)
        for (let index = 0; index < 10; index++) {
          yield* say(a, `${index}`)
          yield* TestClock.adjust("2 millis")
        }
        assert.strictEqual(yield* host.waiting, 3)
        assert.strictEqual(yield* endpoint.dropped, 7)
        assert.strictEqual((yield* network.counters).dropped.overflow, 7)
        assert.strictEqual((yield* endpoint.receive).map(({ payload }) => text(payload)).join(" "), kept)
        const { addressed, delivered, dropped } = yield* network.counters
        assert.strictEqual(addressed, delivered + dropped.overflow)
      }))
  }

  it.effect("overflows a receive buffer for as long as it is told", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork.make({ seed: 1 })
      const a = yield* listener(network, "a")
      const b = yield* listener(network, "b")
      yield* b.host.overflow("1 second")
      yield* say(a, "lost")
      yield* TestClock.adjust("1 second")
      yield* say(a, "heard")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(b.heard, ["heard multicast 10.0.0.1"])
      assert.strictEqual(yield* b.endpoint.dropped, 1)
    }))

  it.effect("fails to send and to open while the interface is down, and hears nothing", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork.make({ seed: 1 })
      const a = yield* listener(network, "a")
      const b = yield* listener(network, "b")
      yield* b.host.disconnect
      yield* say(a, "lost")
      assert.strictEqual((yield* Effect.flip(say(b, "x"))).kind, "Unreachable")
      assert.strictEqual((yield* Effect.flip(b.host.datagrams.open({ ...group, unicastPort: 0 }))).kind, "Unreachable")
      yield* TestClock.adjust("1 second")
      yield* b.host.connect
      yield* say(b, "back")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(b.heard, ["back multicast 10.0.0.2"])
    }))

  it.effect("refuses what is asked of a closed port of a living machine, and of nothing else", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork.make({ seed: 1 })
      const a = yield* listener(network, "a")
      const b = yield* listener(network, "b")
      const asked = Effect.fnUntraced(function*(ip: string, port: number) {
        const answer = yield* Effect.forkChild(a.endpoint.ask({ ip, port }, bytes("?")))
        yield* TestClock.adjust("50 millis")
        return yield* Fiber.join(answer)
      })
      assert.strictEqual(yield* asked("10.0.0.2", 4_000), "sent")
      assert.strictEqual(yield* asked("10.0.0.2", 4_001), "refused")
      assert.strictEqual(yield* asked("10.0.0.9", 4_001), "sent")
      assert.strictEqual(b.heard.length, 1)
      yield* network.cut("b", "a")
      assert.strictEqual(yield* asked("10.0.0.2", 4_001), "sent")
      yield* network.heal
      yield* b.host.killEndpoints
      assert.strictEqual(yield* asked("10.0.0.2", 4_000), "refused")
    }))

  it.effect("hears an answer to the port of a question while it waits, from who was asked, and not later", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork.make({ seed: 1, delay: { min: "1 millis", max: "1 millis" } })
      const a = yield* listener(network, "a")
      const b = yield* listener(network, "b")
      const c = yield* listener(network, "c")
      const asked: Array<Datagrams.Received["from"]> = []
      yield* network.tap(({ from, payload, what }) => {
        if (what === "sent" && text(payload) === "?") asked.push(from)
      })
      const question = yield* Effect.forkChild(a.endpoint.ask({ ip: "10.0.0.2", port: 4_000 }, bytes("?")))
      yield* TestClock.adjust("2 millis")
      assert.notStrictEqual(asked[0]!.port, 4_000)
      yield* c.endpoint.unicast(asked[0]!, bytes("a stranger's"))
      yield* TestClock.adjust("2 millis")
      assert.isUndefined(question.pollUnsafe())
      yield* b.endpoint.unicast(asked[0]!, bytes("an answer"))
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* Fiber.join(question), "sent")
      yield* b.endpoint.unicast(asked[0]!, bytes("late"))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(a.heard, ["an answer unicast 10.0.0.2"])
      assert.strictEqual((yield* network.counters).dropped.nobody, 2)
    }))

  it.effect("silences the endpoints of a killed process without an error, and frees their ports", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork.make({ seed: 1 })
      const a = yield* listener(network, "a")
      const b = yield* listener(network, "b")
      yield* b.host.killEndpoints
      yield* say(b, "from the grave")
      yield* say(a, "to the grave")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([a.heard, b.heard], [["to the grave multicast 10.0.0.1"], []])
      assert.strictEqual((yield* b.host.datagrams.open(group)).local[0].port, 4_000)
    }))

  it.effect("lets datagrams wait while their machine is paused, bounded, and read before its sleepers wake", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork.make({ seed: 1, receiveBuffer: 3 })
      const a = yield* listener(network, "a")
      const b = yield* listener(network, "b")
      const resumed = (first: "datagrams" | "sleepers") =>
        Effect.gen(function*() {
          b.heard.length = 0
          const sleeper = yield* Effect.sleep("1 second").pipe(
            Effect.map(() => b.heard.push("woken")),
            SimulatedClock.provide(b.host.clock),
            Effect.forkScoped
          )
          yield* b.host.pause
          for (let index = 0; index < 5; index++) yield* say(a, `${index}`)
          yield* TestClock.adjust("10 seconds")
          assert.deepStrictEqual(b.heard, [])
          assert.strictEqual(yield* b.host.waiting, 3)
          yield* b.host.resume(first)
          yield* TestClock.adjust("1 millis")
          yield* Fiber.join(sleeper)
          return b.heard.map((word) => word.split(" ")[0])
        })
      assert.deepStrictEqual(yield* resumed("datagrams"), ["0", "1", "2", "woken"])
      assert.deepStrictEqual(yield* resumed("sleepers"), ["woken", "0", "1", "2"])
      assert.strictEqual(yield* b.endpoint.dropped, 4)
    }))

  const stops = [["pause", "resume"], ["suspend", "wake"]] as const
  for (const first of ["datagrams", "sleepers"] as const) {
    for (const [stop, goOn] of stops) {
      for (const [again, goOnAgain] of stops) {
        it.effect(`lets nothing go on that is stopped again at once (${stop}, ${again}; ${first} first)`, () =>
          Effect.gen(function*() {
            const network = yield* SimulatedNetwork.make({ seed: 1 })
            const a = yield* listener(network, "a")
            const b = yield* listener(network, "b")
            yield* Effect.sleep("1 second").pipe(
              Effect.map(() => b.heard.push("woken")),
              SimulatedClock.provide(b.host.clock),
              Effect.forkScoped
            )
            yield* b.host[stop]
            yield* TestClock.adjust("10 seconds")
            yield* b.host[goOn](first)
            yield* b.host[again]
            yield* say(a, "late")
            yield* TestClock.adjust("10 seconds")
            assert.deepStrictEqual(b.heard, [])
            assert.strictEqual(yield* b.host.clock.state, again === "pause" ? "paused" : "suspended")
            yield* b.host[goOnAgain](first)
            yield* TestClock.adjust("2 seconds")
            assert.strictEqual(yield* b.host.clock.state, "running")
            const heard = b.heard.map((word) => word.split(" ")[0])
            const kept = first === "datagrams" ? ["late", "woken"] : ["woken", "late"]
            assert.deepStrictEqual(heard, again === "pause" ? kept : ["woken"])
          }))
      }
    }
  }

  it.effect("drops what comes for a suspended machine", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork.make({ seed: 1 })
      const a = yield* listener(network, "a")
      const b = yield* listener(network, "b")
      yield* b.host.suspend
      yield* say(a, "lost")
      yield* TestClock.adjust("1 second")
      yield* b.host.wake()
      yield* say(a, "heard")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(b.heard, ["heard multicast 10.0.0.1"])
    }))

  it.effect("injects a recorded datagram again, from whom it was", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork.make({ seed: 1, traceCapacity: 100 })
      const a = yield* listener(network, "a")
      const b = yield* listener(network, "b")
      yield* say(a, "once")
      yield* TestClock.adjust("1 second")
      const recorded = (yield* network.trace).find(({ receiver }) => receiver === "b")!
      yield* network.inject("b", recorded.from, recorded.payload, recorded.via)
      yield* network.inject("b", { ip: "192.0.2.66", port: 1 }, bytes("forged"), "unicast")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(b.heard, [
        "once multicast 10.0.0.1",
        "once multicast 10.0.0.1",
        "forged unicast 192.0.2.66"
      ])
      assert.strictEqual(a.heard.length, 1)
    }))

  it.effect("tells listeners of everything until their scope closes, and bounds the trace", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork.make({ seed: 1, traceCapacity: 5 })
      const a = yield* listener(network, "a")
      const seen: Array<string> = []
      yield* Effect.scoped(Effect.gen(function*() {
        yield* network.tap(({ what }) => seen.push(what))
        yield* say(a, "x")
        yield* TestClock.adjust("1 second")
      }))
      for (let index = 0; index < 50; index++) yield* say(a, `${index}`)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(seen, ["sent", "delivered"])
      assert.deepStrictEqual((yield* network.trace).map(({ payload }) => text(payload)), ["45", "46", "47", "48", "49"])
    }))

  it.effect("tells every endpoint of a trouble, one at a time", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork.make({ seed: 1 })
      const a = yield* listener(network, "a")
      const failure = yield* Effect.flip(a.host.datagrams.open({ ...group, interfaces: ["gone"] }))
      yield* a.host.trouble(failure)
      const waiting = yield* Effect.forkChild(Effect.andThen(a.endpoint.troubles, a.endpoint.troubles))
      yield* TestClock.adjust("1 second")
      yield* a.host.trouble(failure)
      assert.strictEqual((yield* Fiber.join(waiting)).where, "gone")
    }))

  // --- The seed decides ---

  /** Five machines that talk and answer under all that the network can do, in a way that the order of events steers. */
  const toyRun = Effect.fnUntraced(function*(seed: number) {
    const network = yield* SimulatedNetwork.make({
      seed,
      loss: 0.1,
      duplicate: 0.1,
      reorder: 0.2,
      delay: { min: "1 millis", max: "30 millis" },
      receiveBuffer: 4,
      traceCapacity: 1_000_000
    })
    for (const name of ["a", "b", "c", "d", "e"]) {
      const host = yield* network.host(name)
      const endpoint = yield* host.datagrams.open({ ...group, unicastPort: 0 })
      let count = 0
      const answer = Effect.forEach(Array.from({ length: 3 }), () => endpoint.multicast(bytes(`${name} ${count++}`)))
      yield* endpoint.receive.pipe(
        Effect.flatMap((batch) =>
          Effect.forEach(
            batch,
            ({ from, via }) =>
              via === "multicast" ? endpoint.unicast(from, bytes(`${name} heard ${count}`)) : Effect.void
          )
        ),
        Effect.forever,
        SimulatedClock.provide(host.clock),
        Effect.forkScoped
      )
      yield* answer.pipe(
        Effect.repeat(Schedule.spaced("100 millis")),
        SimulatedClock.provide(host.clock),
        Effect.forkScoped
      )
    }
    yield* TestClock.adjust("1 second")
    const [a, b] = yield* network.hosts
    yield* b!.pause
    yield* network.partition([["a", "c"], ["d"]])
    yield* TestClock.adjust("1 second")
    yield* b!.resume()
    yield* a!.clock.setRate(1.5)
    yield* network.heal
    yield* TestClock.adjust("3 seconds")
    return (yield* network.trace).map(Traffic.format).join("\n")
  }, Effect.scoped)

  it.effect("does the same to the last byte for the same seed, and not for another", () =>
    Effect.gen(function*() {
      const first = yield* toyRun(42)
      assert.isAbove(first.length, 100_000)
      // The ambient time, which is another one now, does not show either.
      yield* TestClock.adjust("123457 micros")
      assert.isTrue((yield* toyRun(42)) === first)
      assert.isFalse((yield* toyRun(43)) === first)
    }))

  it.effect("is not disturbed by what others draw from Effect's Random", () =>
    Effect.gen(function*() {
      const first = yield* toyRun(42)
      const disturbed = yield* Effect.andThen(Random.next, toyRun(42)).pipe(Random.withSeed("elsewhere"))
      assert.isTrue(disturbed === first)
    }))

  it.effect("does the same in virtual time, byte for byte", () =>
    Effect.gen(function*() {
      const first = yield* VirtualTime.run(toyRun(42))
      assert.isAbove(first.length, 100_000)
      assert.isTrue((yield* VirtualTime.run(toyRun(42))) === first)
    }))

  it.effect("stops with its scope", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const network = yield* Scope.provide(SimulatedNetwork.make({ seed: 1 }), scope)
      const a = yield* listener(network, "a")
      yield* say(a, "under way")
      yield* Scope.close(scope, yield* Effect.exit(Effect.void))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(a.heard, [])
    }))

  it.live("works on the real clock too", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork.make({ seed: 1 })
      const a = yield* listener(network, "a")
      const b = yield* listener(network, "b")
      yield* say(a, "hello")
      yield* Effect.sleep("5 millis").pipe(Effect.repeat({ until: () => b.heard.length > 0 }))
      assert.deepStrictEqual(b.heard, ["hello multicast 10.0.0.1"])
    }))

  describe("with interfaces that come and go", () => {
    it.effect("an endpoint finds within two seconds where its machine is, and says so; its port stays", () =>
      Effect.gen(function*() {
        const network = yield* SimulatedNetwork.make({ seed: 1 })
        const a = yield* listener(network, "a")
        const b = yield* listener(network, "b")
        const news = yield* Effect.forkScoped(a.endpoint.troubles)
        yield* a.host.setAddress("10.0.0.9")
        assert.strictEqual(a.host.ip, "10.0.0.9")
        assert.isFalse(yield* a.host.isCurrent)
        assert.strictEqual((yield* Effect.flip(say(a, "lost"))).kind, "AddressNotAvailable")
        yield* TestClock.adjust("2 seconds")
        assert.isTrue(yield* a.host.isCurrent)
        assert.deepStrictEqual(a.endpoint.local, [{ ip: "10.0.0.9", port: 4_000, interface: "sim0" }])
        const { kind, where } = yield* Fiber.join(news)
        assert.deepStrictEqual([kind, where], ["NetworkChanged", "sim0 (10.0.0.9) came"])
        yield* say(a, "found")
        yield* b.endpoint.unicast({ ip: "10.0.0.9", port: 4_000 }, bytes("there"))
        yield* b.endpoint.unicast({ ip: "10.0.0.1", port: 4_000 }, bytes("gone"))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(b.heard, ["found multicast 10.0.0.9"])
        assert.deepStrictEqual(a.heard, ["found multicast 10.0.0.9", "there unicast 10.0.0.2"])
      }))

    it.effect("one that was opened before there was a network is heard by nobody, and by all when it has come", () =>
      Effect.gen(function*() {
        const network = yield* SimulatedNetwork.make({ seed: 1 })
        const host = yield* network.host({ name: "a", ip: null })
        const endpoint = yield* host.datagrams.open(group)
        const b = yield* listener(network, "b")
        assert.deepStrictEqual(endpoint.local.map(({ interface: name, ip }) => `${name} ${ip}`), ["lo 127.0.0.1"])
        yield* endpoint.multicast(bytes("alone"))
        yield* say(b, "anybody?")
        assert.strictEqual(
          (yield* Effect.flip(endpoint.unicast({ ip: "10.0.0.1", port: 1 }, bytes("x")))).kind,
          "Unreachable"
        )
        yield* TestClock.adjust("1 second")
        const [echo] = yield* endpoint.receive
        assert.deepStrictEqual([text(echo!.payload), echo!.from.ip], ["alone", "127.0.0.1"])
        yield* host.setAddress("10.0.0.8")
        yield* TestClock.adjust("2 seconds")
        yield* endpoint.multicast(bytes("here"))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(b.heard, ["anybody? multicast 10.0.0.2", "here multicast 10.0.0.8"])
      }))

    it.effect("the loopback of one machine leads to no other", () =>
      Effect.gen(function*() {
        const network = yield* SimulatedNetwork.make({ seed: 1 })
        const a = yield* listener(network, "a")
        const b = yield* listener(network, "b")
        yield* a.endpoint.unicast({ ip: "127.0.0.1", port: 4_000 }, bytes("me?"))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual([a.heard, b.heard], [[], []])
        assert.strictEqual((yield* network.counters).dropped.nobody, 1)
      }))

    it.effect("an endpoint sends from the interface on whose network the receiver is, and knows both networks", () =>
      Effect.gen(function*() {
        const network = yield* SimulatedNetwork.make({ seed: 1 })
        const a = yield* listener(network, "a")
        const b = yield* listener(network, "b")
        for (const [{ host }, ip] of [[a, "10.0.1.1"], [b, "10.0.1.2"]] as const) yield* host.addInterface("sim1", ip)
        yield* TestClock.adjust("2 seconds")
        assert.isTrue(a.endpoint.isDirect("10.0.0.7") && a.endpoint.isDirect("10.0.1.7"))
        assert.isFalse(a.endpoint.isDirect("10.0.2.7"))
        for (const ip of ["10.0.0.2", "10.0.1.2"]) yield* a.endpoint.unicast({ ip, port: 4_000 }, bytes(ip))
        yield* TestClock.adjust("1 second")
        assert.sameMembers(b.heard, ["10.0.0.2 unicast 10.0.0.1", "10.0.1.2 unicast 10.0.1.1"])
        // One that is taken away and comes back has forgotten the group, until the endpoint looks.
        yield* b.host.setAddress(null)
        yield* b.host.removeInterface("sim1")
        yield* b.host.addInterface("sim1", "10.0.1.2")
        yield* say(a, "too soon")
        yield* TestClock.adjust("2 seconds")
        yield* say(a, "again")
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(b.heard.slice(2), ["again multicast 10.0.1.1"])
      }))

    it.effect("while scans fail an endpoint keeps what it had, and looks again when they work", () =>
      Effect.gen(function*() {
        const network = yield* SimulatedNetwork.make({ seed: 1 })
        const a = yield* listener(network, "a")
        yield* a.host.setFailing("scans", true)
        yield* a.host.setAddress("10.0.0.9")
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(a.endpoint.local[0].ip, "10.0.0.1")
        yield* a.host.setFailing("scans", false)
        yield* TestClock.adjust("2 seconds")
        assert.strictEqual(a.endpoint.local[0].ip, "10.0.0.9")
      }))

    it.effect("without file descriptors no question can be asked, which is told, and all else goes on", () =>
      Effect.gen(function*() {
        const network = yield* SimulatedNetwork.make({ seed: 1 })
        const a = yield* listener(network, "a")
        const b = yield* listener(network, "b")
        yield* a.host.setFailing("sockets", true)
        const failure = yield* Effect.flip(a.endpoint.ask({ ip: "10.0.0.2", port: 4_000 }, bytes("there?")))
        assert.deepStrictEqual([failure.during, failure.kind], ["open", "Unknown"])
        yield* a.endpoint.unicast({ ip: "10.0.0.2", port: 4_000 }, bytes("hello"))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(b.heard, ["hello unicast 10.0.0.1"])
        yield* a.host.setFailing("sends", true)
        assert.strictEqual((yield* Effect.flip(say(a, "hello"))).kind, "PermissionDenied")
      }))

    it.effect("an address that a machine has, and an interface that is not there, are defects", () =>
      Effect.gen(function*() {
        const network = yield* SimulatedNetwork.make({ seed: 1 })
        const a = yield* network.host("a")
        yield* network.host("b")
        for (
          const verb of [
            a.setAddress("10.0.0.2"),
            a.setAddress("10.0.0.3", "eth7"),
            a.addInterface("sim0", "10.0.0.3"),
            a.removeInterface("sim1")
          ]
        ) assert.isTrue(Exit.isFailure(yield* Effect.exit(verb)))
        yield* a.setAddress("10.0.0.1")
        assert.deepStrictEqual(yield* a.interfaces, [{ name: "sim0", ip: "10.0.0.1" }])
      }))
  })

  it.effect("resolves a name to where its machine is now; or late, as it was, or not at all", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork.make({ seed: 1 })
      const { endpoint, host } = yield* listener(network, "a")
      assert.deepStrictEqual(yield* endpoint.resolve("a"), ["10.0.0.1"])
      yield* network.setResolver("old")
      yield* host.setAddress("10.0.0.9")
      assert.deepStrictEqual(yield* endpoint.resolve("a"), ["10.0.0.1"])
      yield* network.setResolver("works")
      assert.deepStrictEqual(yield* endpoint.resolve("a"), ["10.0.0.9"])
      yield* network.setResolver({ after: "3 seconds" })
      const late = yield* Effect.forkScoped(endpoint.resolve("a"), { startImmediately: true })
      yield* TestClock.adjust("2900 millis")
      assert.isUndefined(late.pollUnsafe())
      yield* TestClock.adjust("100 millis")
      assert.deepStrictEqual(yield* Fiber.join(late), ["10.0.0.9"])
      yield* network.setResolver("silent")
      const never = yield* Effect.forkScoped(endpoint.resolve("a"), { startImmediately: true })
      yield* TestClock.adjust("1 hour")
      assert.isUndefined(never.pollUnsafe())
      assert.deepStrictEqual(yield* endpoint.resolve("10.0.0.77"), ["10.0.0.77"])
    }))
})
