/** The statements of one server: each a call of one function, within a bounded time, and its answer read. */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import type * as SqlClient from "effect/sql/SqlClient"
import * as SqlError from "effect/sql/SqlError"
import type * as Registry from "../registry/Registry.ts"
import * as SqlFailed from "./SqlFailed.ts"

const Text = Schema.NullOr(Schema.String)

const Renewed = Schema.Struct({ outcome: Schema.Literals(["renewed", "begun", "over"]) })

const Committed = Schema.Struct({ outcome: Schema.Literals(["done", "refused", "over"]) })

const Closed = Schema.Struct({ closed: Schema.Boolean })

const Held = Schema.Struct({ holds: Schema.Boolean })

/** A row of a picture. A group without entries has one without a key. */
export const Pictured = Schema.Struct({ revision: Schema.String, key: Text, value: Text, version: Text, session: Text })

/** One change in the log; `begun` is the first one, and of no key. */
export const Logged = Schema.Struct({
  revision: Schema.String,
  kind: Schema.Literals(["begun", "put", "deleted", "expired"]),
  key: Text,
  value: Text,
  session: Text
})

export interface Options {
  readonly sql: SqlClient.SqlClient
  readonly schema: string
  readonly group: string
  /** So long a statement takes at most, in ms, with the wait for a connection. */
  readonly limit: number
  /** Comes before each of them: where it fails nothing is asked. */
  readonly ready: Effect.Effect<void, SqlFailed.SqlFailed>
}

export interface Statements {
  readonly renew: (
    session: string,
    ttl: number,
    begins: boolean
  ) => Effect.Effect<typeof Renewed.Type["outcome"], SqlFailed.SqlFailed>
  /** `session` is that to which something is bound; null where nothing is. */
  readonly commit: (
    session: string | null,
    transaction: Registry.Transaction
  ) => Effect.Effect<typeof Committed.Type["outcome"], SqlFailed.SqlFailed>
  /** Whether it is closed; a fenced transaction may rest on it. */
  readonly close: (session: string) => Effect.Effect<boolean, SqlFailed.SqlFailed>
  readonly picture: Effect.Effect<ReadonlyArray<typeof Pictured.Type>, SqlFailed.SqlFailed>
  readonly changesFrom: (revision: string) => Effect.Effect<ReadonlyArray<typeof Logged.Type>, SqlFailed.SqlFailed>
}

/** Who asks may be in a transaction of the same client: what is done for the group is not undone with that, nor waits for it. */
export const apart = <A, E>(sql: SqlClient.SqlClient, statement: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.updateContext(statement, (context: Context.Context<never>) => Context.omit(sql.transactionService)(context))

/**
 * What comes of it in time. A driver may take longer to give a statement up than the statement was to take, as where the database
 * hangs: that is not waited for.
 */
export const within = <A>(
  limit: number,
  statement: Effect.Effect<A, SqlFailed.SqlFailed>
): Effect.Effect<A, SqlFailed.SqlFailed> =>
  Effect.gen(function*() {
    const answer = yield* Deferred.make<A, SqlFailed.SqlFailed>()
    const fiber = yield* Effect.forkDetach(Effect.onExit(statement, (exit) => Deferred.done(answer, exit)))
    return yield* Deferred.await(answer).pipe(
      Effect.timeoutOrElse({ duration: limit, orElse: () => Effect.fail(SqlFailed.ofTime(limit)) }),
      Effect.onExit((exit) =>
        Exit.isSuccess(exit) ? Effect.void : Effect.asVoid(Effect.forkDetach(Fiber.interrupt(fiber)))
      )
    )
  })

/** Asks, and reads the rows. Who traces what its app does is not told twice a second of this. */
export const rows = <A extends object>(
  sql: SqlClient.SqlClient,
  row: Schema.Codec<A, unknown>,
  statement: string,
  parameters: ReadonlyArray<unknown>
): Effect.Effect<ReadonlyArray<A>, SqlError.SqlError | SqlFailed.SqlFailed> => {
  const read = Schema.decodeUnknownOption(Schema.Array(row))
  return sql.unsafe(statement, parameters).withoutTransform.pipe(
    Effect.withTracerEnabled(false),
    Effect.flatMap((found) => Effect.mapError(Effect.fromOption(read(found)), () => SqlFailed.ofNonsense))
  )
}

/** The one row of a statement that has one. */
export const row = <A extends object>(
  sql: SqlClient.SqlClient,
  shape: Schema.Codec<A, unknown>,
  statement: string,
  parameters: ReadonlyArray<unknown>
): Effect.Effect<A, SqlError.SqlError | SqlFailed.SqlFailed> =>
  Effect.flatMap(
    rows(sql, shape, statement, parameters),
    ([first]) => first === undefined ? Effect.fail(SqlFailed.ofNonsense) : Effect.succeed(first)
  )

/** What the client says of a failure, as it is taken here. */
export const told = <A, E>(
  effect: Effect.Effect<A, E | SqlError.SqlError>
): Effect.Effect<A, Exclude<E, SqlError.SqlError> | SqlFailed.SqlFailed> =>
  Effect.mapError(
    effect,
    (error) => SqlError.isSqlError(error) ? SqlFailed.of(error) : error as Exclude<E, SqlError.SqlError>
  )

export const make = ({ group, limit, ready, schema, sql }: Options): Statements => {
  const asked = <A>(effect: Effect.Effect<A, SqlError.SqlError | SqlFailed.SqlFailed>) =>
    within(limit, apart(sql, Effect.andThen(ready, told(effect))))
  return {
    renew: (session, ttl, begins) => {
      const statement = `SELECT ${schema}.renew($1, $2, $3, $4) AS outcome`
      return asked(Effect.map(row(sql, Renewed, statement, [group, session, ttl, begins]), ({ outcome }) => outcome))
    },
    commit: (session, { if: conditions, put = [], remove = [] }) => {
      const parameters = [group, session, ...[conditions, put, remove].map((part) => JSON.stringify(part))]
      const statement = `SELECT ${schema}.commit($1, $2, $3, $4, $5) AS outcome`
      return asked(Effect.map(row(sql, Committed, statement, parameters), ({ outcome }) => outcome))
    },
    close: (session) => {
      const statement = `SELECT ${schema}.close($1, $2) AS closed`
      return asked(Effect.map(row(sql, Closed, statement, [group, session]), ({ closed }) => closed))
    },
    picture: asked(rows(sql, Pictured, `SELECT * FROM ${schema}.picture($1)`, [group])),
    changesFrom: (revision) =>
      asked(rows(sql, Logged, `SELECT * FROM ${schema}.changes_from($1, $2::text::bigint)`, [group, revision]))
  }
}

/** Within a transaction of the app's: whether the reign lasts whose key that is. See `SqlFunctions`. */
export const fence = (
  sql: SqlClient.SqlClient,
  schema: string,
  parameters: readonly [group: string, key: string, session: string, term: string, limit: number]
): Effect.Effect<boolean, SqlError.SqlError | SqlFailed.SqlFailed> =>
  Effect.map(row(sql, Held, `SELECT ${schema}.fence($1, $2, $3, $4, $5) AS holds`, parameters), ({ holds }) => holds)
