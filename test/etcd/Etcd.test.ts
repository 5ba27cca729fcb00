/** Servers whose group is in etcd, over a gateway in memory. */
import { assert, describe, it } from "@effect/vitest"
import { Leadership } from "bellwether"
import * as Etcd from "bellwether/Etcd"
import * as NodeEtcd from "bellwether/NodeEtcd"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { FakeEtcd, type Fault, layer } from "./FakeEtcd.ts"

const endpoints = ["http://etcd-1:2379", "http://etcd-2:2379", "http://etcd-3:2379"] as const

const options = { group: "orders", endpoints, stopTimeout: "500 millis" } as const

/** Passes time in small steps, so that questions are answered between. */
const pass = (seconds: number) => Effect.repeat(TestClock.adjust("50 millis"), { times: seconds * 20 - 1 })

/** Waits, for as long as this takes of the test's time. */
const until = Effect.fnUntraced(function*(condition: Effect.Effect<boolean>) {
  for (let round = 0; round < 1_000; round++) {
    if (yield* condition) return
    yield* TestClock.adjust("50 millis")
  }
  assert.fail("it did not come to that")
})

/** A server that can be ended by itself. */
const start = Effect.fnUntraced(function*(name: string, given: Partial<Etcd.Options> = {}) {
  const scope = yield* Scope.fork(yield* Effect.scope)
  const server = yield* Scope.provide(Etcd.make({ ...options, name, ...given }), scope)
  return { ...server, name, stop: Scope.close(scope, Exit.void) }
})

const leads = ({ leadership }: Etcd.EtcdServer) => leadership.isLeader

const within = <A, E>(
  etcd: FakeEtcd,
  test: Effect.Effect<A, E, Scope.Scope | Layer.Success<ReturnType<typeof layer>>>
) => Effect.scoped(test).pipe(Effect.provide(layer(etcd)))

