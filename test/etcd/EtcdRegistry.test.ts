/** A group's registry in etcd, over a gateway in memory whose faults a test decides. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as EtcdRegistry from "../../src/etcd/EtcdRegistry.ts"
import * as RegistryCases from "../backend/RegistryCases.ts"
import { failure, put, told } from "../backend/RegistryCases.ts"
import { FakeEtcd } from "./FakeEtcd.ts"
import { late, options, within } from "./OverFake.ts"

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
})
