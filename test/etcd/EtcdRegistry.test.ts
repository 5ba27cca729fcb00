/** A group's registry in etcd, over a gateway in memory whose faults a test decides. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as HttpClient from "effect/http/HttpClient"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as EtcdRegistry from "../../src/etcd/EtcdRegistry.ts"
import type * as Registry from "../../src/registry/Registry.ts"
import * as RegistryCases from "../backend/RegistryCases.ts"
import { failure, put, told } from "../backend/RegistryCases.ts"
import { FakeEtcd, layer } from "./FakeEtcd.ts"

const endpoints = ["http://etcd-1:2379", "http://etcd-2:2379", "http://etcd-3:2379"] as const

const options: EtcdRegistry.Options = { endpoints, credentials: null, ttl: 6, prefix: "/bellwether/", group: "orders" }

/** From one renewal to the next, in ms. */
const interval = 1_000

/** A registry, and the changes of one watch that began before anything else. */
const within = <A, E>(
  etcd: FakeEtcd,
  test: (registry: Registry.Registry) => Effect.Effect<A, E, Scope.Scope | HttpClient.HttpClient>,
  given: Partial<EtcdRegistry.Options> = {}
) =>
  Effect.scoped(Effect.flatMap(EtcdRegistry.make({ ...options, ...given }), ({ registry }) => test(registry))).pipe(
    Effect.provide(layer(etcd))
  )

/** What a question comes to when nothing answers until its time is over. */
const late = Effect.fnUntraced(function*<A>(effect: Effect.Effect<A, Registry.RegistryFailed>) {
  const asked = yield* Effect.forkChild(failure(effect))
  yield* Effect.yieldNow
  yield* TestClock.adjust(interval)
  return yield* Fiber.join(asked)
})

describe("a registry in etcd", () => {
  for (const { behaves, name } of RegistryCases.all) {
    it.effect(name, () => {
      const etcd = new FakeEtcd()
      return within(etcd, (registry) => behaves(registry, (session) => Effect.sync(() => etcd.endLease(session))))
    })
  }

  it.effect("keeps the groups apart, also where the name of one begins with that of another", () => {
    const etcd = new FakeEtcd()
    return within(
      etcd,
      Effect.fnUntraced(function*(registry) {
        yield* registry.commit(put("a", "1"))
        const { registry: other } = yield* EtcdRegistry.make({ ...options, group: "orders/eu" })
        yield* other.commit(put("a", "2"))
        const { next } = yield* told(registry)
        const picture = yield* next
        assert.deepStrictEqual(picture._tag === "Picture" && picture.entries.map(({ value }) => value), ["1"])
      })
    )
  })

  it.effect("hangs up when nobody reads any more", () => {
    const etcd = new FakeEtcd()
    return within(
      etcd,
      Effect.fnUntraced(function*(registry) {
        yield* Stream.runDrain(Stream.take(registry.watch, 1))
        yield* Effect.scoped(Effect.gen(function*() {
          const { next } = yield* told(registry)
          yield* next
          yield* registry.commit(put("a", "1"))
          yield* next
          assert.strictEqual(etcd.watching, 1)
        }))
        assert.strictEqual(etcd.watching, 0)
      })
    )
  })
})

