/** What a server of a simulated group has counted when something has happened to it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as EventHub from "../../src/engine/EventHub.ts"
import { SimulatedGroup } from "../../src/testing/index.ts"

const make = (seed: string) =>
  SimulatedGroup.make({
    servers: 2,
    seed,
    settings: (index) => ({ profile: "fast", priority: index, name: `server-${index}` })
  })

const sum = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((a, b) => a + b, 0)

describe("the counters of a group", () => {
  it.effect("tell what came and went, and how late the heartbeats were", () =>
    Effect.gen(function*() {
      const group = yield* make("counted")
      yield* group.settle()
      const { group: { counters, dropped } } = yield* group.server(0)
      const before = yield* counters
      yield* group.advance("10 seconds")
      const { datagrams, dropped: byReason, lateness, tables } = yield* counters
      assert.isAbove(datagrams.received, before.datagrams.received)
      assert.isAbove(datagrams.sent, before.datagrams.sent)
      assert.isAbove(datagrams.receivedBytes, 50 * datagrams.received)
      assert.isAbove(datagrams.sentBytes, 50 * datagrams.sent)
      assert.deepStrictEqual(byReason, yield* dropped)
      assert.isAbove(lateness.count, before.lateness.count)
      assert.isBelow(lateness.sum, 100 * lateness.count)
      assert.deepStrictEqual(tables, { members: 1, clients: 0, sessions: 0, tombstones: 0 })
    }))

  it.effect("tell that the leader crashed, for how long nobody led, and that this server stood and won", () =>
    Effect.gen(function*() {
      const group = yield* make("crashed")
      yield* group.settle()
      yield* group.kill(1)
      yield* group.settle()
      const { elections, tables } = yield* (yield* group.server(0)).group.counters
      const own = elections.get("")!
      assert.isAbove(own.outcomes.won, 0)
      assert.strictEqual(own.vacant.count, sum(own.changes))
      assert.isAbove(own.vacant.max ?? 0, 100)
      assert.isAbove((own.changes.Crashed ?? 0) + (own.changes.Silent ?? 0), 0)
      assert.strictEqual(tables.members, 0)
      assert.strictEqual(tables.tombstones, 1)
    }))

  it.effect("tell how long this server was paused", () =>
    Effect.gen(function*() {
      const group = yield* make("paused")
      yield* group.settle()
      yield* group.pause(0)
      yield* group.advance("20 seconds")
      yield* group.resume(0)
      yield* group.settle()
      const { pauses } = yield* (yield* group.server(0)).group.counters
      assert.strictEqual(pauses.count, 1)
      assert.isAbove(pauses.max ?? 0, 15_000)
    }))

  it.effect("tell who reads events, and what a slow one lost; not what was gone before it came", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make({
        servers: 2,
        seed: "readers",
        settings: { profile: "fast", eventHistory: 1 }
      })
      yield* group.settle()
      const { group: { counters, subscribeAfter } } = yield* group.server(0)
      const { readers: before } = yield* counters
      assert.strictEqual(before.lost, 0)
      yield* Effect.scoped(Effect.gen(function*() {
        const { events } = yield* subscribeAfter(0)
        const [first] = yield* Stream.runCollect(Stream.take(events, 1))
        assert.strictEqual(first?.event, "EventsLost")
        assert.deepStrictEqual((yield* counters).readers, { open: before.open + 1, lost: 0 })
      }))
      assert.deepStrictEqual((yield* counters).readers, before)
    }))
})

describe("a hub of events", () => {
  it.effect("counts what its readers lost as they were too slow", () =>
    Effect.gen(function*() {
      const hub = yield* EventHub.make<null, { readonly at: number; readonly event: "Counted" }>(() => null)
      hub.forgetBeginning()
      const { events } = yield* hub.subscribe
      for (let at = 0; at < EventHub.capacity + 10; at++) hub.publish({ at, event: "Counted" })
      yield* Stream.runDrain(Stream.take(events, 2))
      assert.deepStrictEqual(hub.readers(), { open: 1, lost: 10 })
    }))
})
