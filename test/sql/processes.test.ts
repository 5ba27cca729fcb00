/** Apps in processes of their own whose group is in Postgres, and what they write when things fail. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import * as Path from "node:path"
import { ends, fencedStore, linesOf } from "../backend/FencedStore.ts"
import * as Process from "../cli/process.ts"
import * as Cut from "../etcd/Cut.ts"
import * as Postgres from "./Postgres.ts"
import * as SqlPlace from "./SqlPlace.ts"

/** The first token above this one with which an app has written to both. */
const writes = (app: Process.Running, above = "") =>
  app.until(() =>
    linesOf(app).find(({ put, stored, token }) =>
      put === true && stored === true && token !== undefined && token > above
    )?.token
  )

/** The tokens under which was written, in the order of the writes. */
const written = (sql: SqlClient.SqlClient) =>
  Effect.map(
    sql<{ readonly token: string }>`SELECT token FROM written ORDER BY id`,
    (rows) => [...new Set(rows.map(({ token }) => token)).keys()]
  )

/** No write of one reign comes after one of a later reign. */
const inOrder = (sql: SqlClient.SqlClient) =>
  Effect.map(
    sql`SELECT 1 FROM (SELECT token, lag(token) OVER (ORDER BY id) AS before FROM written) AS w WHERE token < before`,
    ({ length }) => assert.strictEqual(length, 0)
  )

describe.skipIf(Postgres.skip)(`apps with their group in Postgres${Postgres.because}`, { concurrent: true }, () => {
  /** Two apps, of which the first leads. What it says to the database can be cut off. */
  const started = Effect.fnUntraced(function*(
    { holds = false, leaseDuration = "4s" }: { readonly holds?: boolean; readonly leaseDuration?: string } = {}
  ) {
    const postgres = yield* Postgres.make()
    const sql = yield* SqlPlace.pool(postgres.client)
    yield* sql`CREATE TABLE written (id bigserial PRIMARY KEY, token text NOT NULL, pid int NOT NULL)`
    const store = yield* fencedStore
    const program = yield* Process.bundled(Path.resolve(import.meta.dirname, "app.process.ts"))
    const cut = yield* Cut.make(postgres.url)
    const start = (priority: number, port: number) =>
      Process.startProgram(program, {
        STORE: store.url,
        DATABASE: postgres.url.replace(`:${postgres.port}/`, `:${port}/`),
        BELLWETHER_GROUP: "orders",
        BELLWETHER_PRIORITY: String(priority),
        BELLWETHER_LEASE_DURATION: leaseDuration,
        HOLDS: String(holds && priority === 1)
      })
    const high = yield* start(1, Number(new URL(cut.url).port))
    yield* high.until(() => linesOf(high).find(({ leads }) => leads !== undefined))
    const low = yield* start(0, postgres.port)
    yield* Effect.retry(
      Effect.filterOrFail(
        sql`SELECT 1 FROM bellwether_groups.entries WHERE key LIKE 'members/%'`,
        ({ length }) => length === 2
      ),
      { times: 10_000 }
    )
    return { postgres, sql, store, cut, high, low }
  })

  it.live("a leader that is killed is replaced, by a higher token, and nothing was refused", () =>
    Effect.scoped(Effect.gen(function*() {
      const { high, low, sql, store } = yield* started()
      const first = yield* writes(high)
      yield* high.kill("SIGKILL")
      const second = yield* writes(low)
      assert.isAbove(Number(second > first), 0)
      assert.strictEqual(store.seen.refused.size, 0)
      yield* inOrder(sql)
    })))

  it.live("a leader that is paused writes nothing with its old token when it wakes", () =>
    Effect.scoped(Effect.gen(function*() {
      const { high, low, sql } = yield* started()
      const first = yield* writes(high)
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
      yield* inOrder(sql)
      assert.deepStrictEqual(yield* written(sql), [first, second, third])
    })))

  it.live("a leader that is paused within a fenced transaction holds up nobody, and that is not done", () =>
    Effect.scoped(Effect.gen(function*() {
      const { high, low, sql } = yield* started({ holds: true })
      const first = yield* high.until(() => linesOf(high).find(({ holds }) => holds !== undefined)?.holds)
      yield* high.kill("SIGSTOP")
      const second = yield* writes(low)
      assert.isAbove(Number(second > first), 0)
      assert.deepStrictEqual(yield* written(sql), [second])
      yield* high.kill("SIGCONT")
      yield* ends(high, first)
      assert.notInclude(yield* written(sql), first)
    })))

  it.live("a leader that is cut off writes nothing any more when another one leads, and leads again when it is back", () =>
    Effect.scoped(Effect.gen(function*() {
      const { cut, high, low, sql, store } = yield* started()
      const first = yield* writes(high)
      yield* cut.cut
      // The store is still reached by both: who writes there last is seen by it.
      const second = yield* writes(low)
      yield* ends(high, first)
      yield* cut.heal
      const third = yield* writes(high, second)
      assert.isAbove(Number(third > second && second > first), 0)
      assert.strictEqual(store.seen.refused.size, 0)
      yield* inOrder(sql)
    })))

  it.live("none leads while the database hangs or is gone, and one does when it is back", () =>
    Effect.scoped(Effect.gen(function*() {
      const { high, low, postgres, sql, store } = yield* started()
      const first = yield* writes(high)
      const next = (above: string) => Effect.raceFirst(writes(high, above), writes(low, above))
      yield* postgres.freeze
      yield* ends(high, first)
      const before = store.seen.accepted.get(first)
      yield* postgres.thaw
      const second = yield* next(first)
      yield* postgres.kill
      yield* Effect.raceFirst(ends(high, second), ends(low, second))
      yield* postgres.start
      const third = yield* next(second)
      assert.isAbove(Number(third > second), 0)
      assert.strictEqual(store.seen.accepted.get(first), before)
      assert.strictEqual(store.seen.refused.size, 0)
      yield* inOrder(sql)
    })))

  it.live("a quick restart of the database, or the end of all connections to it, changes no leader", () =>
    Effect.scoped(Effect.gen(function*() {
      const { high, low, postgres, sql, store } = yield* started({ leaseDuration: "30s" })
      const first = yield* writes(high)
      const more = Effect.suspend(() => {
        const before = linesOf(high).filter(({ put }) => put === true).length
        return high.until(() => linesOf(high).filter(({ put }) => put === true).length > before + 20 ? true : undefined)
      })
      for (let round = 0; round < 3; round++) {
        yield* sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'`
        yield* more
      }
      yield* postgres.kill
      yield* postgres.start
      yield* more
      assert.deepStrictEqual([...store.seen.accepted.keys()], [first])
      assert.deepStrictEqual(linesOf(low), [])
      yield* inOrder(sql)
    })))
})
