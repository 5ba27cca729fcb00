/** A group's registry in etcd, over a gateway in memory whose faults a test decides. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as EtcdRegistry from "../../src/etcd/EtcdRegistry.ts"
import * as RegistryCases from "../backend/RegistryCases.ts"
import { failure, put, told } from "../backend/RegistryCases.ts"
import { FakeEtcd } from "./FakeEtcd.ts"
import { before, interval, late, options, within } from "./OverFake.ts"

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
        for (const group of ["orders/eu", "orders0", "orders.eu", "order"]) {
          const { registry: other } = yield* EtcdRegistry.make({ ...options, group })
          yield* other.commit(put("a", "2"))
        }
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

  it.effect("lasts as long as etcd has granted, and no longer than was asked for", () =>
    Effect.gen(function*() {
      for (const [granted, ttl] of [[4, 4_000], [9, 6_000]] as const) {
        const etcd = new FakeEtcd()
        etcd.granting = () => granted
        yield* within(
          etcd,
          Effect.fnUntraced(function*(registry) {
            assert.strictEqual((yield* registry.renew).ttl, ttl)
            assert.strictEqual((yield* registry.renew).ttl, ttl)
          })
        )
      }
    }))

  it.effect("has the time of one question for all that it asks", () => {
    const etcd = new FakeEtcd()
    return within(
      etcd,
      Effect.fnUntraced(function*(registry) {
        yield* registry.renew
        etcd.delays.set("/v3/lease/keepalive", 800)
        etcd.next.push({ path: "/v3/kv/range", fault: "hang" })
        const renewing = yield* Effect.forkChild(failure(registry.renew))
        yield* Effect.yieldNow
        yield* TestClock.adjust(800)
        assert.isUndefined(renewing.pollUnsafe())
        yield* TestClock.adjust(interval - 800)
        assert.isDefined(renewing.pollUnsafe())
        assert.strictEqual((yield* Fiber.join(renewing)).kind, "Unreachable")
      })
    )
  })

  it.effect("of the next session stands where a change learns late that the one before is over", () => {
    const etcd = new FakeEtcd()
    return within(
      etcd,
      Effect.fnUntraced(function*(registry) {
        const { session } = yield* registry.renew
        etcd.endLease(session)
        etcd.delays.set("/v3/kv/txn", 500)
        const changing = yield* Effect.forkChild(failure(registry.commit(put("a", "1", true))))
        yield* Effect.yieldNow
        assert.strictEqual((yield* failure(registry.renew)).kind, "SessionOver")
        const next = yield* registry.renew
        yield* TestClock.adjust(500)
        assert.strictEqual((yield* Fiber.join(changing)).kind, "SessionOver")
        assert.strictEqual((yield* registry.renew).session, next.session)
      })
    )
  })
})

describe("a session that its server ends", () => {
  it.effect("leaves what another one has taken over meanwhile", () => {
    const etcd = new FakeEtcd()
    return within(
      etcd,
      Effect.fnUntraced(function*(registry) {
        yield* registry.renew
        yield* registry.commit(put("a", "1", true))
        etcd.leases.set("7", { ttl: 60, until: 60_000 })
        before(etcd, "/v3/kv/txn", () => etcd.change((put) => put("/bellwether/orders/a", "2", "7")))
        yield* registry.close
        assert.strictEqual(etcd.stored.get("/bellwether/orders/a")?.value, "2")
      })
    )
  })

  it.effect("may be over already", () => {
    const etcd = new FakeEtcd()
    return within(
      etcd,
      Effect.fnUntraced(function*(registry) {
        const { session } = yield* registry.renew
        etcd.endLease(session)
        yield* registry.close
        assert.strictEqual((yield* failure(registry.commit(put("a", "1", true)))).kind, "SessionOver")
      })
    )
  })
})
