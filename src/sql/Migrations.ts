/**
 * The tables and functions of groups in Postgres, for those who make their tables themselves.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import type * as SqlError from "effect/sql/SqlError"
import * as SqlTables from "./SqlTables.ts"

/**
 * The migrations for a `Migrator` of `effect/sql`, by number and name: for those who make their tables themselves, with `migrate: false`.
 * Give them to `Migrator.fromRecord`, with a `table` of their own; or put each among your own, under a number of yours.
 *
 * `schema` is that of the options.
 *
 * @category migrations
 * @since 0.1.0
 */
export const migrations = (
  schema = "bellwether_groups"
): Readonly<Record<string, Effect.Effect<void, SqlError.SqlError, SqlClient.SqlClient>>> => ({
  "1_bellwether": Effect.flatMap(SqlClient.SqlClient, (sql) => Effect.asVoid(sql.unsafe(SqlTables.block(schema))))
})
