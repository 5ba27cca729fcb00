/** A group's registry in three real nodes of etcd, and what becomes of it when these fail. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import type * as Scope from "effect/Scope"
import * as EtcdRegistry from "../../src/etcd/EtcdRegistry.ts"
import type * as Registry from "../../src/registry/Registry.ts"
import * as RegistryCases from "../backend/RegistryCases.ts"
import { failure, put, told } from "../backend/RegistryCases.ts"
import * as EtcdNodes from "./EtcdNodes.ts"

type Needs = Scope.Scope | HttpClient.HttpClient

const withNodes = <A, E>(test: (nodes: ReadonlyArray<EtcdNodes.Node>) => Effect.Effect<A, E, Needs>) =>
  Effect.scoped(Effect.flatMap(EtcdNodes.make(), test)).pipe(
    Effect.provide(NodeHttpClient.layerNodeHttpOptions({ keepAlive: true }))
  )

/** A registry that asks the first of these nodes first, and watches the second. */
const registryAt = (nodes: ReadonlyArray<EtcdNodes.Node>, group = "orders") =>
  Effect.map(
    EtcdRegistry.make({
      endpoints: nodes.map(({ url }) => url) as [string, ...ReadonlyArray<string>],
      credentials: null,
      ttl: 6,
      prefix: "/bellwether/",
      group
    }),
    ({ registry }) => registry
  )

/** Renews as a server does, each second, until once it is done. */
const renewed = Effect.fnUntraced(function*(registry: Registry.Registry) {
  while (true) {
    const exit = yield* Effect.exit(registry.renew)
    if (exit._tag === "Success") return exit.value
    yield* Effect.sleep("200 millis")
  }
})

describe.skipIf(EtcdNodes.skip)(`a registry in three nodes of etcd${EtcdNodes.because}`, { concurrent: true }, () => {
  it.live("does what it does in memory", () =>
    withNodes(Effect.fnUntraced(function*(nodes) {
      for (const { behaves, name } of RegistryCases.all) {
        const registry = yield* registryAt(nodes, name.slice(0, 30))
        yield* behaves(registry, (session) =>
          Effect.promise(() => EtcdNodes.post(nodes[0]!.url, "/v3/lease/revoke", { ID: session })))
      }
    })))

  it.live("keeps its session when etcd's leader is killed, and has one watch after the other", () =>
    withNodes(Effect.fnUntraced(function*(nodes) {
      const { leader, others } = yield* EtcdNodes.leaderOf(nodes)
      const registry = yield* registryAt([leader, ...others])
      const { session } = yield* registry.renew
      yield* registry.commit(put("members/a", "1", true))
      yield* leader.kill
      assert.strictEqual((yield* renewed(registry)).session, session)
      const { next } = yield* told(registry)
      const picture = yield* next
      assert.deepStrictEqual(picture._tag === "Picture" && picture.entries.map((entry) => entry.session), [session])
      assert.strictEqual(yield* registry.commit(put("a", "1")), "done")
      yield* next
    })))

  it.live("keeps its session when etcd's leader stands still, and cuts the watch there", () =>
    withNodes(Effect.fnUntraced(function*(nodes) {
      const { leader, others } = yield* EtcdNodes.leaderOf(nodes)
      // It watches the leader, and asks another one.
      const registry = yield* registryAt([others[0]!, leader, others[1]!])
      const { session } = yield* registry.renew
      yield* registry.commit(put("members/a", "1", true))
      const { next } = yield* told(registry)
      yield* next
      yield* leader.freeze
      assert.strictEqual((yield* renewed(registry)).session, session)
      yield* registry.commit(put("a", "1"))
      yield* renewed(registry)
      yield* renewed(registry)
      assert.propertyVal(yield* next, "kind", "Unreachable")
      yield* leader.thaw
      const { next: again } = yield* told(registry)
      const picture = yield* again
      assert.deepStrictEqual(picture._tag === "Picture" && picture.entries.map(({ key }) => key), ["a", "members/a"])
    })))

  it.live("has no renewal counted when two of three are gone, whichever is left, and goes on when they are back", () =>
    withNodes(Effect.fnUntraced(function*(nodes) {
      const { leader, others } = yield* EtcdNodes.leaderOf(nodes)
      const registry = yield* registryAt([leader, ...others])
      yield* registry.renew
      for (const { kill } of others) yield* kill
      for (let round = 0; round < 2; round++) {
        assert.notStrictEqual((yield* failure(registry.renew)).kind, "SessionOver")
      }
      for (const { start } of others) yield* start
      yield* Effect.retry(registry.renew, { times: 100 })
      assert.strictEqual(yield* registry.commit(put("a", "1")), "done")
    })))
})
