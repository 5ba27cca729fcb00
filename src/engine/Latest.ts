/**
 * A value that changes, and its readers: each gets the value that there is and every later one, in a queue of its own, of
 * which it loses the oldest where it is slow.
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

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
  const readers = new Set<Queue.Queue<A, Cause.Done>>()
  let value = initial
  let hasEnded = false
  const set = (next: A): void => {
    value = next
    for (const queue of readers) Queue.offerUnsafe(queue, next)
  }
  const open = Effect.acquireRelease(
    Effect.map(Queue.sliding<A, Cause.Done>(capacity), (queue) => {
      Queue.offerUnsafe(queue, value)
      if (hasEnded) Queue.endUnsafe(queue)
      else readers.add(queue)
      return queue
    }),
    (queue) =>
      Effect.suspend(() => {
        readers.delete(queue)
        return Queue.shutdown(queue)
      })
  )
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      hasEnded = true
      for (const queue of readers) Queue.endUnsafe(queue)
      readers.clear()
    })
  )
  return { get: () => value, set, changes: Stream.unwrap(Effect.map(open, (queue) => Stream.fromQueue(queue))) }
})
