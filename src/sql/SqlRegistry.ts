/** A group's registry in Postgres. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import * as Registry from "../registry/Registry.ts"
import * as SqlFailed from "./SqlFailed.ts"
import type * as SqlOptions from "./SqlOptions.ts"
import type { SqlRefused } from "./SqlRefused.ts"
import * as SqlSession from "./SqlSession.ts"
import * as SqlStart from "./SqlStart.ts"
import * as SqlWatch from "./SqlWatch.ts"
import * as Statements from "./Statements.ts"

export interface Options extends SqlOptions.Read {
  readonly sql: SqlClient.SqlClient
  readonly group: string
}

export interface SqlRegistry {
  readonly registry: Registry.Registry
  /** Looks whether the database can be used, and makes what is missing. All that the registry asks waits for it. */
  readonly start: Effect.Effect<void, SqlFailed.SqlFailed | SqlRefused>
  /** The session that this server has now. */
  readonly session: () => SqlSession.Session
}

/** A statement takes no longer than from one renewal to the next. */
export const limitOf = (leaseDuration: Duration.Duration): number => Duration.toMillis(leaseDuration) / 6

/** How much later than another a server may see a change: it asks once in that time, and the answer takes its time too. */
export const lagOf = (pollInterval: Duration.Duration): Duration.Duration => Duration.times(pollInterval, 1.5)

export const make = (options: Options): SqlRegistry => {
  const { group, leaseDuration, pollInterval, schema, sql } = options
  const start = SqlStart.make(options)
  const ready = Effect.mapError(
    start,
    (error) => error._tag === "SqlFailed" ? error : new SqlFailed.SqlFailed({ kind: "Wrong", detail: error.message })
  )
  const statements = Statements.make({ sql, schema, group, limit: limitOf(leaseDuration), ready })
  const session = SqlSession.make(statements, Duration.toMillis(leaseDuration))
  const watch = SqlWatch.make(statements, pollInterval)
  return {
    start,
    session: session.current,
    registry: {
      watch: watch.changes,
      commit: committing(statements, session, watch),
      renew: session.renew,
      close: session.close
    }
  }
}

/** Changes under conditions: one statement. */
const committing = (
  statements: Statements.Statements,
  session: SqlSession.SqlSession,
  watch: SqlWatch.SqlWatch
): Registry.Registry["commit"] =>
  Effect.fnUntraced(function*(transaction) {
    const current = session.current()
    const isBound = transaction.put?.some(({ bound }) => bound) === true
    const failed = (kind: Registry.RegistryFailed["kind"], detail: string) =>
      new Registry.RegistryFailed({ during: "commit", kind, detail })
    if (isBound && current === "none") return yield* failed("Unreachable", "there is no session yet")
    if (isBound && current === "over") return yield* failed("SessionOver", "the session is over")
    const id = isBound && typeof current === "object" ? current.id : null
    const outcome = yield* statements.commit(id, transaction).pipe(
      Effect.mapError(SqlFailed.failedIn("commit")),
      // Also what was refused, and what is not known: this server has not seen what there is.
      Effect.ensuring(Effect.sync(watch.nudge))
    )
    if (outcome !== "over") return outcome
    if (id !== null) session.isOver(id)
    return yield* failed("SessionOver", "the session is over")
  })
