/**
 * The numbers, 0 to 1,023, that make what runners number unique: the leader grants each to one runner at a time, and it is the
 * runner's as long as a lock would be.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Hash from "effect/Hash"
import type * as Scope from "effect/Scope"
import type * as Sessions from "../server/Sessions.ts"
import * as Claims from "./Claims.ts"
import { NotGranted } from "./ClusterError.ts"

/** As many as a snowflake has room for. */
const count = 1_024

/** The machine id of one runner. */
export interface MachineId {
  /** The id that is held, or another one that is free. */
  readonly acquire: Effect.Effect<number, NotGranted>
  /** Whether it is held, by the clock. */
  readonly isHeld: Effect.Effect<boolean>
  /** Whether the leader answers in that time to what is asked now. */
  readonly confirm: Claims.Claims["confirm"]
}

/**
 * Begins the session. The first id that is tried comes from `seed`, the name of a start: so one that was in use lately is seldom
 * given to another, although a new leader does not know of it.
 */
export const make = Effect.fnUntraced(function*(
  sessions: Sessions.SessionsShape,
  { expiry, seed, within }: { readonly expiry: number; readonly seed: string; readonly within: Duration.Duration }
): Effect.fn.Return<MachineId, never, Scope.Scope> {
  const claims = yield* Claims.make(sessions, { space: "cluster machine ids", count, expiry })
  const first = Math.abs(Hash.string(seed)) % count
  let held: number | null = null
  const isHeld = Effect.suspend(() =>
    held === null ? Effect.succeed(false) : Effect.map(claims.left, (leftOf) => (leftOf(held!) ?? 0) > 0)
  )
  const find = Effect.gen(function*() {
    if (held !== null) yield* claims.release(held)
    held = null
    for (let tries = 0; tries < count; tries++) {
      const id = (first + tries) % count
      const { again, isAnswered, tokens } = yield* claims.acquire([id], within)
      if (tokens.has(id)) return held = id
      if (!isAnswered) return yield* new NotGranted({ what: "a machine id", reason: "noAnswer", again: 0 })
      if (again > 0) return yield* new NotGranted({ what: "a machine id", reason: "recovering", again })
    }
    return yield* new NotGranted({ what: "one more machine id", reason: "full", again: 0 })
  })
  return {
    acquire: Effect.flatMap(isHeld, (isHeld) => isHeld ? Effect.succeed(held!) : find),
    isHeld,
    confirm: claims.confirm
  }
})