describe("a group in etcd", () => {
  it.effect("has one leader, the highest ranked, and another when that one stops", () =>
    within(
      new FakeEtcd(),
      Effect.gen(function*() {
        const a = yield* start("a", { priority: 1 })
        yield* until(leads(a))
        const b = yield* start("b")
        yield* pass(2)
        assert.isFalse(yield* leads(b))
        yield* Effect.forkChild(a.stop)
        yield* until(leads(b))
      })
    ))

  it.effect("has another leader when the lease of one runs out that is cut off, and that one has ended before", () => {
    const etcd = new FakeEtcd()
    return within(
      etcd,
      Effect.gen(function*() {
        const [only] = endpoints
        const a = yield* start("a", { priority: 1, endpoints: [only] })
        const b = yield* start("b", { endpoints: endpoints.slice(1) })
        const told = yield* Queue.unbounded<string>()
        for (const { leadership, name } of [a, b]) {
          const work = Effect.acquireRelease(
            Queue.offer(told, `${name} begins`),
            () => Queue.offer(told, `${name} has ended`)
          )
          yield* Effect.forkScoped(leadership.whileLeader(Effect.scoped(Effect.andThen(work, Effect.never))))
        }
        yield* until(leads(a))
        yield* until(Effect.map(b.group.members, ({ length }) => length === 2))
        assert.strictEqual(yield* Queue.take(told), "a begins")
        etcd.faults.set(only, "hang")
        const cutAt = etcd.now
        yield* until(Effect.map(Queue.size(told), (size) => size >= 2))
        assert.deepStrictEqual(yield* Queue.takeAll(told), ["a has ended", "b begins"])
        // All of its lease, which begins anew with its last renewal: within a sixth of it, and etcd looks each half second.
        assert.isAtLeast(etcd.now - cutAt, 10_000 - 10_000 / 6)
        assert.isFalse(yield* leads(a))
        etcd.faults.clear()
        yield* until(Effect.map(a.group.members, ({ length }) => length === 2))
        yield* until(Effect.map(b.group.members, ({ length }) => length === 2))
      })
    )
  })

  it.effect("hands the lead to another member, also just after the start", () =>
    within(
      new FakeEtcd(),
      Effect.gen(function*() {
        const a = yield* start("a", { priority: 1 })
        yield* until(leads(a))
        const b = yield* start("b")
        yield* until(Effect.map(a.group.members, ({ length }) => length === 2))
        const handed = yield* Effect.forkChild(a.leadership.transferTo(yield* b.group.self))
        yield* until(leads(b))
        yield* until(Effect.sync(() => handed.pollUnsafe() !== undefined))
        assert.deepStrictEqual(handed.pollUnsafe(), Exit.void)
      })
    ))

  const away: ReadonlyArray<readonly [what: string, fault: Fault, detail: string]> = [
    ["is not there", "refuse", "connect ECONNREFUSED"],
    ["does not answer", "hang", "no answer within 1667 ms"]
  ]

  for (const [what, fault, detail] of away) {
    it.effect(`waits for an etcd that ${what} at the start, and says so in one plain line`, () => {
      const etcd = new FakeEtcd()
      for (const endpoint of endpoints) etcd.faults.set(endpoint, fault)
      const lines: Array<string> = []
      const logger = Logger.make(({ logLevel, message }) => void lines.push(`${logLevel} ${String(message)}`))
      return within(
        etcd,
        Effect.gen(function*() {
          const starting = yield* Effect.forkScoped(start("a"))
          yield* pass(7)
          const a = yield* Fiber.join(starting)
          assert.isFalse(yield* leads(a))
          assert.lengthOf(lines, 1)
          assert.match(lines[0]!, /^Warn etcd is waited for: http:\/\/etcd-[123]:2379: /)
          assert.isTrue(lines[0]!.endsWith(`: ${detail}`), lines[0])
          etcd.faults.clear()
          yield* until(leads(a))
        })
      ).pipe(Effect.provide(Logger.layer([logger])))
    })
  }

  it.live("waits so over Node's own client too", () => {
    const lines: Array<string> = []
    const logger = Logger.make(({ message }) => void lines.push(String(message)))
    return start("a", { endpoints: ["http://127.0.0.1:1"] }).pipe(
      Effect.scoped,
      Effect.provide([NodeEtcd.layerClient(), Logger.layer([logger])]),
      Effect.andThen(Effect.sync(() =>
        assert.deepStrictEqual(lines, [
          "etcd is waited for: http://127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1"
        ])
      ))
    )
  })

  it.effect("ends leading work by the clock where etcd is away, and leads again by itself", () => {
    const etcd = new FakeEtcd()
    return within(
      etcd,
      Effect.gen(function*() {
        const a = yield* start("a")
        const told = yield* Queue.unbounded<string>()
        const work = Effect.acquireRelease(Queue.offer(told, "begun"), () => Queue.offer(told, "ended"))
        yield* Effect.forkScoped(
          a.leadership.whileLeader(Effect.scoped(Effect.andThen(work, Effect.never)))
        )
        yield* until(leads(a))
        assert.strictEqual(yield* Queue.take(told), "begun")
        const began = etcd.now
        for (const endpoint of endpoints) etcd.faults.set(endpoint, "hang")
        yield* until(Effect.map(Queue.size(told), (size) => size > 0))
        assert.strictEqual(yield* Queue.take(told), "ended")
        assert.isBelow(etcd.now - began, 10_000)
        etcd.faults.clear()
        yield* until(Effect.map(Queue.size(told), (size) => size > 0))
        assert.strictEqual(yield* Queue.take(told), "begun")
      })
    )
  })

  it.effect("gives a fence of the leader's key to leading work, of that reign alone", () => {
    const etcd = new FakeEtcd()
    return within(
      etcd,
      Effect.gen(function*() {
        const a = yield* start("a")
        const fences = yield* Queue.unbounded<Exit.Exit<Etcd.Fence, unknown>>()
        const look = Effect.flatMap(Effect.exit(Etcd.fence), (exit) => Queue.offer(fences, exit))
        yield* Effect.forkScoped(
          a.leadership.whileLeader(Effect.andThen(look, Effect.never)).pipe(
            Effect.provideService(Etcd.Fences, a.fences)
          )
        )
        yield* until(Effect.map(Queue.size(fences), (size) => size > 0))
        const fence = Exit.getSuccess(yield* Queue.take(fences))
        const [key, stored] = [...etcd.stored].find(([key]) => key.endsWith("/leader"))!
        assert.deepStrictEqual(fence._tag === "Some" && fence.value, { key, createRevision: String(stored.create) })
        const reign = Option.getOrThrow(yield* a.leadership.current)
        const former = { ...reign, term: reign.term - 1, token: "", isCurrent: Effect.succeed(true) }
        const refused = yield* Effect.flip(Effect.provideService(a.fences.of(""), Leadership.Reign, former))
        assert.propertyVal(refused, "_tag", "NotLeading")
      })
    )
  })

  it.effect("gives no fence where the key is another leader's of the same term, and one of when it was made", () => {
    const etcd = new FakeEtcd()
    return within(
      etcd,
      Effect.gen(function*() {
        const a = yield* start("a")
        yield* until(leads(a))
        const reign = Option.getOrThrow(yield* a.leadership.current)
        const own = { ...reign, token: "", isCurrent: Effect.succeed(true) }
        const fenced = Effect.provideService(a.fences.of(""), Leadership.Reign, own)
        const [key, made] = [...etcd.stored].find(([key]) => key.endsWith("/leader"))!
        const said = JSON.parse(made.value) as { readonly leader: { readonly id: string } }
        const change = (value: object) => etcd.change((put) => put(key, JSON.stringify(value), made.lease))
        change(said)
        assert.deepStrictEqual(yield* fenced, { key, createRevision: String(made.create) })
        assert.isAbove(etcd.stored.get(key)!.mod, made.create)
        change({ ...said, leader: { ...said.leader, id: "00000000000000aa" } })
        assert.propertyVal(yield* Effect.flip(fenced), "_tag", "NotLeading")
      })
    )
  })
})

