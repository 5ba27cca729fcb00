/** Servers whose group is in Postgres: how they start, what they refuse, and transactions that only the leader makes. */
import { assert, describe, it } from "@effect/vitest"
import { Leadership } from "bellwether"
import * as Sql from "bellwether/Sql"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Migrator from "effect/sql/Migrator"
import * as SqlClient from "effect/sql/SqlClient"
import * as SqlError from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"
import * as Cut from "../etcd/Cut.ts"
import * as Postgres from "./Postgres.ts"
import * as SqlPlace from "./SqlPlace.ts"

/** Looks again until it is so. */
const until = Effect.fnUntraced(function*<E>(condition: Effect.Effect<boolean, E>) {
  while (!(yield* condition)) yield* Effect.sleep("20 millis")
})

/** A server that can be ended by itself. A statement may take minutes, so that no test takes a busy machine for a failure. */
const start = Effect.fnUntraced(function*(sql: SqlClient.SqlClient, options: Sql.Options) {
  const scope = yield* Scope.fork(yield* Effect.scope)
  const server = yield* Scope.provide(Sql.make({ leaseDuration: "10 minutes", ...options }), scope).pipe(
    Effect.provideService(SqlClient.SqlClient, sql)
  )
  return { ...server, stop: Scope.close(scope, Exit.void) }
})

const refused = (sql: SqlClient.SqlClient, options: Sql.Options = {}) =>
  Effect.scoped(Effect.flip(Effect.asVoid(start(sql, options))))

/** A client of a database that is none of Postgres: nothing of it is asked. */
const sqlite = SqlClient.make({
  acquirer: Effect.fail(
    new SqlError.SqlError({ reason: new SqlError.UnknownError({ cause: "none", operation: "none" }) })
  ),
  compiler: Statement.makeCompilerSqlite(),
  driver: "sqlite-node",
  spanAttributes: []
}).pipe(Effect.provide(Reactivity.layer))

describe("a start in Postgres", () => {
  it.effect("is refused, in one line, where a setting is not allowed, or the database is another one", () =>
    Effect.gen(function*() {
      const sql = yield* sqlite
      const lines: ReadonlyArray<readonly [Sql.Options, string]> = [
        [{}, "the database cannot keep the group: it is none of Postgres; Postgres 13 or later can"],
        [{ leaseDuration: "2 seconds" }, "leaseDuration is \"2 seconds\"; allowed: a duration from 3s to 1h"],
        [{ pollInterval: "2 seconds" }, "pollInterval is 2s; allowed: 50ms to a sixth of leaseDuration, which is 10s"],
        [
          { schema: "Orders" },
          "schema is Orders; allowed: 1 to 63 of a-z, 0-9 and _, not beginning with a digit or pg_"
        ],
        [{ schema: "pg_orders" }, "schema is pg_orders; allowed: 1 to 63"],
        [{ schema: "a.b; DROP" }, "schema is \"a.b; DROP\"; allowed: 1 to 63"],
        [{ migrate: "no" } as never, "migrate is no; allowed: on or off"],
        [{ stopTimeout: "5 seconds" }, "stopTimeout is 5s; allowed: at most a third of leaseDuration"],
        [{ shema: "a" } as never, "shema is no option; allowed: schema is the nearest name"]
      ]
      for (const [given, line] of lines) {
        const { message } = yield* Effect.scoped(
          Effect.flip(Effect.asVoid(Sql.make(given))).pipe(Effect.provideService(SqlClient.SqlClient, sql))
        )
        assert.include(message, line)
        assert.notInclude(message, "\n")
      }
    }))

  it.effect("reads its options from the configuration", () =>
    Effect.gen(function*() {
      const provider = ConfigProvider.fromUnknown({
        BELLWETHER_GROUP: "orders",
        BELLWETHER_PRIORITY: "3",
        BELLWETHER_LEASE_DURATION: "12s",
        BELLWETHER_SQL_SCHEMA: "groups",
        BELLWETHER_SQL_MIGRATE: "off",
        BELLWETHER_SQL_POLL_INTERVAL: "200ms"
      })
      assert.deepStrictEqual(yield* Sql.config.parse(provider), {
        group: "orders",
        priority: 3,
        leaseDuration: Duration.seconds(12),
        schema: "groups",
        migrate: false,
        pollInterval: Duration.millis(200)
      })
      const wrong = ConfigProvider.layer(ConfigProvider.fromUnknown({ BELLWETHER_SQL_MIGRATE: "perhaps" }))
      const built = Layer.build(Sql.layerConfig()).pipe(
        Effect.provide([Layer.succeed(SqlClient.SqlClient, yield* sqlite), wrong]),
        Effect.scoped,
        Effect.flip
      )
      assert.include((yield* built).message, "BELLWETHER_SQL_MIGRATE is perhaps; allowed: on or off")
    }))
})

