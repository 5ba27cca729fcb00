/**
 * A value that changes, and its readers: each gets the value that there is and every later one, in a queue of its own, of
 * which it loses the oldest where it is slow.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Readers from "./Readers.ts"

/** A value with its readers. */
export interface Latest<in out A> {
  readonly get: () => A
  /** Never waits, and runs no reader. */
  readonly set: (value: A) => void
  /** The value as it is when the stream is run, and each later one. */
  readonly changes: Stream.Stream<A>
}

const capacity = 16

/** Makes a value that ends with the scope: its last one stays, and is all that a later reader gets. */
export const make = Effect.fnUntraced(function*<A>(initial: A): Effect.fn.Return<Latest<A>, never, Scope.Scope> {
  const readers = yield* Readers.make<A>(capacity)
  let value = initial
  const set = (next: A): void => {
    value = next
    readers.offer(next)
  }
  const open = readers.open(() => [value])
  return { get: () => value, set, changes: Stream.unwrap(Effect.map(open, (queue) => Stream.fromQueue(queue))) }
})
