/**
 * A registry: keys with values that all servers of a group see and change, one after the other, and that are gone when the session
 * is over that they are bound to. etcd is one, and a database with a clock another.
 *
 * Everything is of one group. An implementation says nothing that it does not know: an answer that was lost is `Unknown`, and
 * the watch tells what came of it.
 */
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"

/** One key. Of versions only equality counts: each change of a key gives it another one. */
export interface Entry {
  readonly key: string
  readonly value: string
  readonly version: string
  /** The session that it is bound to; null where it stays. */
  readonly session: string | null
}

/**
 * What a watch tells: first a consistent picture, then each later change, in the order in which they were made. Of one transaction
 * what was put comes first, as it was listed, then what was removed.
 */
export type Change =
  | { readonly _tag: "Picture"; readonly entries: ReadonlyArray<Entry> }
  | { readonly _tag: "Put"; readonly entry: Entry }
  | { readonly _tag: "Gone"; readonly key: string; readonly why: "deleted" | "expired" }

/**
 * Changes that are made all, or not at all. `version` is that of a key now, null where there must be none. What is put `bound`
 * is gone when the own session is over, also where the key was there, and bound to another one or to none.
 */
export interface Transaction {
  readonly if: ReadonlyArray<{ readonly key: string; readonly version: string | null }>
  readonly put?: ReadonlyArray<{ readonly key: string; readonly value: string; readonly bound: boolean }>
  readonly remove?: ReadonlyArray<string>
}

/**
 * Why nothing came of what was asked for.
 *
 * - `Unreachable`: it was not carried out. `Unknown`: it may have been, or may still be.
 * - `SessionOver`: the own session is over, and all that was bound to it is gone. The next `renew` begins another.
 * - `Refused`: it never will be: a name or password is wrong, or a right is missing. `detail` says what.
 */
export class RegistryFailed extends Schema.TaggedError<RegistryFailed>()("RegistryFailed", {
  during: Schema.Literals(["renew", "commit", "watch", "close"]),
  kind: Schema.Literals(["Unreachable", "Unknown", "SessionOver", "Refused"]),
  detail: Schema.String
}) {}

/** The session of this server, as `Entry.session` has it, and for how long all that is bound to it stays, in ms from when the renewal was *sent*. */
export interface Renewed {
  readonly session: string
  readonly ttl: number
}

/** The registry as one server of a group sees it. */
export interface Registry {
  /** Each run is a watch of its own. It fails where it can no longer say what happens: cut off, or too far behind. */
  readonly watch: Stream.Stream<Change, RegistryFailed>
  /**
   * Makes changes where the conditions hold, and answers whether they did. It returns within the time of a renewal, and begins no
   * session: where there is none it fails with `SessionOver`.
   */
  readonly commit: (transaction: Transaction) => Effect.Effect<"done" | "refused", RegistryFailed>
  /** Renews the own session, or begins one where there is none. It answers only what a majority, or the one database, has done. */
  readonly renew: Effect.Effect<Renewed, RegistryFailed>
  /** Ends the own session: all that is bound to it is gone at once. */
  readonly close: Effect.Effect<void, RegistryFailed>
}
