/**
 * Every verb of a simulated group that is about the network or a clock, by what it does to what is sent from then on. What
 * kills, restarts, pauses and partitions has its tests in `SimulatedGroup.test.ts`.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { SimulatedGroup, VirtualTime } from "../../src/testing/index.ts"
import type * as Traffic from "../../src/testing/Traffic.ts"

const isFrom = (from: number, to: number) => ({ receiver, sender }: Traffic.Record) =>
  sender === `s${from}` && receiver === `s${to}`

/** A settled group of three, and what was delivered and dropped in the seconds after a verb. */
const after = (verb: (group: SimulatedGroup.SimulatedGroup) => Effect.Effect<void>, seconds = 5) =>
  VirtualTime.run(Effect.gen(function*() {
    const group = yield* SimulatedGroup.make({ servers: 3, seed: 5, settings: { profile: "fast" } })
    yield* group.settle()
    yield* group.advance("5 seconds")
    const records: Array<Traffic.Record> = []
    yield* group.network.tap((record) => void records.push(record))
    const before = yield* group.network.counters
    yield* verb(group)
    yield* group.advance(seconds * 1_000)
    const counters = yield* group.network.counters
    const delivered = records.filter(({ what }) => what === "delivered")
    const dropped = records.filter(({ what }) => what === "dropped")
    const kept = yield* group.events(0)
    return { group, records, delivered, dropped, duplicated: counters.duplicated - before.duplicated, events: kept }
  }))

interface Seen {
  readonly delivered: ReadonlyArray<Traffic.Record>
  readonly records: ReadonlyArray<Traffic.Record>
}

/** How long each copy to another machine was under way; two heartbeats may be the same to the byte, but are further apart. */
const delays = ({ delivered, records }: Seen) =>
  delivered.filter(({ receiver, sender }) => receiver !== sender).flatMap(({ at, payload }) => {
    const sent = records.findLast((one) =>
      one.what === "sent" && one.at <= at && Buffer.compare(one.payload, payload) === 0
    )
    return sent === undefined ? [] : [at - sent.at]
  })

