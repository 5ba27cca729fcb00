/** A group's registry in Postgres: what a registry has to be, and what its tables promise beyond that. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as RegistryCases from "../backend/RegistryCases.ts"
import { failure, put, told } from "../backend/RegistryCases.ts"
import * as Postgres from "./Postgres.ts"
import * as SqlPlace from "./SqlPlace.ts"

describe.skipIf(Postgres.skip)(`a registry in Postgres${Postgres.because}`, { concurrent: true }, () => {
  const postgres = SqlPlace.shared()

  const within = <A, E>(test: (place: SqlPlace.Place) => Effect.Effect<A, E, Scope.Scope>) =>
    Effect.scoped(Effect.flatMap(Effect.flatMap(postgres, SqlPlace.on), test))

  /** Runs out, by the database's clock. */
  const endSession = ({ sql }: Pick<SqlPlace.Place, "sql">) => (session: string) =>
    Effect.orDie(sql`UPDATE bellwether_groups.sessions SET expires_at = clock_timestamp() WHERE id = ${session}`)

  for (const isolation of ["read committed", "serializable"]) {
    it.live(`does what every registry does, where the database's transactions are ${isolation}`, () =>
      within(Effect.fnUntraced(function*({ group, postgres, registry }) {
        const startupParameters = { default_transaction_isolation: isolation }
        const sql = yield* SqlPlace.pool(postgres.clientWith({ startupParameters }))
        for (const { behaves, name } of RegistryCases.all) {
          yield* behaves(registry({ sql, group: `${group} ${name}` }), endSession({ sql }))
        }
      })))
  }

  it.live("keeps groups apart, whatever their names are", () =>
    within(Effect.fnUntraced(function*({ group, registry }) {
      const names = [group, `${group}/a`, `${group}'; --`, `${group} Ä"$1`]
      for (const name of names) yield* registry({ group: name }).commit(put("a", name))
      for (const name of names) {
        const picture = yield* (yield* told(registry({ group: name }))).next
        assert.deepStrictEqual(picture._tag === "Picture" && picture.entries.map(({ value }) => value), [name])
      }
    })))

  it.live("makes one of many changes that want the same", () =>
    within(Effect.fnUntraced(function*({ registry }) {
      const outcomes = yield* Effect.forEach(
        Array.from({ length: 20 }, () => registry()),
        ({ commit }, index) =>
          commit({ if: [{ key: "a", version: null }], put: [{ key: "a", value: `${index}`, bound: false }] }),
        { concurrency: "unbounded" }
      )
      assert.lengthOf(outcomes.filter((outcome) => outcome === "done"), 1)
    })))

  it.live("tells of one transaction what was put, as it was listed, then what was removed", () =>
    within(Effect.fnUntraced(function*({ registry }) {
      const [one, other] = [registry(), registry()]
      yield* one.renew
      yield* one.commit({ if: [], put: ["y", "x"].map((key) => ({ key, value: "1", bound: true })) })
      const { next } = yield* told(other)
      yield* next
      yield* one.commit({
        if: [],
        put: ["c", "a", "b"].map((key) => ({ key, value: "2", bound: false })),
        remove: ["y", "none", "x"]
      })
      const keys: Array<string> = []
      for (let index = 0; index < 5; index++) {
        const change = yield* next
        if (change._tag === "Put") keys.push(change.entry.key)
        if (change._tag === "Gone") keys.push(`-${change.key}`)
      }
      assert.deepStrictEqual(keys, ["c", "a", "b", "-y", "-x"])
    })))

  it.live("keeps 1000 changes, and a watch that is further behind begins anew", () =>
    within(Effect.fnUntraced(function*({ group, registry, sql }) {
      const slow = yield* told(registry())
      yield* slow.next
      yield* sql.unsafe(`DO $$ BEGIN FOR i IN 1..1100 LOOP
        PERFORM bellwether_groups.commit('${group}', NULL, '[]', '[{"key":"a","value":"1","bound":false}]', '[]'); END LOOP; END $$`)
      const [{ kept } = { kept: 0 }] = yield* sql<{ readonly kept: number }>`
        SELECT count(*)::int AS kept FROM bellwether_groups.changes WHERE group_name = ${group}`
      assert.strictEqual(kept, 1_000)
      assert.deepInclude(yield* slow.next, {
        kind: "Unreachable",
        detail: "the log of changes does not go back so far"
      })
      const again = yield* (yield* told(registry())).next
      assert.strictEqual(again._tag === "Picture" && again.entries.length, 1)
    })))

  it.live("begins its watch anew where the database has lost changes that it had told of", () =>
    within(Effect.fnUntraced(function*({ group, registry, sql }) {
      const one = registry()
      yield* one.commit(put("a", "1"))
      const { next } = yield* told(one)
      yield* next
      yield* one.commit(put("a", "2"))
      yield* next
      // As after a fail-over to a replica that was behind.
      yield* sql.unsafe(`DO $$ BEGIN
        DELETE FROM bellwether_groups.changes WHERE group_name = '${group}'
          AND revision = (SELECT revision FROM bellwether_groups.groups WHERE name = '${group}');
        UPDATE bellwether_groups.groups SET number = number - 1,
          revision = (SELECT max(revision) FROM bellwether_groups.changes WHERE group_name = '${group}') WHERE name = '${group}';
      END $$`)
      assert.propertyVal(yield* registry().commit(put("b", "1")).pipe(Effect.andThen(next)), "kind", "Unreachable")
    })))

  it.live("lets a session last by the database's clock, from one renewal to the next", () =>
    within(Effect.fnUntraced(function*(place) {
      const registry = place.registry()
      const { session, ttl } = yield* registry.renew
      assert.strictEqual(ttl, 60_000)
      const left = Effect.map(
        place.sql<{ readonly ms: number }>`SELECT (extract(epoch FROM expires_at - clock_timestamp()) * 1000)::int AS ms
          FROM bellwether_groups.sessions WHERE id = ${session}`,
        ([row]) => row?.ms ?? 0
      )
      yield* place
        .sql`UPDATE bellwether_groups.sessions SET expires_at = expires_at - interval '40 seconds' WHERE id = ${session}`
      assert.isBelow(yield* left, 30_000)
      assert.strictEqual((yield* registry.renew).session, session)
      const renewed = yield* left
      assert.isTrue(renewed > 30_000 && renewed <= 60_000, String(renewed))
      yield* endSession(place)(session)
      assert.strictEqual((yield* failure(registry.renew)).kind, "SessionOver")
      assert.strictEqual((yield* failure(registry.commit(put("a", "1", true)))).kind, "SessionOver")
      assert.notStrictEqual((yield* registry.renew).session, session)
    })))

  it.live("takes from a session that is over the keys that another has put since", () =>
    within(Effect.fnUntraced(function*(place) {
      const [one, other] = [place.registry(), place.registry()]
      const { session } = yield* one.renew
      const own = yield* other.renew
      for (const key of ["a", "b"]) yield* one.commit(put(key, "1", true))
      yield* other.commit(put("a", "2", true))
      yield* endSession(place)(session)
      // Nobody watches: a change ends what is over before it looks.
      const isGone = { if: [{ key: "b", version: null }] }
      assert.strictEqual(yield* other.commit(isGone), "done")
      const picture = yield* (yield* told(other)).next
      const entries = picture._tag === "Picture" ? picture.entries : []
      assert.deepStrictEqual(entries.map(({ key, session }) => [key, session]), [["a", own.session]])
    })))
})
