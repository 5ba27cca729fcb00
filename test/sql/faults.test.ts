/** A group's registry in Postgres while the database, the network to it or its pool of connections fails. */
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type * as Registry from "../../src/registry/Registry.ts"
import { failure, put, told } from "../backend/RegistryCases.ts"
import * as Cut from "../etcd/Cut.ts"
import * as Postgres from "./Postgres.ts"
import * as SqlPlace from "./SqlPlace.ts"

/** A statement may take a second here. */
const leaseDuration = Duration.seconds(6)

/** Renews as a server does, until once it is done. */
const renewed = Effect.fnUntraced(function*(registry: Registry.Registry) {
  while (true) {
    const exit = yield* Effect.exit(registry.renew)
    if (exit._tag === "Success") return exit.value
    yield* Effect.sleep("100 millis")
  }
})

/** Tries a change until the registry is reached. */
const committed = (registry: Registry.Registry, transaction: Registry.Transaction) =>
  Effect.retry(registry.commit(transaction), { while: ({ kind }) => kind === "Unreachable" || kind === "Unknown" })

const outlasting = ({ sql }: SqlPlace.Place, session: string) =>
  sql`UPDATE bellwether_groups.sessions SET expires_at = expires_at + interval '1 minute' WHERE id = ${session}`

const keysIn = (change: Registry.Change | Registry.RegistryFailed) =>
  change._tag === "Picture" ? change.entries.map(({ key }) => key) : change

describe.skipIf(Postgres.skip)(`a registry in a Postgres that fails${Postgres.because}`, { concurrent: true }, () => {
  const postgres = SqlPlace.shared()

  const within = <A, E>(
    test: (place: SqlPlace.Place) => Effect.Effect<A, E, Scope.Scope>,
    on: Effect.Effect<Postgres.Postgres, unknown, Scope.Scope> = postgres
  ) => Effect.scoped(Effect.flatMap(Effect.flatMap(on, SqlPlace.on), test))

  it.live("keeps its session when the database is killed and started again, and knows in time when it hangs", () =>
    within(
      Effect.fnUntraced(function*(place) {
        const registry = place.registry({ leaseDuration })
        const { session } = yield* registry.renew
        yield* outlasting(place, session)
        yield* registry.commit(put("members/a", "1", true))
        const { next } = yield* told(registry)
        yield* next
        yield* place.postgres.kill
        assert.propertyVal(yield* next, "kind", "Unreachable")
        assert.strictEqual((yield* failure(registry.renew)).kind, "Unreachable")
        assert.notStrictEqual((yield* failure(registry.commit(put("b", "1")))).kind, "Refused")
        yield* place.postgres.start
        assert.strictEqual((yield* renewed(registry)).session, session)
        const { next: again } = yield* told(registry)
        assert.deepStrictEqual(keysIn(yield* again), ["members/a"])
        yield* outlasting(place, session)

        yield* place.postgres.freeze
        const outcomes = yield* Effect.all(
          [failure(registry.renew), failure(registry.commit(put("a", "1"))), again],
          { concurrency: "unbounded" }
        ).pipe(Effect.timeoutOrElse({ duration: "20 seconds", orElse: () => Effect.die("it was waited for") }))
        assert.deepStrictEqual(
          outcomes.map((failed) => failed._tag === "RegistryFailed" && failed.kind),
          ["Unreachable", "Unknown", "Unreachable"]
        )
        yield* place.postgres.thaw
        assert.strictEqual((yield* renewed(registry)).session, session)
      }),
      Postgres.make()
    ))

  it.live("goes on when its connections are ended by the database", () =>
    within(Effect.fnUntraced(function*(place) {
      const applicationName = `ended ${place.group}`
      const sql = yield* SqlPlace.pool(place.postgres.clientWith({ applicationName }))
      const registry = place.registry({ sql })
      const { session } = yield* registry.renew
      yield* registry.commit(put("members/a", "1", true))
      for (let round = 0; round < 3; round++) {
        yield* place.sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE application_name = ${applicationName}`
        assert.strictEqual((yield* renewed(registry)).session, session)
        assert.strictEqual(yield* committed(registry, put("a", String(round))), "done")
      }
      assert.deepStrictEqual(keysIn(yield* (yield* told(registry)).next), ["a", "members/a"])
    })))

  it.live("begins one session where the answer to the first try was lost in the network", () =>
    within(Effect.fnUntraced(function*({ group, postgres, registry: at, sql }) {
      const other = at()
      yield* other.renew
      const { cut, heal, url } = yield* Cut.make(postgres.url)
      const pool = yield* SqlPlace.pool(postgres.clientWith({ port: Number(new URL(url).port) }))
      const registry = at({ sql: pool, leaseDuration })
      // The tables are looked for, and there is a connection that only waits.
      yield* registry.commit({ if: [] })
      yield* cut
      assert.strictEqual((yield* failure(registry.renew)).kind, "Unreachable")
      assert.strictEqual((yield* failure(registry.commit(put("a", "1")))).kind, "Unknown")
      yield* heal
      const { session } = yield* renewed(registry)
      yield* other.renew
      const rows = yield* sql<
        { readonly id: string }
      >`SELECT id FROM bellwether_groups.sessions WHERE group_name = ${group}`
      assert.lengthOf(rows, 2)
      assert.include(rows.map(({ id }) => id), session)
    })))

  it.live("waits no longer than for a renewal where its app has taken all connections", () =>
    within(Effect.fnUntraced(function*(place) {
      const sql = yield* SqlPlace.pool(place.postgres.clientWith({ maxConnections: 1 }))
      const registry = place.registry({ sql, leaseDuration })
      const { session } = yield* registry.renew
      const busy = yield* Effect.forkChild(sql`SELECT pg_sleep(60)`)
      yield* Effect.retry(
        Effect.filterOrFail(
          place.sql`SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)' AND pid <> pg_backend_pid()`,
          ({ length }) => length > 0
        ),
        { times: 1_000 }
      )
      assert.deepInclude(yield* failure(registry.renew), { kind: "Unreachable", detail: "no answer within 1000 ms" })
      yield* Fiber.interrupt(busy)
      assert.strictEqual((yield* renewed(registry)).session, session)
    })))

  it.live("is refused, with what the database says, where the tables are taken away", () =>
    within(Effect.fnUntraced(function*({ registry: at, sql }) {
      const registry = at({ schema: "taken" })
      yield* registry.renew
      yield* sql`DROP SCHEMA taken CASCADE`
      const { detail, kind } = yield* failure(registry.renew)
      assert.strictEqual(kind, "Refused")
      assert.include(detail, "taken")
    })))

  it.live("waits for a database that takes no changes for now, as a replica does", () =>
    within(Effect.fnUntraced(function*({ postgres, registry: at }) {
      yield* at().renew
      const startupParameters = { default_transaction_read_only: "on" }
      const registry = at({ sql: yield* SqlPlace.pool(postgres.clientWith({ startupParameters })) })
      const { detail, kind } = yield* failure(registry.renew)
      assert.deepStrictEqual([kind, detail], ["Unreachable", "cannot execute UPDATE in a read-only transaction"])
      assert.strictEqual((yield* failure(registry.commit(put("a", "1")))).kind, "Unreachable")
    })))
})
