/** What the tables of a registry in Postgres promise beyond what every registry does. */
import { assert } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as Statements from "../../src/sql/Statements.ts"
import { failure, put, told } from "../backend/RegistryCases.ts"
import type * as SqlPlace from "./SqlPlace.ts"

export interface Case {
  readonly name: string
  readonly behaves: (place: SqlPlace.Place) => Effect.Effect<unknown, unknown, Scope.Scope>
}

/** Runs out, by the database's clock. */
export const endSession = ({ schema, sql }: Pick<SqlPlace.Place, "schema" | "sql">) => (session: string) =>
  Effect.orDie(sql`UPDATE ${sql(schema)}.sessions SET expires_at = clock_timestamp() WHERE id = ${session}`)

export const all: ReadonlyArray<Case> = [
  {
    name: "keeps groups apart, with any names",
    behaves: Effect.fnUntraced(function*({ group, registry }) {
      const names = [group, `${group}/a`, `${group}'; --`, `${group} Ä"$1`]
      for (const name of names) yield* registry({ group: name }).commit(put("a", name))
      for (const name of names) {
        const picture = yield* (yield* told(registry({ group: name }))).next
        assert.deepStrictEqual(picture._tag === "Picture" && picture.entries.map(({ value }) => value), [name])
      }
    })
  },
  {
    name: "makes one of many changes that want the same, also where all of them wait for another one",
    behaves: Effect.fnUntraced(function*({ group, registry, schema, sql }) {
      yield* registry().commit(put("b", "1"))
      const all = yield* sql.withTransaction(Effect.gen(function*() {
        yield* sql`SELECT 1 FROM ${sql(schema)}.groups WHERE name = ${group} FOR UPDATE`
        const all = yield* Effect.forEach(Array.from({ length: 6 }), (_, index) =>
          Effect.forkDetach(
            registry().commit({
              if: [{ key: "a", version: null }],
              put: [{ key: "a", value: `${index}`, bound: false }]
            })
          ))
        const waiting =
          sql`SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE ${`%${schema}.commit%`}`
        // One transaction sees what others do as it was when it first looked.
        while ((yield* Statements.apart(sql, waiting)).length < 6) yield* Effect.sleep("10 millis")
        return all
      }))
      const outcomes = yield* Fiber.joinAll(all)
      assert.lengthOf(outcomes.filter((outcome) => outcome === "done"), 1)
    })
  },
  {
    name: "tells of one transaction what was put, as it was listed, then what was removed",
    behaves: Effect.fnUntraced(function*({ registry }) {
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
    })
  },
  {
    name: "keeps 1000 changes, and a watch that is further behind begins anew",
    behaves: Effect.fnUntraced(function*({ group, registry, schema, sql }) {
      const slow = yield* told(registry())
      yield* slow.next
      yield* sql.unsafe(`DO $$ BEGIN FOR i IN 1..1100 LOOP
        PERFORM ${schema}.commit('${group}', NULL, '[]', '[{"key":"a","value":"1","bound":false}]', '[]'); END LOOP; END $$`)
      const [{ kept } = { kept: 0 }] = yield* sql<{ readonly kept: number }>`
        SELECT count(*)::int AS kept FROM ${sql(schema)}.changes WHERE group_name = ${group}`
      assert.strictEqual(kept, 1_000)
      assert.deepInclude(yield* slow.next, {
        kind: "Unreachable",
        detail: "the log of changes does not go back so far"
      })
      const again = yield* (yield* told(registry())).next
      assert.strictEqual(again._tag === "Picture" && again.entries.length, 1)
    })
  },
  {
    name: "begins its watch anew where the database has lost changes that it had told of",
    behaves: Effect.fnUntraced(function*({ group, registry, schema, sql }) {
      const one = registry()
      yield* one.commit(put("a", "1"))
      const { next } = yield* told(one)
      yield* next
      yield* one.commit(put("a", "2"))
      yield* next
      // As after a fail-over to a replica that was behind.
      yield* sql.unsafe(`DO $$ BEGIN
        DELETE FROM ${schema}.changes WHERE group_name = '${group}'
          AND revision = (SELECT revision FROM ${schema}.groups WHERE name = '${group}');
        UPDATE ${schema}.groups SET number = number - 1,
          revision = (SELECT max(revision) FROM ${schema}.changes WHERE group_name = '${group}') WHERE name = '${group}';
      END $$`)
      assert.propertyVal(yield* registry().commit(put("b", "1")).pipe(Effect.andThen(next)), "kind", "Unreachable")
    })
  },
  {
    name: "lets a session last by the database's clock, from one renewal to the next",
    behaves: Effect.fnUntraced(function*(place) {
      const { schema, sql } = place
      const registry = place.registry({ leaseDuration: Duration.minutes(1) })
      const { session, ttl } = yield* registry.renew
      assert.strictEqual(ttl, 60_000)
      const left = Effect.map(
        sql<{ readonly ms: number }>`SELECT (extract(epoch FROM expires_at - clock_timestamp()) * 1000)::int AS ms
          FROM ${sql(schema)}.sessions WHERE id = ${session}`,
        ([row]) => row?.ms ?? 0
      )
      yield* sql`UPDATE ${
        sql(schema)
      }.sessions SET expires_at = expires_at - interval '40 seconds' WHERE id = ${session}`
      assert.isBelow(yield* left, 30_000)
      assert.strictEqual((yield* registry.renew).session, session)
      const renewed = yield* left
      assert.isTrue(renewed > 30_000 && renewed <= 60_000, String(renewed))
      yield* endSession(place)(session)
      assert.strictEqual((yield* failure(registry.renew)).kind, "SessionOver")
      assert.strictEqual((yield* failure(registry.commit(put("a", "1", true)))).kind, "SessionOver")
      assert.notStrictEqual((yield* registry.renew).session, session)
    })
  },
  {
    name: "takes from a session that is over the keys that another has put since",
    behaves: Effect.fnUntraced(function*(place) {
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
    })
  },
  {
    name: "does not let a session be renewed, or something be bound to it, once it is over by the clock",
    behaves: Effect.fnUntraced(function*(place) {
      const [one, other] = [place.registry(), place.registry()]
      const { session } = yield* one.renew
      yield* one.commit(put("a", "1", true))
      yield* endSession(place)(session)
      assert.strictEqual((yield* failure(one.renew)).kind, "SessionOver")
      const own = yield* other.renew
      assert.strictEqual(yield* other.commit({ if: [{ key: "a", version: null }] }), "done")
      yield* endSession(place)(own.session)
      assert.strictEqual((yield* failure(other.commit(put("a", "1", true)))).kind, "SessionOver")
      assert.strictEqual(yield* other.commit(put("a", "1")), "done")
      assert.notStrictEqual((yield* other.renew).session, own.session)
    })
  },
  {
    name: "keeps the leader's key for as long as a fenced transaction lasts, and nothing else waits for that",
    behaves: Effect.fnUntraced(function*(place) {
      const { group, schema, sql } = place
      const [one, other, third] = [place.registry(), place.registry(), place.registry()]
      const { session } = yield* one.renew
      yield* other.renew
      yield* one.commit(put("elections/@/leader", "{\"term\":5}", true))
      const fence = (term: string, by = session) =>
        Statements.fence(sql, schema, [group, "elections/@/leader", by, term, 3_000])
      const isFree = { if: [{ key: "elections/@/leader", version: null }] }
      yield* sql.withTransaction(Effect.gen(function*() {
        assert.isTrue(yield* fence("5"))
        assert.isFalse(yield* fence("4"))
        assert.isFalse(yield* fence("5", (yield* other.renew).session))
        // Not in the transaction itself.
        yield* Statements.apart(sql, endSession(place)(session))
        assert.strictEqual(yield* other.commit(isFree), "refused")
        assert.strictEqual(yield* other.commit(put("a", "1", true)), "done")
        assert.strictEqual(
          (yield* failure(other.commit({ if: [], remove: ["elections/@/leader"] }))).kind,
          "Unreachable"
        )
        yield* third.renew
        yield* (yield* told(third)).next
      }))
      assert.isFalse(yield* fence("5"))
      assert.strictEqual(yield* other.commit(isFree), "done")
    })
  },
  {
    name: "tells a fenced transaction that a reign is over by the clock, before anybody has looked",
    behaves: Effect.fnUntraced(function*(place) {
      const { group, schema, sql } = place
      const one = place.registry()
      const { session } = yield* one.renew
      yield* one.commit(put("elections/@/leader", "{\"term\":5}", true))
      yield* endSession(place)(session)
      assert.isFalse(yield* Statements.fence(sql, schema, [group, "elections/@/leader", session, "5", 3_000]))
    })
  }
]
