/** A server over a registry, as its app sees it. */
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type * as Event from "../../src/protocol/model/Event.ts"
import * as Keys from "../../src/registry/RegistryKeys.ts"
import type * as RegistryOptions from "../../src/registry/RegistryOptions.ts"
import * as RegistryServer from "../../src/registry/RegistryServer.ts"
import * as MemoryRegistry from "./harness/MemoryRegistry.ts"

const leaseDuration = Duration.seconds(10)

/** Starts a server whose scope the test closes, or never; `prepare` is done before. */
const start = Effect.fnUntraced(function*(
  registry: MemoryRegistry.MemoryRegistry,
  options: RegistryOptions.Options,
  prepare: (link: MemoryRegistry.Link) => void = () => {}
) {
  const scope = yield* Scope.make()
  const link = registry.link()
  prepare(link)
  const server = yield* Scope.provide(
    RegistryServer.make({ group: "orders", ...options }, link, { name: "memory", leaseDuration }),
    scope
  )
  const events: Array<Event.Event> = []
  const { events: stream } = yield* Effect.provideService(server.group.subscribe, Scope.Scope, scope)
  yield* Effect.forkScoped(Stream.runForEach(stream, (event) => Effect.sync(() => events.push(event))))
  return { ...server, link, events, stop: Scope.close(scope, Exit.void) }
})

type Started = Effect.Success<ReturnType<typeof start>>

const leading = (servers: ReadonlyArray<Started>) => Effect.forEach(servers, ({ leadership }) => leadership.isLeader)

const told = ({ events }: Started) => events.flatMap((event) => event.event === "NetworkChanged" ? [event.what] : [])

