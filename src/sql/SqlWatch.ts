/**
 * What the database tells of changes, as a registry tells it: a picture at a revision, then all that came after that revision, by asking
 * for it time and again. What this server has changed itself is asked for at once.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Stream from "effect/Stream"
import * as Registry from "../registry/Registry.ts"
import * as SqlFailed from "./SqlFailed.ts"
import * as SqlFunctions from "./SqlFunctions.ts"
import type * as Statements from "./Statements.ts"

export interface SqlWatch {
  readonly changes: Stream.Stream<Registry.Change, Registry.RegistryFailed>
  /** There is something to ask for. */
  readonly nudge: () => void
}

const failed = (kind: Registry.RegistryFailed["kind"], detail: string) =>
  new Registry.RegistryFailed({ during: "watch", kind, detail })

const changeOf = ({ key, kind, revision, session, value }: typeof Statements.Logged.Type): Registry.Change | null => {
  if (key === null || kind === "begun") return null
  if (kind !== "put") return { _tag: "Gone", key, why: kind }
  return value === null ? null : { _tag: "Put", entry: { key, value, version: revision, session } }
}

const entryOf = ({ key, session, value, version }: typeof Statements.Pictured.Type): Registry.Entry | null =>
  key === null || value === null || version === null ? null : { key, value, version, session }

const isThere = <A>(value: A | null): value is A => value !== null

export const make = (statements: Statements.Statements, pollInterval: Duration.Duration): SqlWatch => {
  const nudged = Latch.makeUnsafe(false)
  const begin = Effect.gen(function*() {
    const pictured = yield* Effect.mapError(statements.picture, SqlFailed.failedIn("watch"))
    if (pictured.length > SqlFunctions.mostKeys) {
      return yield* failed("Refused", `more than ${SqlFunctions.mostKeys} keys of this group`)
    }
    const [first] = pictured
    if (first === undefined) return yield* failed("Unreachable", "the group is gone")
    let seen = first.revision
    const poll = Effect.gen(function*() {
      yield* Effect.timeoutOption(nudged.await, pollInterval)
      Latch.closeUnsafe(nudged)
      const logged = yield* Effect.mapError(statements.changesFrom(seen), SqlFailed.failedIn("watch"))
      // Too many changes came since, or the database has lost some that it had told of.
      if (logged[0]?.revision !== seen) {
        return yield* failed("Unreachable", "the log of changes does not go back so far")
      }
      const later = logged.filter(({ revision }) => revision !== seen)
      seen = later.at(-1)?.revision ?? seen
      return later.map(changeOf).filter(isThere)
    })
    const picture: Registry.Change = { _tag: "Picture", entries: pictured.map(entryOf).filter(isThere) }
    return Stream.concat(Stream.succeed([picture]), Stream.fromEffectRepeat(poll))
  })
  return {
    changes: Stream.unwrap(begin).pipe(Stream.flattenIterable),
    nudge: () => Latch.openUnsafe(nudged)
  }
}
