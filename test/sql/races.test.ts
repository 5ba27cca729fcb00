/** Many servers at once over one real Postgres: what they see, and what they may write, while sessions end under them. */
import { assert, describe, it } from "@effect/vitest"
import { Leadership } from "bellwether"
import * as Sql from "bellwether/Sql"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import type * as Registry from "../../src/registry/Registry.ts"
import { told } from "../backend/RegistryCases.ts"
import * as Postgres from "./Postgres.ts"
import * as SqlPlace from "./SqlPlace.ts"

const keys = ["a", "b", "c", "d"]

/** The last change of all. */
const end = "end"

/** One server that changes keys at random, where they are as it has seen them, and all that its watch has told. */
const changing = Effect.fnUntraced(function*(registry: Registry.Registry, changes: number) {
  const seen = new Map<string, Registry.Entry>()
  const log: Array<string> = []
  const { next } = yield* told(registry)
  yield* next
  yield* registry.renew
  const follow = Effect.gen(function*() {
    while (!seen.has(end)) {
      const change = yield* next
      if (change._tag === "Put") seen.set(change.entry.key, change.entry)
      else if (change._tag === "Gone") seen.delete(change.key)
      else assert.fail(`the watch told of ${JSON.stringify(change)}`)
      log.push(change._tag === "Put" ? `${change.entry.key} ${change.entry.version}` : `${change.key} ${change.why}`)
    }
  })
  let done = 0
  const change = Effect.gen(function*() {
    for (let number = 0; number < changes; number++) {
      const [first, second] = yield* Random.shuffle(keys)
      const isRemoval = (yield* Random.next) < 0.3
      const outcome = yield* registry.commit({
        if: [{ key: first!, version: seen.get(first!)?.version ?? null }],
        put: isRemoval ? [] : [first!, second!].map((key) => ({ key, value: String(number), bound: true })),
        remove: isRemoval ? [first!] : []
      }).pipe(
        Effect.catchIf(({ kind }) => kind === "SessionOver", () => Effect.as(Effect.ignore(registry.renew), "refused"))
      )
      if (outcome === "done") done++
    }
  })
  return { seen, log, follow, change, done: () => done }
})

describe.skipIf(Postgres.skip)(`many servers over one Postgres${Postgres.because}`, { concurrent: true }, () => {
  const postgres = SqlPlace.shared()

  const within = <A, E>(test: (place: SqlPlace.Place) => Effect.Effect<A, E, Scope.Scope>) =>
    Effect.scoped(Effect.flatMap(Effect.flatMap(postgres, SqlPlace.on), test))

  it.live("all see the same changes in the same order, and none is lost, also where sessions end", () =>
    within(Effect.fnUntraced(function*({ group, postgres, registry, sql }) {
      const servers = yield* Effect.forEach(
        Array.from({ length: 6 }),
        () => Effect.flatMap(SqlPlace.pool(postgres.client), (sql) => changing(registry({ sql }), 60))
      )
      const followed = yield* Effect.forkChild(
        Effect.forEach(servers, ({ follow }) => follow, { concurrency: "unbounded" })
      )
      const ending =
        sql`UPDATE bellwether_groups.sessions SET expires_at = clock_timestamp() WHERE group_name = ${group}
        AND id = (SELECT session FROM bellwether_groups.entries WHERE group_name = ${group} AND session IS NOT NULL LIMIT 1)`
      const endings = yield* Effect.forkChild(Effect.forever(Effect.andThen(ending, Effect.sleep("20 millis"))))
      yield* Effect.forEach(servers, ({ change }) => change, { concurrency: "unbounded" })
      yield* Fiber.interrupt(endings)
      const last = registry()
      yield* last.commit({ if: [], put: [{ key: end, value: "", bound: false }] })
      yield* Fiber.join(followed)
      const picture = yield* (yield* told(last)).next
      const entries = picture._tag === "Picture" ? picture.entries : []
      const [first] = servers
      for (const { log, seen } of servers) {
        assert.deepStrictEqual(log, first!.log)
        assert.sameDeepMembers([...seen.values()], [...entries])
      }
      assert.isTrue(servers.every(({ done }) => done() > 0))
      assert.isTrue(
        first!.log.some((line) => line.endsWith("expired")) && first!.log.some((line) => line.endsWith("deleted"))
      )
    })))

  it.live("no leader of before gets a write in, however long it believes that it leads", () =>
    within(Effect.fnUntraced(function*({ group, postgres, sql }) {
      yield* sql`CREATE TABLE fenced (id bigserial PRIMARY KEY, token text NOT NULL)`
      const counts = { accepted: 0, refused: 0 }
      /** Writes as fast as it can under one reign, and never hears of its end. */
      const writing = Effect.fnUntraced(function*(fences: Sql.Fences["Service"], pool: SqlClient.SqlClient) {
        const reign = yield* Leadership.Reign
        const services = Context.make(Leadership.Reign, { ...reign, isCurrent: Effect.succeed(true) }).pipe(
          Context.add(Sql.Fences, fences),
          Context.add(SqlClient.SqlClient, pool)
        )
        const write = Sql.fenced(pool`INSERT INTO fenced (token) VALUES (${reign.token})`).pipe(
          Effect.provide(services),
          Effect.match({ onSuccess: () => counts.accepted++, onFailure: () => counts.refused++ })
        )
        return yield* Effect.forever(Effect.andThen(write, Effect.sleep("5 millis")))
      })
      const scope = yield* Effect.scope
      yield* Effect.forEach([0, 1], (priority) =>
        Effect.gen(function*() {
          const own = yield* SqlPlace.pool(postgres.client)
          const pool = yield* SqlPlace.pool(postgres.client)
          const { fences, leadership } = yield* Sql.make({
            group,
            priority,
            name: `n${priority}`,
            pollInterval: "50 millis"
          }).pipe(Effect.provideService(SqlClient.SqlClient, own))
          const work = Effect.andThen(Effect.forkIn(writing(fences, pool), scope), Effect.never)
          yield* Effect.forkScoped(leadership.whileLeader(work))
        }))
      const reigns = Effect.map(
        sql<{ readonly count: number }>`SELECT count(DISTINCT token)::int AS count FROM fenced`,
        ([row]) => row?.count ?? 0
      )
      for (let round = 1; round <= 8; round++) {
        while ((yield* reigns) < round) yield* Effect.sleep("10 millis")
        yield* sql`UPDATE bellwether_groups.sessions SET expires_at = clock_timestamp() WHERE group_name = ${group} AND id =
          (SELECT session FROM bellwether_groups.entries WHERE group_name = ${group} AND key = 'elections/@/leader')`
      }
      while (counts.refused < 20) yield* Effect.sleep("10 millis")
      const { accepted } = counts
      const tokens = yield* sql<{ readonly token: string }>`SELECT token FROM fenced ORDER BY id`
      assert.deepStrictEqual(tokens.map(({ token }) => token), tokens.map(({ token }) => token).toSorted())
      assert.isAtLeast(new Set(tokens.map(({ token }) => token)).size, 8)
      assert.isAtLeast(tokens.length, accepted)
    })))
})
