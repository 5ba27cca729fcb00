/** What is looked at, and made, before a group in Postgres begins. What cannot be mended by waiting is refused. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import type * as SqlClient from "effect/sql/SqlClient"
import * as SqlFailed from "./SqlFailed.ts"
import { SqlRefused } from "./SqlRefused.ts"
import * as SqlTables from "./SqlTables.ts"
import * as Statements from "./Statements.ts"

export interface Options {
  readonly sql: SqlClient.SqlClient
  readonly schema: string
  readonly migrate: boolean
}

/** Older ones are looked after by nobody. */
const oldest = 13

const State = Schema.Struct({ version: Schema.Int, is_installed: Schema.Boolean })

const Applied = Schema.Struct({ newest: Schema.NullOr(Schema.Int) })

/** The database is Postgres, or claims to be. */
export const dialect = (sql: SqlClient.SqlClient): Effect.Effect<void, SqlRefused> =>
  sql.onDialectOrElse({
    pg: () => Effect.void,
    orElse: () => Effect.fail(new SqlRefused({ reason: "dialect", detail: "it is none of Postgres" }))
  })

/** So long the tables are waited for, in ms: longer than one statement, for their statement cannot be done by halves. */
const patience = 10_000

/** So often it is tried, where several servers make the tables at once. */
const tries = 5

const applied = ({ schema, sql }: Options) =>
  Effect.gen(function*() {
    const state = yield* Statements.row(
      sql,
      State,
      "SELECT current_setting('server_version_num')::int AS version, to_regclass($1) IS NOT NULL AS is_installed",
      [`${schema}.migrations`]
    )
    if (state.version < oldest * 10_000) {
      const detail = `it is Postgres ${Math.floor(state.version / 10_000)}`
      return yield* new SqlRefused({ reason: "version", detail })
    }
    if (!state.is_installed) return null
    const { newest } = yield* Statements.row(
      sql,
      Applied,
      `SELECT max(version)::int AS newest FROM ${schema}.migrations`,
      []
    )
    return newest
  })

const isCurrent = (newest: number | null): boolean => newest !== null && newest >= SqlTables.newest

/** Failures that no other server has to do with. */
const own: ReadonlySet<SqlFailed.Kind> = new Set(["Auth", "Rights", "Unknown"])

const prepared = Effect.fnUntraced(function*(options: Options) {
  const { migrate, schema, sql } = options
  for (let left = tries; !isCurrent(yield* applied(options)); left--) {
    if (!migrate) {
      return yield* new SqlRefused({ reason: "schema", detail: `there are no tables in the schema ${schema}` })
    }
    yield* Statements.told(sql.unsafe(SqlTables.block(schema))).pipe(
      // Where another server makes them at the same instant, one of the two fails: which error that is depends on how far it was.
      Effect.catchIf(({ kind }) => left > 1 && !own.has(kind), () => Effect.void)
    )
  }
})

/** Looks, and makes what is missing; one at a time, and once where that was well. */
export const make = (options: Options): Effect.Effect<void, SqlFailed.SqlFailed | SqlRefused> => {
  const attempt = Statements.told(Statements.apart(options.sql, prepared(options))).pipe(
    Effect.timeoutOrElse({ duration: patience, orElse: () => Effect.fail(SqlFailed.ofTime(patience)) })
  )
  let isDone = false
  let running: Deferred.Deferred<void, SqlFailed.SqlFailed | SqlRefused> | null = null
  return Effect.suspend(() => {
    if (isDone) return Effect.void
    if (running !== null) return Deferred.await(running)
    const answer = running = Deferred.makeUnsafe<void, SqlFailed.SqlFailed | SqlRefused>()
    const once = Effect.onExit(attempt, (exit) => {
      isDone = Exit.isSuccess(exit)
      running = null
      return Deferred.done(answer, exit)
    })
    return Effect.andThen(Effect.forkDetach(once), Deferred.await(answer))
  })
}
