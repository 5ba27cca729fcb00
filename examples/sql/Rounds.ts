/**
 * Rounds that the leader alone counts, in a table beside the group's own. Each is written under the fence of its reign: the database
 * itself refuses what a deposed leader sends late, regardless of what that one believes.
 */
import { Leadership } from "bellwether"
import * as Sql from "bellwether/Sql"
import { Console, Effect, Schedule } from "effect"
import { SqlClient } from "effect/sql"

const table = SqlClient.SqlClient.use((sql) =>
  sql`CREATE TABLE IF NOT EXISTS rounds (number int PRIMARY KEY, by text NOT NULL, token text NOT NULL)`
)

/** Writes the round after the last one, and answers its number. */
const next = (by: string, token: string) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    sql<{ readonly number: number }>`
      INSERT INTO rounds (number, by, token) SELECT coalesce(max(number), 0) + 1, ${by}, ${token} FROM rounds RETURNING number`)
    .pipe(Effect.map(([row]) => row?.number ?? 0))

/** The leader's work: counts on from the last round. */
export const rounds = (by: string) =>
  Effect.gen(function*() {
    const { token } = yield* Leadership.Reign
    yield* Console.log(`${by} leads, by token ${token}`)
    yield* Sql.fenced(table)
    return yield* Effect.forever(Effect.gen(function*() {
      yield* Console.log(`${by}: round ${yield* Sql.fenced(next(by, token))}`)
      yield* Effect.sleep("500 millis")
    }))
  }).pipe(
    Effect.onInterrupt(() => Console.log(`${by} leads no more`)),
    Effect.tapError(({ _tag }) =>
      _tag === "NotLeading" ? Console.log(`${by}: refused, another one leads`) : Effect.void
    ),
    // The database may be away for a moment: the work begins again while the reign lasts.
    Effect.retry({ schedule: Schedule.spaced("500 millis"), while: ({ _tag }) => _tag !== "NotLeading" })
  )