describe("a renewal", () => {
  it.effect("begins a session, and renews it while etcd's leader is one and the same", () => {
    const etcd = new FakeEtcd()
    return within(
      etcd,
      Effect.fnUntraced(function*(registry) {
        const begun = yield* registry.renew
        assert.deepStrictEqual(begun, { session: begun.session, ttl: 6_000 })
        assert.deepStrictEqual(yield* registry.renew, begun)
        assert.deepStrictEqual(etcd.paths(), ["/v3/lease/grant", "/v3/lease/keepalive", "/v3/kv/range"])
      })
    )
  })

  it.effect("counts for nothing where etcd's leader has changed before a majority was asked", () => {
    const etcd = new FakeEtcd()
    return within(
      etcd,
      Effect.fnUntraced(function*(registry) {
        yield* registry.renew
        const answer = etcd.answer.bind(etcd)
        etcd.answer = (asked) => {
          const answered = answer(asked)
          if (asked.path === "/v3/lease/keepalive") etcd.raftTerm++
          return answered
        }
        const { detail, kind } = yield* failure(registry.renew)
        assert.strictEqual(kind, "Unreachable")
        assert.include(detail, "changed its leader")
      })
    )
  })

  it.effect("says when the session is over, and the next one begins another", () => {
    const etcd = new FakeEtcd()
    return within(
      etcd,
      Effect.fnUntraced(function*(registry) {
        const { session } = yield* registry.renew
        yield* TestClock.adjust("6500 millis")
        assert.strictEqual((yield* failure(registry.renew)).kind, "SessionOver")
        assert.strictEqual((yield* failure(registry.commit(put("a", "1", true)))).kind, "SessionOver")
        assert.notStrictEqual((yield* registry.renew).session, session)
      })
    )
  })

  it.effect("begins another session at once where a change was refused since there is none", () => {
    const etcd = new FakeEtcd()
    return within(
      etcd,
      Effect.fnUntraced(function*(registry) {
        const { session } = yield* registry.renew
        etcd.endLease(session)
        assert.strictEqual((yield* failure(registry.commit(put("a", "1", true)))).kind, "SessionOver")
        assert.notStrictEqual((yield* registry.renew).session, session)
      })
    )
  })

  it.effect("is none where a majority does not say so, however often one node does", () => {
    const etcd = new FakeEtcd()
    return within(
      etcd,
      Effect.fnUntraced(function*(registry) {
        yield* registry.renew
        etcd.next.push({ path: "/v3/kv/range", fault: "hang" })
        assert.strictEqual((yield* late(registry.renew)).kind, "Unreachable")
      })
    )
  })

  const untold: ReadonlyArray<
    readonly [string, (registry: Registry.Registry, etcd: FakeEtcd) => Effect.Effect<void, Registry.RegistryFailed>]
  > = [
    ["a change", (registry: Registry.Registry) => Effect.asVoid(registry.commit(put("b", "1")))],
    ["a removal", (registry: Registry.Registry) => Effect.asVoid(registry.commit({ if: [], remove: ["a"] }))],
    ["the end of a session", (_: Registry.Registry, etcd: FakeEtcd) => Effect.sync(() => etcd.endLease("7"))]
  ]

  for (const [what, change] of untold) {
    it.effect(`cuts a watch that does not tell of ${what}, at the second renewal`, () => {
      const etcd = new FakeEtcd()
      return within(
        etcd,
        Effect.fnUntraced(function*(registry) {
          yield* registry.renew
          etcd.leases.set("7", { ttl: 60, until: 60_000 })
          etcd.change((add) => add("/bellwether/orders/of-another", "1", "7"))
          const { next } = yield* told(registry)
          yield* next
          yield* registry.commit(put("a", "1"))
          assert.propertyVal(yield* next, "_tag", "Put")
          // The node of the watch stands still, with its connections open.
          etcd.faults.set(endpoints[1], "hang")
          yield* change(registry, etcd)
          yield* registry.renew
          for (let turn = 0; turn < 10; turn++) yield* Effect.yieldNow
          assert.strictEqual(etcd.watching, 1, "what is on its way has time to come")
          yield* registry.renew
          assert.propertyVal(yield* next, "kind", "Unreachable")
          assert.strictEqual(etcd.watching, 0)
          const { next: again } = yield* told(registry)
          assert.propertyVal(yield* again, "_tag", "Picture")
        })
      )
    })
  }

  it.effect("leaves a watch alone that tells of everything", () => {
    const etcd = new FakeEtcd()
    return within(
      etcd,
      Effect.fnUntraced(function*(registry) {
        yield* registry.renew
        const { next } = yield* told(registry)
        yield* next
        yield* registry.commit(put("a", "1", true))
        yield* registry.commit({ if: [], remove: ["a"] })
        yield* next
        yield* next
        for (let round = 0; round < 3; round++) yield* registry.renew
        yield* registry.commit(put("b", "1"))
        assert.propertyVal(yield* next, "_tag", "Put")
      })
    )
  })
})

describe("a question to etcd", () => {
  it.effect("goes to the next endpoint where one was not reached, and stays there", () => {
    const etcd = new FakeEtcd()
    etcd.faults.set(endpoints[0], "refuse")
    return within(
      etcd,
      Effect.fnUntraced(function*(registry) {
        yield* registry.renew
        yield* registry.renew
        assert.deepStrictEqual(etcd.asked.map(({ endpoint }) => endpoint), [
          endpoints[0],
          endpoints[1],
          endpoints[1],
          endpoints[1]
        ])
      })
    )
  })

  it.effect("that nobody took was not carried out", () => {
    const etcd = new FakeEtcd()
    for (const endpoint of endpoints) etcd.faults.set(endpoint, "refuse")
    return within(
      etcd,
      Effect.fnUntraced(function*(registry) {
        const { detail, kind } = yield* failure(registry.commit(put("a", "1")))
        assert.strictEqual(kind, "Unreachable")
        assert.include(detail, "ECONNREFUSED")
        assert.strictEqual(etcd.asked.length, 3)
      })
    )
  })

  it.effect("that is not answered may have been carried out, and the next one goes elsewhere", () => {
    const etcd = new FakeEtcd()
    etcd.next.push({ path: "/v3/kv/txn", fault: "lose" })
    return within(
      etcd,
      Effect.fnUntraced(function*(registry) {
        const { next } = yield* told(registry)
        yield* next
        const lost = yield* late(registry.commit(put("a", "1")))
        assert.strictEqual(lost.kind, "Unknown")
        assert.propertyVal(yield* next, "_tag", "Put")
        yield* registry.commit(put("b", "1"))
        assert.strictEqual(etcd.asked.at(-1)!.endpoint, endpoints[1])
      })
    )
  })

  it.effect("is refused where another cluster answers", () => {
    const etcd = new FakeEtcd()
    etcd.clusterOf = (endpoint) => endpoint === endpoints[1] ? "2" : "1"
    return within(
      etcd,
      Effect.fnUntraced(function*(registry) {
        yield* registry.renew
        etcd.faults.set(endpoints[0], "refuse")
        const { detail, kind } = yield* failure(registry.renew)
        assert.strictEqual(kind, "Refused")
        assert.include(detail, "another cluster")
      })
    )
  })

  it.effect("is refused where no gateway answers at any endpoint", () => {
    const etcd = new FakeEtcd()
    for (const endpoint of endpoints) etcd.faults.set(endpoint, "off")
    return within(
      etcd,
      Effect.fnUntraced(function*(registry) {
        const { detail, kind } = yield* failure(registry.renew)
        assert.strictEqual(kind, "Refused")
        assert.include(detail, "no JSON gateway")
        etcd.faults.delete(endpoints[2])
        yield* registry.renew
      })
    )
  })
})

