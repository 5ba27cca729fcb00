/**
 * A transaction of the app's in the same database, which only the leader can make.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as SqlClient from "effect/sql/SqlClient"
import * as SqlError from "effect/sql/SqlError"
import * as Closing from "../engine/Closing.ts"
import * as RegistryKeys from "../registry/RegistryKeys.ts"
import { NotLeading, Reign } from "../server/OwnReign.ts"
import type * as SqlSession from "./SqlSession.ts"
import * as Statements from "./Statements.ts"

/**
 * Makes transactions under this server's own reigns. All layers of Postgres provide it.
 *
 * @category services
 * @since 0.1.0
 */
export class Fences extends Context.Service<Fences, {
  /** See `fenced`. The group's own election has no name. */
  readonly within: <A, E, R>(
    election: string,
    effect: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | NotLeading | SqlError.SqlError, R | Reign | SqlClient.SqlClient>
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
  /** So long a transaction that is interrupted is waited for. */
  readonly patience: Duration.Duration
  readonly session: () => SqlSession.Session
}

/**
 * Makes them for one group.
 *
 * @internal
 */
export const make = (options: Options): Fences["Service"] => ({
  within: (election, effect) =>
    Effect.flatMap(SqlClient.SqlClient, (sql) =>
      released(
        (inside) => Effect.catchCause(sql.withTransaction(Effect.andThen(hold(options, election), inside)), undone),
        effect,
        options.patience
      ))
})

const nonsense = ({ message }: { readonly message: string }) =>
  new SqlError.SqlError({ reason: new SqlError.UnknownError({ cause: message, message, operation: "fence" }) })

/** Locks the key of the reign's leader until the transaction is over, if the reign still lasts there. */
const hold = Effect.fnUntraced(function*({ group, limit, schema, session }: Options, election: string) {
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

/** A transaction whose connection is gone cannot be rolled back, nor need it be: the client takes that for a defect of the app's. */
const undone = <E>(cause: Cause.Cause<E>): Effect.Effect<never, E | SqlError.SqlError> => {
  const reasons = cause.reasons.filter((reason) => !(Cause.isDieReason(reason) && SqlError.isSqlError(reason.defect)))
  const lost = cause.reasons.find(Cause.isDieReason)
  return reasons.length === 0 && lost !== undefined && SqlError.isSqlError(lost.defect)
    ? Effect.fail(lost.defect)
    : Effect.failCause(Cause.fromReasons(reasons))
}

/**
 * Work that is interrupted ends when its own part has ended, also where nothing answers: the client waits without end for a `BEGIN` or
 * a `COMMIT`, and cannot be interrupted then. What is left behind ends with its connection; the database takes nothing from it once
 * another leads.
 */
const released = <A, E, R, E2, R2>(
  transaction: (inside: Effect.Effect<A, E, R>) => Effect.Effect<A, E2, R2>,
  effect: Effect.Effect<A, E, R>,
  patience: Duration.Duration
): Effect.Effect<A, E2, R2> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.suspend(() => {
      let running: Deferred.Deferred<void> | null = null
      const inside = Effect.suspend(() => {
        const ended = running = Deferred.makeUnsafe<void>()
        return Effect.onExit(effect, () => Deferred.succeed(ended, undefined))
      })
      return Effect.flatMap(Effect.forkDetach(transaction(inside)), (fiber) => {
        const end = Effect.gen(function*() {
          const over = yield* Effect.forkDetach(Fiber.interrupt(fiber))
          if (running !== null) yield* Deferred.await(running)
          yield* Closing.waitFor(Fiber.join(over), patience)
        })
        return Effect.onInterrupt(restore(Fiber.join(fiber)), () => end)
      })
    })
  )
