/** Apps in processes of their own whose group is in three nodes of etcd, and what they write when things fail. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Path from "node:path"
import { ends, fencedStore, linesOf } from "../backend/FencedStore.ts"
import * as Process from "../cli/process.ts"
import * as Cut from "./Cut.ts"
import * as EtcdNodes from "./EtcdNodes.ts"

/** The first token above this one with which an app has written. */
const writes = (app: Process.Running, above = "") =>
  app.until(() =>
    linesOf(app).find(({ stored, token }) => stored === true && token !== undefined && token > above)?.token
  )

describe.skipIf(EtcdNodes.skip)(`apps with their group in etcd${EtcdNodes.because}`, { concurrent: true }, () => {
  const started = Effect.gen(function*() {
    const nodes = yield* EtcdNodes.make()
    const { leader } = yield* EtcdNodes.leaderOf(nodes)
    const store = yield* fencedStore
    const program = yield* Process.bundled(Path.resolve(import.meta.dirname, "app.process.ts"))
    const cuts = yield* Effect.forEach(nodes, ({ url }) => Cut.make(url))
    // Only what the first one asks can be cut off.
    const start = (priority: number) =>
      Process.startProgram(program, {
        STORE: store.url,
        BELLWETHER_GROUP: "orders",
        BELLWETHER_PRIORITY: String(priority),
        BELLWETHER_LEASE_DURATION: "6s",
        BELLWETHER_ETCD_ENDPOINTS: (priority === 1 ? cuts : nodes).map(({ url }) => url).join()
      })
    const high = yield* start(1)
    const first = yield* writes(high)
    const low = yield* start(0)
    return { nodes, cuts, leader, store, high, low, first }
  })

  it.live("a leader that is killed is replaced, by a higher token", () =>
    Effect.scoped(Effect.gen(function*() {
      const { first, high, low, store } = yield* started
      yield* high.kill("SIGKILL")
      const second = yield* writes(low)
      assert.isAbove(Number(second > first), 0)
      assert.strictEqual(store.seen.refused.size, 0)
    })))

  it.live("a leader that is paused writes nothing with its old token when it wakes", () =>
    Effect.scoped(Effect.gen(function*() {
      const { first, high, low } = yield* started
      yield* high.kill("SIGSTOP")
      const second = yield* writes(low)
      const before = linesOf(high).length
      yield* high.kill("SIGCONT")
      yield* ends(high, first)
      // It leads again, being the highest ranked, by another token.
      const third = yield* writes(high, second)
      assert.isAbove(Number(third > second), 0)
      // One write may have been under way when it stopped: that is told when it wakes. What is sent later is refused.
      const late = linesOf(high).slice(before).filter(({ token }) => token === first).slice(1)
      assert.deepStrictEqual(late.filter(({ put, stored }) => put === true || stored === true), [])
    })))

  it.live("a leader that is cut off from etcd ends its work before another one leads, and leads again when it is back", () =>
    Effect.scoped(Effect.gen(function*() {
      const { cuts, first, high, low, store } = yield* started
      for (const { cut } of cuts) yield* cut
      // The store is still reached by both: who writes there last is seen by it.
      yield* ends(high, first)
      assert.deepStrictEqual(linesOf(low), [])
      const second = yield* writes(low)
      for (const { heal } of cuts) yield* heal
      const third = yield* writes(high, second)
      assert.isAbove(Number(third > second && second > first), 0)
      assert.strictEqual(store.seen.refused.size, 0)
    })))

  it.live("a change of etcd's leader changes no leader of theirs", () =>
    Effect.scoped(Effect.gen(function*() {
      const { first, high, leader, low, store } = yield* started
      yield* leader.kill
      const before = store.seen.accepted.get(first) ?? 0
      yield* high.until(() => (store.seen.accepted.get(first) ?? 0) > before + 400 ? true : undefined)
      assert.deepStrictEqual([...store.seen.accepted.keys()], [first])
      assert.deepStrictEqual(linesOf(low), [])
    })))

  it.live("none leads while two of three nodes are gone, and one does when they are back", () =>
    Effect.scoped(Effect.gen(function*() {
      const { first, high, low, nodes, store } = yield* started
      const { others } = yield* EtcdNodes.leaderOf(nodes)
      for (const { kill } of others) yield* kill
      yield* ends(high, first)
      const before = store.seen.accepted.get(first)
      for (const { start } of others) yield* start
      const next = yield* Effect.raceFirst(writes(high, first), writes(low, first))
      assert.isAbove(Number(next > first), 0)
      assert.strictEqual(store.seen.accepted.get(first), before)
      assert.strictEqual(store.seen.refused.size, 0)
    })))
})