describe("a watch", () => {
  it.effect("that asks for what etcd has forgotten fails, and is hung up", () => {
    const etcd = new FakeEtcd()
    return within(
      etcd,
      Effect.fnUntraced(function*(registry) {
        yield* registry.commit(put("a", "1"))
        etcd.compact(etcd.revision + 10)
        const { next } = yield* told(registry)
        yield* next
        const end = yield* next
        assert.propertyVal(end, "kind", "Unreachable")
        assert.include((end as Registry.RegistryFailed).detail, "compacted")
        assert.strictEqual(etcd.watching, 0)
      })
    )
  })

  it.effect("fails where it is cut, and the next one is at another endpoint, with a picture of its own", () => {
    const etcd = new FakeEtcd()
    return within(
      etcd,
      Effect.fnUntraced(function*(registry) {
        const { next: first } = yield* told(registry)
        yield* first
        yield* registry.commit(put("a", "1"))
        yield* first
        for (const watcher of etcd.watchers) watcher.end()
        assert.propertyVal(yield* first, "kind", "Unreachable")
        const { next: second } = yield* told(registry)
        const picture = yield* second
        assert.deepStrictEqual(picture._tag === "Picture" && picture.entries.length, 1)
        yield* registry.commit(put("b", "1"))
        yield* second
        const watched = etcd.asked.filter(({ path }) => path === "/v3/watch").map(({ endpoint }) => endpoint)
        assert.deepStrictEqual(watched, [endpoints[1], endpoints[2]])
      })
    )
  })
})

describe("a name and a password", () => {
  const credentials = { username: "bellwether", password: Redacted.make("secret") }
  const secured = () => Object.assign(new FakeEtcd(), { password: "secret" })

  it.effect("become a token, which is got anew when etcd knows it no more", () => {
    const etcd = secured()
    return within(
      etcd,
      Effect.fnUntraced(function*(registry) {
        yield* registry.renew
        yield* registry.renew
        const exchanges = () => etcd.paths().filter((path) => path === "/v3/auth/authenticate").length
        assert.strictEqual(exchanges(), 1)
        etcd.tokens.clear()
        assert.strictEqual(yield* registry.commit(put("a", "1")), "done")
        assert.strictEqual(exchanges(), 2)
      }),
      { credentials }
    )
  })

  it.effect("are got a new token for once, however many ask at the same time", () => {
    const etcd = secured()
    return within(
      etcd,
      Effect.fnUntraced(function*(registry) {
        yield* Effect.forEach(["a", "b", "c"], (key) => registry.commit(put(key, "1")), { concurrency: "unbounded" })
        assert.strictEqual(etcd.paths().filter((path) => path === "/v3/auth/authenticate").length, 1)
      }),
      { credentials }
    )
  })

  it.effect("that are wrong are refused, and so is who has none", () => {
    const etcd = secured()
    return Effect.gen(function*() {
      for (const given of [null, { ...credentials, password: Redacted.make("wrong") }]) {
        const refused = yield* within(etcd, (registry) => failure(registry.renew), { credentials: given })
        assert.strictEqual(refused.kind, "Refused")
        assert.notInclude(refused.detail, "wrong")
      }
    })
  })

  it.effect("are not needed where etcd asks for none", () => {
    const etcd = new FakeEtcd()
    return within(etcd, (registry) => registry.renew, { credentials })
  })

  it.effect("are shown again after a connection that ended with no word", () => {
    const etcd = secured()
    return within(
      etcd,
      Effect.fnUntraced(function*(registry) {
        yield* registry.renew
        etcd.next.push({ path: "/v3/kv/txn", fault: "hangUp" })
        assert.strictEqual((yield* failure(registry.commit(put("a", "1")))).kind, "Unknown")
        const exchanges = etcd.paths().filter((path) => path === "/v3/auth/authenticate").length
        yield* registry.commit(put("a", "1"))
        assert.strictEqual(etcd.paths().filter((path) => path === "/v3/auth/authenticate").length, exchanges + 1)
      }),
      { credentials }
    )
  })
})
