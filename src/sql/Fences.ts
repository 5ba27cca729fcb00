/**
 * A transaction of the app's in the same database, which only the leader can make.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import * as SqlError from "effect/sql/SqlError"
import * as RegistryKeys from "../registry/RegistryKeys.ts"
import { NotLeading, Reign } from "../server/OwnReign.ts"
import type * as SqlSession from "./SqlSession.ts"
import * as Statements from "./Statements.ts"

/**
 * Holds this server's own reigns for the time of a transaction. All layers of Postgres provide it.
 *
 * @category services
 * @since 0.1.0
 */
export class Fences extends Context.Service<Fences, {
  /**
   * Within a transaction of the `SqlClient`: locks the key of the reign's leader until the transaction is over, if the reign still
   * lasts there; fails with `NotLeading` else. The group's own election has no name.
   */
  readonly hold: (
    election: string
  ) => Effect.Effect<void, NotLeading | SqlError.SqlError, Reign | SqlClient.SqlClient>
}>()("bellwether/sql/Sql/Fences") {}

/**
 * What they rest on.
 *
 * @internal
 */
export interface Options {
  readonly schema: string
  readonly group: string
  /** The longest time without a word of the app's in such a transaction, and of one statement in it, in ms. */
  readonly limit: number
  readonly session: () => SqlSession.Session
}

const nonsense = ({ message }: { readonly message: string }) =>
  new SqlError.SqlError({ reason: new SqlError.UnknownError({ cause: message, message, operation: "fence" }) })

/**
 * Makes them for one group.
 *
 * @internal
 */
export const make = ({ group, limit, schema, session }: Options): Fences["Service"] => ({
  hold: Effect.fnUntraced(function*(election) {
    const reign = yield* Reign
    const sql = yield* SqlClient.SqlClient
    const own = session()
    const isHeld = typeof own === "object" && (yield* reign.isCurrent)
      && (yield* Statements.fence(
        sql,
        schema,
        [group, RegistryKeys.leader(election), own.id, String(reign.term), limit]
      ).pipe(Effect.catchTag("SqlFailed", (failed) => Effect.fail(nonsense(failed)))))
    if (!isHeld) return yield* new NotLeading({ term: reign.term })
  })
})

/**
 * Runs an effect in a transaction of the `SqlClient` that is made only if this very reign still lasts.
 *
 * @internal
 */
export const within = <A, E, R>(
  election: string,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E | NotLeading | SqlError.SqlError, R | Reign | Fences | SqlClient.SqlClient> =>
  Effect.flatMap(Fences, (fences) =>
    Effect.flatMap(
      SqlClient.SqlClient,
      (sql) => Effect.catchCause(sql.withTransaction(Effect.andThen(fences.hold(election), effect)), undone)
    ))

/** A transaction whose connection is gone cannot be rolled back, nor need it be: the client takes that for a defect of the app's. */
const undone = <E>(cause: Cause.Cause<E>): Effect.Effect<never, E | SqlError.SqlError> => {
  const reasons = cause.reasons.filter((reason) => !(Cause.isDieReason(reason) && SqlError.isSqlError(reason.defect)))
  const lost = cause.reasons.find(Cause.isDieReason)
  return reasons.length === 0 && lost !== undefined && SqlError.isSqlError(lost.defect)
    ? Effect.fail(lost.defect)
    : Effect.failCause(Cause.fromReasons(reasons))
}
