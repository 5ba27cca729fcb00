/** What is asked of etcd's gateway, of which endpoint, and by whom. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { failure, put, told } from "../backend/RegistryCases.ts"
import { FakeEtcd } from "./FakeEtcd.ts"
import { endpoints, late, within } from "./OverFake.ts"

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

  it.effect("goes no further than to the next endpoint, however many fail at one", () => {
    const etcd = new FakeEtcd()
    etcd.faults.set(endpoints[0], "refuse")
    return within(
      etcd,
      Effect.fnUntraced(function*(registry) {
        etcd.delays.set("/v3/kv/txn", 10)
        const changing = yield* Effect.forkChild(
          Effect.forEach(["a", "b"], (key) => registry.commit(put(key, "1")), { concurrency: "unbounded" })
        )
        yield* Effect.yieldNow
        yield* TestClock.adjust(100)
        assert.deepStrictEqual(yield* Fiber.join(changing), ["done", "done"])
        const asked = etcd.asked.map(({ endpoint }) => endpoint).toSorted()
        assert.deepStrictEqual(asked, [endpoints[0], endpoints[0], endpoints[1], endpoints[1]])
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

  for (const fault of ["hangUp", "timedOut"] as const) {
    it.effect(`of which nobody knows what came of it is not asked again, and the next one goes elsewhere (${fault})`, () => {
      const etcd = new FakeEtcd()
      etcd.next.push({ path: "/v3/kv/txn", fault })
      return within(
        etcd,
        Effect.fnUntraced(function*(registry) {
          assert.strictEqual((yield* failure(registry.commit(put("a", "1")))).kind, "Unknown")
          assert.deepStrictEqual(etcd.paths(), ["/v3/kv/txn"])
          yield* registry.commit(put("b", "1"))
          assert.strictEqual(etcd.asked.at(-1)!.endpoint, endpoints[1])
        })
      )
    })
  }

  it.effect("that etcd does not take, having too much to do, goes to the next endpoint", () => {
    const etcd = new FakeEtcd()
    etcd.next.push({ path: "/v3/kv/txn", fault: "busy" })
    return within(
      etcd,
      Effect.fnUntraced(function*(registry) {
        assert.strictEqual(yield* registry.commit(put("a", "1")), "done")
        assert.deepStrictEqual(etcd.asked.map(({ endpoint }) => endpoint), [endpoints[0], endpoints[1]])
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