describe("a verb of a simulated group", () => {
  it.effect("none: everything arrives, once, within a millisecond", () =>
    Effect.gen(function*() {
      const seen = yield* after(() => Effect.void)
      assert.isAbove(seen.delivered.length, 20)
      assert.deepStrictEqual([seen.dropped, seen.duplicated], [[], 0])
      assert.isAtMost(Math.max(...delays(seen)), 1)
    }))

  it.effect("cut: nothing goes one way, everything the other", () =>
    Effect.gen(function*() {
      const { delivered, dropped } = yield* after((group) => group.cut(0, 1), 1)
      assert.deepStrictEqual([delivered.filter(isFrom(0, 1)), dropped.every(isFrom(0, 1))], [[], true])
      for (const [from, to] of [[1, 0], [0, 2], [2, 1]] as const) assert.isNotEmpty(delivered.filter(isFrom(from, to)))
    }))

  it.effect("setLoss: all is lost that is sent to others, and they are removed", () =>
    Effect.gen(function*() {
      const { delivered, events } = yield* after((group) => group.setLoss(1))
      assert.deepStrictEqual(delivered.filter(({ receiver, sender }) => receiver !== sender), [])
      assert.strictEqual(events.filter(({ event }) => event.event === "MemberRemoved").length, 2)
    }))

  it.effect("setMulticastLoss: its multicasts are lost to it, unicasts arrive, and nobody is removed", () =>
    Effect.gen(function*() {
      const { delivered, dropped, events } = yield* after((group) => group.setMulticastLoss(1, 1))
      const toOther = delivered.filter(({ receiver, sender }) => receiver === "s1" && sender !== "s1")
      assert.isNotEmpty(toOther)
      assert.isTrue(toOther.every(({ via }) => via === "unicast"))
      assert.isTrue(dropped.every(({ receiver, via }) => receiver === "s1" && via === "multicast"))
      assert.strictEqual(events.filter(({ event }) => event.event === "MemberRemoved").length, 0)
    }))

  it.effect("setDelay: each is under way for so long", () =>
    Effect.gen(function*() {
      const found = delays(yield* after((group) => group.setDelay({ min: 40, max: 60 })))
      assert.isAbove(found.length, 10)
      assert.isAtLeast(Math.min(...found), 40)
      assert.isAtMost(Math.max(...found), 60)
    }))

  it.effect("setDuplicate: each comes twice, but to its own machine", () =>
    Effect.gen(function*() {
      const { delivered, duplicated } = yield* after((group) => group.setDuplicate(1))
      assert.strictEqual(duplicated, delivered.filter(({ receiver, sender }) => receiver !== sender).length / 2)
      assert.isAbove(duplicated, 10)
    }))

  it.effect("setReorder: some are late by up to that, so that others overtake them", () =>
    Effect.gen(function*() {
      const found = delays(yield* after((group) => group.setReorder(0.5, "200 millis")))
      assert.isAbove(found.filter((delay) => delay > 1).length, 5)
      assert.isAbove(found.filter((delay) => delay <= 1).length, 5)
      assert.isAtMost(Math.max(...found), 201)
    }))

  it.effect("setLink: conditions of one direction alone", () =>
    Effect.gen(function*() {
      const { delivered, dropped } = yield* after((group) => group.setLink(2, 0, { loss: 1 }), 1)
      assert.deepStrictEqual(delivered.filter(isFrom(2, 0)), [])
      assert.isTrue(dropped.length > 0 && dropped.every(isFrom(2, 0)))
    }))

  it.effect("overflow: what comes to it is lost for that long, and then arrives again", () =>
    Effect.gen(function*() {
      const { delivered, dropped } = yield* after((group) => group.overflow(1, "2 seconds"))
      assert.isNotEmpty(dropped)
      assert.isTrue(dropped.every(({ reason, receiver }) => receiver === "s1" && reason === "overflow"))
      const [first] = dropped
      const later = delivered.filter(({ at, receiver, sender }) =>
        receiver === "s1" && sender !== "s1" && at > first!.at
      )
      assert.isAtLeast(Math.min(...later.map(({ at }) => at)), first!.at + 1_400)
    }))

  it.effect("setClockRate: a server whose clock runs twice as fast says twice as much", () =>
    Effect.gen(function*() {
      const { records } = yield* after((group) => group.setClockRate(1, 2))
      const said = (server: number) =>
        records.filter(({ sender, via, what }) => what === "sent" && via === "multicast" && sender === `s${server}`)
          .length
      assert.closeTo(said(1), 2 * said(2), 2)
    }))

  it.effect("suspend and wake: its monotonic clock stops, what comes meanwhile is lost, and it knows when it wakes", () =>
    VirtualTime.run(Effect.gen(function*() {
      const group = yield* SimulatedGroup.make({ servers: 3, seed: 5, settings: { profile: "fast" } })
      yield* group.settle()
      const { clock } = yield* group.host(0)
      const [monotonic, wall] = [clock.monotonicTimeNanosUnsafe(), clock.currentTimeMillisUnsafe()]
      yield* group.suspend(0)
      yield* group.advance("10 seconds")
      assert.strictEqual(clock.monotonicTimeNanosUnsafe(), monotonic)
      assert.strictEqual(clock.currentTimeMillisUnsafe() - wall, 10_000)
      yield* group.wake(0)
      yield* group.settle()
      const stalled = (yield* group.events(0)).find(({ event }) => event.event === "Stalled")
      assert.strictEqual(stalled?.event.event === "Stalled" && Math.round(stalled.event.for / 1_000), 10)
    })))

  it.effect("setAddress: it says all from there before long, what goes to the former address finds nobody", () =>
    Effect.gen(function*() {
      const listening: Array<string> = []
      const { dropped, records } = yield* after((group) =>
        Effect.gen(function*() {
          const host = yield* group.host(1)
          yield* group.setAddress(1, "10.0.0.77")
          assert.deepStrictEqual(yield* host.listening, [])
          yield* group.advance("2 seconds")
          listening.push(...(yield* host.listening).map(({ ip }) => ip))
        })
      )
      const from = [...new Set(records.filter(({ sender }) => sender === "s1").map(({ from }) => from.ip))]
      assert.deepStrictEqual(from, ["10.0.0.77"])
      assert.deepStrictEqual(listening, ["10.0.0.77"])
      assert.isTrue(dropped.every(({ reason, to }) => reason === "nobody" && to.ip === "10.0.0.2"))
    }))

  it.effect("setAddress with null: nothing goes and nothing comes, until it has one again", () =>
    Effect.gen(function*() {
      const seen = yield* after((group) => group.setAddress(1, null))
      assert.deepStrictEqual(seen.records.filter(({ sender }) => sender === "s1"), [])
      assert.deepStrictEqual(seen.delivered.filter(isFrom(0, 1)), [])
      assert.isNotEmpty(seen.dropped.filter(isFrom(0, 1)))
      const back = yield* after((group) =>
        Effect.gen(function*() {
          yield* group.setAddress(1, null)
          yield* group.advance("3 seconds")
          yield* group.setAddress(1, "10.0.0.2")
        })
      )
      assert.isNotEmpty(back.delivered.filter(isFrom(0, 1)))
      assert.isNotEmpty(back.delivered.filter(isFrom(1, 0)))
    }))

  it.effect("addInterface: what is said to all goes out of both; removeInterface: of one again", () =>
    Effect.gen(function*() {
      const ips = (records: ReadonlyArray<Traffic.Record>, sender: string) =>
        new Set(records.filter((record) => record.sender === sender).map(({ from }) => from.ip))
      const both = (group: SimulatedGroup.SimulatedGroup) =>
        Effect.gen(function*() {
          yield* group.addInterface(0, "sim1", "10.0.1.1")
          yield* group.addInterface(1, "sim1", "10.0.1.2")
        })
      const { delivered, records } = yield* after(both)
      assert.deepStrictEqual(ips(records, "s0"), new Set(["10.0.0.1", "10.0.1.1"]))
      // Who is on one of the networks hears what is said on that one.
      assert.deepStrictEqual(ips(delivered.filter(isFrom(0, 1)), "s0"), new Set(["10.0.0.1", "10.0.1.1"]))
      assert.deepStrictEqual(ips(delivered.filter(isFrom(0, 2)), "s0"), new Set(["10.0.0.1"]))
      const one = yield* after((group) =>
        Effect.gen(function*() {
          yield* both(group)
          yield* group.advance("3 seconds")
          yield* group.removeInterface(0, "sim0")
          yield* group.advance("3 seconds")
        })
      )
      assert.deepStrictEqual(ips(one.records.filter(({ at }) => at > 12_000), "s0"), new Set(["10.0.1.1"]))
    }))

  it.effect("setFailing: without scans it keeps what it knew; without sockets what is open works; without sends it is mute", () =>
    Effect.gen(function*() {
      const blind = yield* after((group) =>
        Effect.andThen(group.setFailing(1, "scans", true), group.setAddress(1, "10.0.0.77"))
      )
      assert.deepStrictEqual(blind.records.filter(({ sender }) => sender === "s1"), [])
      const full = yield* after((group) => group.setFailing(1, "sockets", true))
      assert.isNotEmpty(full.delivered.filter(isFrom(1, 0)))
      const mute = yield* after((group) => group.setFailing(1, "sends", true))
      assert.deepStrictEqual(mute.records.filter(({ sender }) => sender === "s1"), [])
      assert.isNotEmpty(mute.delivered.filter(isFrom(0, 1)))
    }))

  it.effect("startLater: with seeds that nobody resolves it starts after two seconds, and is found by multicast", () =>
    VirtualTime.run(Effect.gen(function*() {
      const group = yield* SimulatedGroup.make({
        servers: 2,
        seed: 5,
        settings: { profile: "fast", unicastPort: 4_000, seeds: ["s0:4000"] }
      })
      yield* group.settle()
      yield* group.stop(1)
      yield* group.setResolver("silent")
      const fiber = yield* group.startLater(1)
      assert.isTrue(Exit.isFailure(yield* Effect.exit(group.start(1))), "it is starting already")
      assert.strictEqual(yield* group.state(1), "stopped")
      yield* group.advance("1900 millis")
      assert.isUndefined(fiber.pollUnsafe())
      yield* group.advance("200 millis")
      assert.isDefined(fiber.pollUnsafe())
      yield* group.settle()
      // The same, waited for.
      yield* group.stop(1)
      const at = yield* group.now
      yield* group.start(1)
      assert.isAtLeast((yield* group.now) - at, 1_990)
      // Closing the group ends what is still starting.
      yield* group.kill(1)
      yield* group.startLater(1)
    })))
})