describe("a server over a registry", () => {
  it.effect("follows the highest ranked, and takes the lead where that gives it up or stops", () =>
    Effect.gen(function*() {
      const registry = yield* MemoryRegistry.make(10_000)
      const low = yield* start(registry, { priority: 1 })
      yield* TestClock.adjust("1 second")
      assert.isTrue(yield* low.leadership.isLeader)
      const high = yield* start(registry, { priority: 2 })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* leading([low, high]), [false, true])
      yield* high.leadership.resign
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* leading([low, high]), [true, false])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* leading([low, high]), [false, true])
      yield* high.stop
      yield* TestClock.adjust("100 millis")
      assert.isTrue(yield* low.leadership.isLeader)
      assert.strictEqual((yield* low.group.members).length, 1)
      assert.strictEqual(registry.store.sessions.size, 1)
    }))

  it.effect("waits for a registry that is away when it starts, and tells that it does, once", () =>
    Effect.gen(function*() {
      const registry = yield* MemoryRegistry.make(10_000)
      const server = yield* start(registry, {}, (link) => link.cut(true))
      yield* TestClock.adjust("1 minute")
      assert.isFalse(yield* server.leadership.isLeader)
      assert.strictEqual((yield* server.group.status).phase, "Discovering")
      assert.deepStrictEqual(told(server), ["the registry is not reached: it is cut off"])
      server.link.cut(false)
      yield* TestClock.adjust("3 seconds")
      assert.isTrue(yield* server.leadership.isLeader)
      assert.strictEqual(told(server).at(-1), "the registry is reached again")
      assert.isTrue((yield* server.group.healthy).healthy)
    }))

  it.effect("tells that it is refused, asks seldom then, and goes on when it is not", () =>
    Effect.gen(function*() {
      const registry = yield* MemoryRegistry.make(10_000)
      const server = yield* start(registry, {}, (link) => link.refuse(true))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(told(server), ["the registry refuses this server: wrong password"])
      server.link.refuse(false)
      yield* TestClock.adjust("25 seconds")
      assert.isTrue(yield* server.leadership.isLeader)
    }))

  it.effect("is well while its session is renewed, with any profile, and is not when the registry is away", () =>
    Effect.gen(function*() {
      const registry = yield* MemoryRegistry.make(10_000)
      const server = yield* start(registry, { profile: "realtime" })
      for (let second = 0; second < 10; second++) {
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* server.group.healthy, { healthy: true, reasons: [] })
      }
      server.link.cut(true)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual((yield* server.group.healthy).reasons.map(({ reason }) => reason), ["joined"])
    }))

  it.effect("ends its work by the clock where the registry is lost, and leads again when that is back", () =>
    Effect.gen(function*() {
      const registry = yield* MemoryRegistry.make(10_000)
      const server = yield* start(registry, {})
      yield* TestClock.adjust("1 second")
      const work: Array<string> = []
      yield* Effect.forkScoped(server.leadership.whileLeader(
        Effect.ensuring(
          Effect.andThen(Effect.sync(() => work.push("begins")), Effect.never),
          Effect.sync(() => work.push("ends"))
        )
      ))
      yield* TestClock.adjust("1 second")
      server.link.cut(true)
      yield* TestClock.adjust("7 seconds")
      assert.deepStrictEqual(work, ["begins"])
      yield* TestClock.adjust("2500 millis")
      assert.deepStrictEqual(work, ["begins", "ends"])
      assert.isFalse(yield* server.leadership.isLeader)
      assert.strictEqual((yield* server.group.status).phase, "Recovering")
      const ended = server.events.findLast(({ event }) => event === "LeaderChanged")
      assert.include(ended, { leader: null, cause: "LeaseLost" })
      server.link.cut(false)
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(work, ["begins", "ends", "begins"])
    }))

  it.effect("leads where the answer to its transaction was lost, by what the watch tells", () =>
    Effect.gen(function*() {
      const registry = yield* MemoryRegistry.make(10_000)
      const first = yield* start(registry, { priority: 2 })
      yield* TestClock.adjust("1 second")
      const second = yield* start(registry, { priority: 1 })
      yield* TestClock.adjust("1 second")
      second.link.loseAnswers(true)
      yield* first.stop
      yield* TestClock.adjust("100 millis")
      assert.isTrue(yield* second.leadership.isLeader)
    }))

  it.effect("gives its key back only when its work has ended, and lets its session run out where that overruns", () =>
    Effect.gen(function*() {
      const registry = yield* MemoryRegistry.make(10_000)
      const server = yield* start(registry, { stopTimeout: "500 millis" })
      yield* TestClock.adjust("1 second")
      yield* Effect.forkScoped(
        server.leadership.whileLeader(Effect.uninterruptible(Effect.sleep("1 minute")))
      )
      yield* TestClock.adjust("1 second")
      const stopped = yield* Effect.forkScoped(server.stop)
      yield* TestClock.adjust("3 seconds")
      assert.isTrue(registry.store.entries.has(Keys.leader("")))
      yield* Fiber.await(stopped)
      yield* TestClock.adjust("10 seconds")
      assert.isFalse(registry.store.entries.has(Keys.leader("")))
    }))

  it.effect("whose place another start of the same address takes leads no more, and tells both", () =>
    Effect.gen(function*() {
      const registry = yield* MemoryRegistry.make(10_000)
      const options = { advertise: "192.0.2.1:8080", hostname: "h" }
      const first = yield* start(registry, options)
      yield* TestClock.adjust("1 second")
      assert.isTrue(yield* first.leadership.isLeader)
      const second = yield* start(registry, options)
      yield* TestClock.adjust("1 second")
      assert.isTrue(first.events.some(({ event }) => event === "DuplicateIdentity"))
      assert.deepStrictEqual(yield* leading([first, second]), [false, true])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* leading([first, second]), [false, true])
    }))

  it.effect("goes on above the terms of the engine that its group had before", () =>
    Effect.gen(function*() {
      const registry = yield* MemoryRegistry.make(10_000)
      const server = yield* start(registry, {}, (link) => link.cut(true))
      yield* server.heard(5_000_000)
      server.link.cut(false)
      yield* TestClock.adjust("3 seconds")
      const reign = yield* server.leadership.current
      assert.deepInclude(reign, { _tag: "Some" })
      assert.strictEqual(reign._tag === "Some" ? reign.value.term : 0, 5_000_001)
    }))

  it.effect("refuses settings in one line, before anything is asked", () =>
    Effect.gen(function*() {
      const registry = yield* MemoryRegistry.make(10_000)
      const refusal = (options: object) =>
        Effect.map(
          Effect.flip(Effect.scoped(RegistryServer.make(options, registry.link(), { name: "memory", leaseDuration }))),
          ({ message }) => message
        )
      assert.include(yield* refusal({ stopTimeout: "4 seconds" }), "at most a third of leaseDuration, which is 10s")
      assert.include(yield* refusal({ advertise: "here" }), "advertise is here; allowed: an IP address and a port")
      assert.include(yield* refusal({ prority: 1 }), "priority is the nearest name")
      assert.include(yield* refusal({ multicast: false }), "multicast is no option")
      assert.include(yield* refusal({ group: " " }), "group is")
    }))
})