describe("a start in etcd", () => {
  const refused = (given: Partial<Etcd.Options>, etcd = new FakeEtcd()) =>
    within(etcd, Effect.flip(Effect.asVoid(start("a", given))))

  it.effect("is refused, in one line, where a setting is not allowed", () =>
    Effect.gen(function*() {
      const lines: ReadonlyArray<readonly [Partial<Etcd.Options>, string]> = [
        [{ endpoints: [] }, "endpoints is empty; allowed: 1 to 16 of http://host:port or https://host:port"],
        [{ endpoints: ["10.0.0.1:2379"] }, "endpoints is [\"10.0.0.1:2379\"]; allowed: at most 16"],
        [{ endpoints: ["http://10.0.0.1:2379/v3"] }, "endpoints is"],
        [
          { leaseDuration: "5 seconds" },
          "leaseDuration is \"5 seconds\"; allowed: a duration of whole seconds from 6s to 1h"
        ],
        [{ leaseDuration: "6500 millis" }, "leaseDuration is \"6500 millis\"; allowed: a duration of whole seconds"],
        [{ prefix: "bellwether" }, "prefix is bellwether; allowed: a text from a slash to a slash"],
        [{ username: "a" }, "username is a; allowed: none without password"],
        [{ password: Redacted.make("secret") }, "password is a value that is not shown here"],
        [{ stopTimeout: "5 seconds" }, "stopTimeout is 5s; allowed: at most a third of leaseDuration"],
        [{ endpoint: "http://10.0.0.1:2379" } as never, "endpoint is no option; allowed: endpoints is the nearest name"]
      ]
      for (const [given, line] of lines) {
        const { message } = yield* refused(given)
        assert.include(message, line)
        assert.notInclude(message, "\n")
      }
    }))

  it.effect("fails where no gateway answers, and where the version is too old for one", () =>
    Effect.gen(function*() {
      const etcd = new FakeEtcd()
      for (const endpoint of endpoints) etcd.faults.set(endpoint, "off")
      assert.propertyVal(yield* refused({}, etcd), "reason", "gateway-off")
      etcd.version = "3.3.27"
      assert.propertyVal(yield* refused({}, etcd), "reason", "version")
    }))

  it.effect("warns of a version that may end leases early, and of no other", () =>
    Effect.gen(function*() {
      for (const [version, warnings] of [["3.4.23", 1], ["3.4.45", 0], ["3.6.1", 0]] as const) {
        const lines: Array<string> = []
        const logger = Logger.make(({ message }) => void lines.push(String(message)))
        const etcd = Object.assign(new FakeEtcd(), { version })
        yield* within(etcd, Effect.asVoid(start("a"))).pipe(Effect.provide(Logger.layer([logger])))
        assert.lengthOf(lines, warnings, version)
        for (const line of lines) assert.include(line, `etcd ${version} may end leases early`)
      }
    }))

  it.effect("fails where the password is wrong", () =>
    Effect.gen(function*() {
      const etcd = Object.assign(new FakeEtcd(), { password: "secret" })
      const error = yield* refused({ username: "a", password: Redacted.make("other") }, etcd)
      assert.propertyVal(error, "reason", "auth")
      assert.notInclude(error.message, "other")
    }))

  it.effect("reads its options from the configuration", () =>
    Effect.gen(function*() {
      const provider = ConfigProvider.fromUnknown({
        BELLWETHER_GROUP: "orders",
        BELLWETHER_PRIORITY: "3",
        BELLWETHER_ADVERTISE: "192.0.2.1:80",
        BELLWETHER_LEASE_DURATION: "12s",
        BELLWETHER_ETCD_ENDPOINTS: "http://etcd-1:2379, http://etcd-2:2379",
        BELLWETHER_ETCD_USERNAME: "bellwether",
        BELLWETHER_ETCD_PASSWORD: "secret"
      })
      const { leaseDuration, password, ...given } = yield* Etcd.config.parse(provider)
      assert.strictEqual(Redacted.value(password!), "secret")
      assert.deepStrictEqual(leaseDuration, Duration.seconds(12))
      assert.deepStrictEqual(given, {
        group: "orders",
        priority: 3,
        advertise: "192.0.2.1:80",
        endpoints: ["http://etcd-1:2379", "http://etcd-2:2379"],
        username: "bellwether"
      })
      const etcd = new FakeEtcd()
      const built = Layer.build(Etcd.layerConfig()).pipe(
        Effect.provide([
          layer(etcd),
          ConfigProvider.layer(ConfigProvider.fromUnknown({ BELLWETHER_ETCD_ENDPOINTS: "etcd-1:2379" }))
        ]),
        Effect.scoped,
        Effect.flip
      )
      assert.include((yield* built).message, "BELLWETHER_ETCD_ENDPOINTS is etcd-1:2379; allowed: at most 16 of http://")
    }))
})
