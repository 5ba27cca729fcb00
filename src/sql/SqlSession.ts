/**
 * The session of a server: a row with the instant at which it is over, by the database's clock. It is over once that row is gone,
 * which takes with it all that is bound to the session.
 */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as RandomHex from "../registry/RandomHex.ts"
import * as Registry from "../registry/Registry.ts"
import * as SqlFailed from "./SqlFailed.ts"
import type * as Statements from "./Statements.ts"

/** `none` before the first one, `over` after one that ended. */
export type Session = { readonly id: string } | "none" | "over"

export interface SqlSession {
  readonly current: () => Session
  /** The session is known to be over. */
  readonly isOver: (id: string) => void
  readonly renew: Effect.Effect<Registry.Renewed, Registry.RegistryFailed>
  readonly close: Effect.Effect<void, Registry.RegistryFailed>
}

/** So often it is tried to close it, each 50 ms, while a fenced transaction rests on it. */
const closings = 20

/** `ttl` is how long it lasts without a renewal, in ms. */
export const make = (statements: Statements.Statements, ttl: number): SqlSession => {
  let session: Session = "none"
  /** The name of the next one, for as long as it is not known to have begun: a lost answer leaves none behind. */
  let next: string | null = null
  const isOver = (id: string) => {
    if (typeof session === "object" && session.id === id) session = "over"
  }
  const renew = Effect.gen(function*() {
    const begins = typeof session !== "object"
    if (begins) next ??= yield* RandomHex.make(32)
    const id = typeof session === "object" ? session.id : next!
    const outcome = yield* Effect.mapError(statements.renew(id, ttl, begins), SqlFailed.failedIn("renew"))
    if (outcome === "over") {
      isOver(id)
      next = null
      return yield* new Registry.RegistryFailed({
        during: "renew",
        kind: "SessionOver",
        detail: "the database has ended the session"
      })
    }
    next = null
    session = { id }
    return { session: id, ttl }
  })
  const close = Effect.suspend(() => {
    if (typeof session !== "object") return Effect.void
    const closed = Effect.filterOrFail(
      statements.close(session.id),
      (isClosed) => isClosed,
      () => new SqlFailed.SqlFailed({ kind: "NotDone", detail: "a fenced transaction is under way" })
    )
    return closed.pipe(
      Effect.retry({
        schedule: Schedule.spaced("50 millis"),
        times: closings,
        while: ({ kind }) => kind === "NotDone"
      }),
      Effect.asVoid
    )
  }).pipe(
    Effect.tap(() => Effect.sync(() => session = "over")),
    Effect.mapError(SqlFailed.failedIn("close"))
  )
  return { current: () => session, isOver, renew, close }
}
