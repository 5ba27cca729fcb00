/** What etcd tells of changes, and what it does not tell. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import type * as Registry from "../../src/registry/Registry.ts"
import { put, told } from "../backend/RegistryCases.ts"
import { FakeEtcd } from "./FakeEtcd.ts"
import { endpoints, interval, within } from "./OverFake.ts"

/** What is under way in memory arrives. */
const turns = Effect.repeat(Effect.yieldNow, { times: 10 })

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
        yield* turns
        yield* registry.commit(put("b", "1"))
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
          yield* turns
          assert.strictEqual(etcd.watching, 1, "what is on its way has time to come")
          yield* registry.renew
          const end = yield* Effect.forkChild(next)
          yield* turns
          assert.isDefined(end.pollUnsafe())
          assert.propertyVal(yield* Fiber.join(end), "kind", "Unreachable")
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

  it.effect("tells what somebody has removed by hand as removed", () => {
    const etcd = new FakeEtcd()
    return within(
      etcd,
      Effect.fnUntraced(function*(registry) {
        yield* registry.commit(put("a", "1"))
        const { next } = yield* told(registry)
        yield* next
        etcd.change((_, remove) => remove("/bellwether/orders/a"))
        assert.deepStrictEqual(yield* next, { _tag: "Gone", key: "a", why: "deleted" })
      })
    )
  })

  it.effect("is refused where there is more than a group has", () => {
    const etcd = new FakeEtcd()
    etcd.change((put) => {
      for (let key = 0; key <= 10_000; key++) put(`/bellwether/orders/${key}`, "1", "0")
    })
    return within(
      etcd,
      Effect.fnUntraced(function*(registry) {
        const { next } = yield* told(registry)
        const first = yield* next
        assert.propertyVal(first, "kind", "Refused")
        assert.include((first as Registry.RegistryFailed).detail, "more than 10000 keys below /bellwether/orders/")
      })
    )
  })

  it.effect("is refused where another cluster tells of changes", () => {
    const etcd = new FakeEtcd()
    etcd.clusterOf = (endpoint) => endpoint === endpoints[1] ? "2" : "1"
    return within(
      etcd,
      Effect.fnUntraced(function*(registry) {
        const { next } = yield* told(registry)
        yield* next
        yield* registry.commit(put("a", "1"))
        const second = yield* next
        assert.propertyVal(second, "kind", "Refused")
        assert.include((second as Registry.RegistryFailed).detail, "another cluster")
      })
    )
  })

  it.effect("that does not begin in the time of a question fails, and the next one is elsewhere", () => {
    const etcd = new FakeEtcd()
    etcd.faults.set(endpoints[1], "hang")
    return within(
      etcd,
      Effect.fnUntraced(function*(registry) {
        const { next } = yield* told(registry)
        yield* next
        const end = yield* Effect.forkChild(next)
        yield* Effect.yieldNow
        yield* TestClock.adjust(interval)
        assert.isDefined(end.pollUnsafe())
        assert.propertyVal(yield* Fiber.join(end), "kind", "Unreachable")
        const { next: again } = yield* told(registry)
        yield* again
        yield* registry.commit(put("a", "1"))
        assert.propertyVal(yield* again, "_tag", "Put")
      })
    )
  })
})