describe.skipIf(Postgres.skip)(`a group in Postgres${Postgres.because}`, { concurrent: true }, () => {
  const postgres = SqlPlace.shared()

  const within = <A, E>(test: (place: SqlPlace.Place) => Effect.Effect<A, E, Scope.Scope>) =>
    Effect.scoped(Effect.flatMap(Effect.flatMap(postgres, SqlPlace.on), test))

  it.live("makes its tables once where several servers start at the same time", () =>
    within(Effect.fnUntraced(function*({ group, postgres, sql }) {
      const pools = yield* Effect.forEach(Array.from({ length: 6 }), () => SqlPlace.pool(postgres.client))
      for (const pool of pools) yield* pool`SELECT 1`
      const servers = yield* Effect.forEach(pools, (pool) => start(pool, { group, schema: "together" }), {
        concurrency: "unbounded"
      })
      const rows = yield* sql`SELECT version FROM together.migrations`
      assert.deepStrictEqual([...rows], [{ version: 1 }])
      yield* until(Effect.map(servers[0]!.group.members, ({ length }) => length === 6))
    })))

  it.live("is refused where there are no tables and none are to be made, and runs on those of a Migrator", () =>
    within(Effect.fnUntraced(function*({ group, sql }) {
      const options = { group, schema: "mine", migrate: false } as const
      const { message, reason } = yield* refused(sql, options) as Effect.Effect<Sql.SqlRefused>
      assert.strictEqual(reason, "schema")
      assert.include(message, "there are no tables in the schema mine")
      const migrate = Migrator.make({})({ loader: Migrator.fromRecord(Sql.migrations("mine")), table: "my_migrations" })
      yield* Effect.provideService(migrate, SqlClient.SqlClient, sql)
      const server = yield* start(sql, options)
      yield* until(server.leadership.isLeader)
    })))

  it.live("needs the right to use the schema and its tables, and no other where they are there", () =>
    within(Effect.fnUntraced(function*({ group, postgres, sql }) {
      const username = "app"
      const options = { group, schema: "granted" } as const
      yield* sql`CREATE ROLE app LOGIN PASSWORD 'secret'`
      const pool = yield* SqlPlace.pool(postgres.clientWith({ username, password: Redacted.make("secret") }))
      const reasonOf = (error: unknown) => (error as Sql.SqlRefused).reason
      assert.strictEqual(reasonOf(yield* refused(pool, options)), "rights")
      yield* (yield* start(sql, { ...options, group: `${group} other` })).stop
      assert.strictEqual(reasonOf(yield* refused(pool, options)), "rights")
      yield* sql`GRANT USAGE ON SCHEMA granted TO app`
      yield* sql`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA granted TO app`
      const server = yield* start(pool, options)
      yield* until(server.leadership.isLeader)
      const wrong = yield* SqlPlace.pool(postgres.clientWith({ username, password: Redacted.make("other") }))
      const error = yield* refused(wrong, options)
      assert.strictEqual(reasonOf(error), "auth")
      assert.notInclude(String(error), "other")
      const nowhere = yield* SqlPlace.pool(postgres.clientWith({ database: "nowhere" }))
      assert.strictEqual(reasonOf(yield* refused(nowhere, options)), "auth")
    })))

  it.live("waits for a database that is away at the start, and says so", () =>
    Effect.scoped(Effect.gen(function*() {
      const { kill, start: startAgain, ...postgres } = yield* Postgres.make()
      yield* kill
      const lines: Array<string> = []
      const logger = Logger.make(({ message }) => void lines.push(String(message)))
      const server = yield* start(yield* SqlPlace.pool(postgres.client), { group: "a", leaseDuration: "30 seconds" })
        .pipe(
          Effect.provide(Logger.layer([logger]))
        )
      assert.include(lines.join("\n"), "the database is waited for: ")
      assert.isFalse(yield* server.leadership.isLeader)
      yield* startAgain
      yield* until(server.leadership.isLeader)
    })))

  it.live("ends what it holds in order when it stops, and nobody waits for it", () =>
    within(Effect.fnUntraced(function*({ group, sql }) {
      const one = yield* start(sql, { group, name: "one", priority: 1 })
      yield* until(one.leadership.isLeader)
      yield* one.stop
      const rows = yield* sql`SELECT id FROM bellwether_groups.sessions WHERE group_name = ${group}`
      assert.lengthOf(rows, 0)
    })))

  /** What leading work does, with what it needs of the server and a client of its app. */
  const leading = Effect.fnUntraced(function*<A, E>(
    server: Sql.SqlServer,
    sql: SqlClient.SqlClient,
    work: Effect.Effect<A, E, Leadership.Reign | Sql.Fences | SqlClient.SqlClient>
  ) {
    const result = yield* Deferred.make<A, E>()
    const services = Context.make(Sql.Fences, server.fences).pipe(Context.add(SqlClient.SqlClient, sql))
    yield* Effect.forkScoped(server.leadership.whileLeader(
      Effect.andThen(Effect.onExit(Effect.provide(work, services), (exit) => Deferred.done(result, exit)), Effect.never)
    ))
    return yield* Deferred.await(result)
  })

  const tokens = ({ group, sql }: SqlPlace.Place) =>
    Effect.map(
      sql<{ readonly token: string }>`SELECT token FROM written WHERE group_name = ${group} ORDER BY id`,
      (rows) => rows.map(({ token }) => token)
    )

  const table = ({ sql }: SqlPlace.Place) =>
    sql`CREATE TABLE IF NOT EXISTS written (id bigserial PRIMARY KEY, group_name text, token text)`.pipe(
      Effect.retry({ times: 5 })
    )

  const write = (group: string) =>
    Effect.gen(function*() {
      const { token } = yield* Leadership.Reign
      const sql = yield* SqlClient.SqlClient
      yield* sql`INSERT INTO written (group_name, token) VALUES (${group}, ${token})`
    })

  it.live("lets its leader write under a fence, and no other reign, regardless of what that one believes", () =>
    within(Effect.fnUntraced(function*(place) {
      const { group, sql } = place
      yield* table(place)
      const server = yield* start(sql, { group })
      const reign = yield* leading(server, sql, Sql.fenced(Effect.andThen(write(group), Leadership.Reign)))
      const services = (given: Partial<Leadership.Reign["Service"]>) =>
        Context.make(Leadership.Reign, { ...reign, isCurrent: Effect.succeed(true), ...given }).pipe(
          Context.add(Sql.Fences, server.fences),
          Context.add(SqlClient.SqlClient, sql)
        )
      for (const given of [{ term: reign.term - 1 }, { isCurrent: Effect.succeed(false) }]) {
        const failed = yield* Effect.flip(Effect.provide(Sql.fenced(write(group)), services(given)))
        assert.propertyVal(failed, "_tag", "NotLeading")
      }
      // The lead of another name is another one's.
      const other = yield* Effect.flip(Effect.provide(Sql.fencedOf("mail", write(group)), services({})))
      assert.propertyVal(other, "_tag", "NotLeading")
      // By the database's clock the session is over, even if nobody has seen that.
      yield* sql`UPDATE bellwether_groups.sessions SET expires_at = clock_timestamp() WHERE group_name = ${group}`
      const late = yield* Effect.flip(Effect.provide(Sql.fenced(write(group)), services({})))
      assert.propertyVal(late, "_tag", "NotLeading")
      assert.deepStrictEqual(yield* tokens(place), [reign.token])
    })))

  it.live("lets nobody lead before a fenced transaction is over, and does nothing of one that fails", () =>
    within(Effect.fnUntraced(function*(place) {
      const { group, postgres, sql } = place
      yield* table(place)
      const begun = yield* Deferred.make<string>()
      const ends = yield* Deferred.make<void>()
      const one = yield* start(sql, { group, name: "one", priority: 1 })
      const held = Effect.gen(function*() {
        yield* write(group)
        yield* Deferred.succeed(begun, (yield* Leadership.Reign).token)
        yield* Deferred.await(ends)
      })
      const services = Context.make(Sql.Fences, one.fences).pipe(
        Context.add(SqlClient.SqlClient, yield* SqlPlace.pool(postgres.client))
      )
      // It is not leading work: nothing interrupts it when the reign is over.
      const reign = yield* leading(one, sql, Leadership.Reign)
      const own = { ...reign, isCurrent: Effect.succeed(true) }
      const holding = yield* Effect.forkScoped(
        Effect.provideService(Effect.provide(Sql.fenced(held), services), Leadership.Reign, own)
      )
      const first = yield* Deferred.await(begun)
      const two = yield* start(yield* SqlPlace.pool(postgres.client), { group, name: "two" })
      yield* until(Effect.map(two.group.members, ({ length }) => length === 2))
      // Its session is over by the clock, and is not ended; others go on meanwhile.
      yield* sql`UPDATE bellwether_groups.sessions SET expires_at = clock_timestamp()
        WHERE id = (SELECT session FROM bellwether_groups.entries WHERE group_name = ${group} AND key = 'elections/@/leader')`
      yield* two.group.setTags({ zone: "north" })
      const other = place.registry()
      yield* other.renew
      yield* other.commit({ if: [], put: [{ key: "a", value: "1", bound: true }] })
      assert.isFalse(yield* two.leadership.isLeader)
      yield* Deferred.succeed(ends, undefined)
      yield* Fiber.join(holding)
      const leadsAnew = ({ leadership }: Sql.SqlServer) =>
        Effect.map(leadership.current, (current) => Option.isSome(current) && current.value.term > reign.term)
      yield* until(Effect.map(Effect.all([leadsAnew(one), leadsAnew(two)]), (all) => all.includes(true)))
      assert.deepStrictEqual(yield* tokens(place), [first])
      const leader = (yield* leadsAnew(one)) ? one : two
      const failing = Effect.andThen(write(group), Effect.fail("broken"))
      assert.strictEqual(yield* leading(leader, sql, Effect.flip(Sql.fenced(failing))), "broken")
      assert.deepStrictEqual(yield* tokens(place), [first])
    })))

  it.live("ends a fenced transaction of which nothing is heard for the time of a lease", () =>
    within(Effect.fnUntraced(function*(place) {
      const { group, sql } = place
      yield* table(place)
      const server = yield* start(sql, { group, leaseDuration: "3 seconds" })
      const silent = Sql.fenced(Effect.andThen(write(group), Effect.andThen(Effect.sleep("5 seconds"), write(group))))
      const failed = yield* leading(server, sql, Effect.flip(silent))
      assert.propertyVal(failed, "_tag", "SqlError")
      assert.deepStrictEqual(yield* tokens(place), [])
      const limits = Sql.fenced(Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        yield* sql`SELECT set_config('a.b', current_setting('statement_timeout') || current_setting('lock_timeout'), false)`
        return yield* sql`SELECT current_setting('a.b') AS both`
      }))
      const shown = yield* leading(server, sql, limits)
      assert.deepStrictEqual([...shown], [{ both: "3s3s" }])
    })))

  it.live("does not leave what runs in a fenced transaction behind when its work is interrupted", () =>
    within(Effect.fnUntraced(function*({ group, sql }) {
      const server = yield* start(sql, { group })
      const reign = yield* leading(server, sql, Leadership.Reign)
      const told: Array<string> = []
      const begun = yield* Deferred.make<void>()
      const slow = Effect.andThen(Deferred.succeed(begun, undefined), Effect.never).pipe(
        Effect.onInterrupt(() => Effect.andThen(Effect.sleep("800 millis"), Effect.sync(() => told.push("ended"))))
      )
      const services = Context.make(Leadership.Reign, reign).pipe(
        Context.add(Sql.Fences, server.fences),
        Context.add(SqlClient.SqlClient, sql)
      )
      const fiber = yield* Effect.forkChild(Effect.provide(Sql.fenced(slow), services))
      yield* Deferred.await(begun)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(told, ["ended"])
      assert.lengthOf(yield* sql`SELECT 1`, 1)
    })))

  it.live("ends interrupted work also where a transaction cannot begin, since nothing answers", () =>
    within(Effect.fnUntraced(function*({ group, postgres, sql }) {
      const server = yield* start(sql, { group })
      const reign = yield* leading(server, sql, Leadership.Reign)
      const { cut, heal, url } = yield* Cut.make(postgres.url)
      const pool = yield* SqlPlace.pool(postgres.clientWith({ port: Number(new URL(url).port) }))
      yield* pool`SELECT 1`
      // The pool itself cannot be closed before.
      yield* Effect.addFinalizer(() => heal)
      yield* cut
      const services = Context.make(Leadership.Reign, reign).pipe(
        Context.add(Sql.Fences, server.fences),
        Context.add(SqlClient.SqlClient, pool)
      )
      const fiber = yield* Effect.forkChild(Effect.provide(Sql.fenced(Effect.die("it was begun")), services))
      yield* Effect.sleep("100 millis")
      const interrupted = yield* Effect.forkDetach(Fiber.interrupt(fiber))
      // Without end, if it were waited for.
      assert.isTrue(Option.isSome(yield* Effect.timeoutOption(Fiber.join(interrupted), "20 seconds")))
    })))
})
