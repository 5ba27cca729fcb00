/** What a registry does, in memory, etcd or SQL: cases that all of them pass. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Registry from "../../src/registry/Registry.ts"

export type Told = Registry.Change | Registry.RegistryFailed

/** What a watch tells, its end included. */
export const told = Effect.fnUntraced(function*(
  registry: Registry.Registry
): Effect.fn.Return<{ readonly next: Effect.Effect<Told> }, never, Scope.Scope> {
  const queue = yield* Queue.unbounded<Told>()
  yield* Stream.runForEach(registry.watch, (change) => Queue.offer(queue, change)).pipe(
    Effect.catch((failed) => Queue.offer(queue, failed)),
    Effect.forkScoped
  )
  return { next: Queue.take(queue) }
})

/** The entries that one change is about. */
const entriesOf = (told: Told): ReadonlyArray<Registry.Entry> =>
  told._tag === "Picture" ? told.entries : told._tag === "Put" ? [told.entry] : []

export const failure = <A>(
  effect: Effect.Effect<A, Registry.RegistryFailed>
): Effect.Effect<Registry.RegistryFailed, A> => Effect.flip(effect)

export const put = (key: string, value: string, bound = false): Registry.Transaction => ({
  if: [],
  put: [{ key, value, bound }]
})

/** One behaviour. `endSession` has the registry's own one end as if it had run out. */
export interface Case {
  readonly name: string
  readonly behaves: (
    registry: Registry.Registry,
    endSession: (session: string) => Effect.Effect<void>
  ) => Effect.Effect<void, Registry.RegistryFailed | "done" | "refused", Scope.Scope>
}

export const all: ReadonlyArray<Case> = [
  {
    name: "tells what is there, then each change with the session that a key is bound to",
    behaves: Effect.fnUntraced(function*(registry) {
      const { session } = yield* registry.renew
      yield* registry.commit(put("members/a", "{\"name\":\"Ä\"}", true))
      const { next } = yield* told(registry)
      const [first] = entriesOf(yield* next)
      assert.deepStrictEqual(first, { ...first!, key: "members/a", value: "{\"name\":\"Ä\"}", session })
      // Both before the first is read: a change that is passed over shows.
      yield* registry.commit(put("elections/@/term", "5"))
      yield* registry.commit(put("elections/@/term", "6"))
      const [second] = entriesOf(yield* next)
      assert.deepStrictEqual(second, { ...second!, key: "elections/@/term", value: "5", session: null })
      const [third] = entriesOf(yield* next)
      assert.deepStrictEqual(third, { ...second!, value: "6", version: third!.version })
      assert.notStrictEqual(third!.version, second!.version)
    })
  },
  {
    name: "puts what is bound and what stays, and removes, where the versions are as they were seen",
    behaves: Effect.fnUntraced(function*(registry) {
      yield* registry.renew
      const absent = { if: [{ key: "a", version: null }], put: [{ key: "a", value: "1", bound: true }] }
      assert.strictEqual(yield* registry.commit(absent), "done")
      assert.strictEqual(yield* registry.commit(absent), "refused")
      const removal = (version: string) => ({ if: [{ key: "a", version }], remove: ["a"] })
      assert.strictEqual(yield* registry.commit(removal("1")), "refused")
      const [seen] = entriesOf(yield* (yield* told(registry)).next)
      assert.strictEqual(yield* registry.commit(removal(seen!.version)), "done")
      assert.strictEqual(yield* registry.commit({ if: [{ key: "a", version: null }] }), "done")
    })
  },
  {
    name: "refuses what was decided before the newest change of a key",
    behaves: Effect.fnUntraced(function*(registry) {
      const { next } = yield* told(registry)
      yield* next
      yield* registry.commit(put("a", "1"))
      const [first] = entriesOf(yield* next)
      yield* registry.commit(put("a", "2"))
      const [second] = entriesOf(yield* next)
      const change = (version: string) => ({ ...put("a", "3"), if: [{ key: "a", version }] })
      assert.strictEqual(yield* registry.commit(change(first!.version)), "refused")
      assert.strictEqual(yield* registry.commit(change(second!.version)), "done")
    })
  },
  {
    name: "tells what was removed from what was bound to a session that ended",
    behaves: Effect.fnUntraced(function*(registry, endSession) {
      const { session } = yield* registry.renew
      for (const key of ["a", "b", "c"]) yield* registry.commit(put(key, "1", key !== "c"))
      const { next } = yield* told(registry)
      yield* next
      yield* registry.commit({ if: [], remove: ["a"] })
      assert.deepStrictEqual(yield* next, { _tag: "Gone", key: "a", why: "deleted" })
      yield* endSession(session)
      assert.deepStrictEqual(yield* next, { _tag: "Gone", key: "b", why: "expired" })
      yield* registry.commit({ if: [], remove: ["c"] })
      assert.deepStrictEqual(yield* next, { _tag: "Gone", key: "c", why: "deleted" })
    })
  },
  {
    name: "ends its own session as something that its server does",
    behaves: Effect.fnUntraced(function*(registry) {
      yield* registry.renew
      yield* registry.commit(put("members/a", "1", true))
      const { next } = yield* told(registry)
      yield* next
      yield* registry.close
      assert.deepStrictEqual(yield* next, { _tag: "Gone", key: "members/a", why: "deleted" })
      assert.strictEqual((yield* failure(registry.commit(put("a", "1", true)))).kind, "SessionOver")
    })
  }
]
