/**
 * What may be watched as it happens: made only while somebody watches, and kept for nobody who comes later.
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

/** What is watched, and how it is told. */
export interface Feed<in out A> {
  /** Makes what there is to see, and hands it to those who watch. Makes nothing where nobody does. Never waits. */
  readonly show: (make: () => A) => void
  /** What is shown while it runs. Who is slow loses the oldest, and is not told. Ends with the feed. */
  readonly shown: Stream.Stream<A>
}

/** How much waits for one who watches, at most. */
export const capacity = 1_024

/** Makes a feed that ends with the scope. */
export const make = Effect.fnUntraced(function*<A>(): Effect.fn.Return<Feed<A>, never, Scope.Scope> {
  const watchers = new Set<Queue.Queue<A, Cause.Done>>()
  let hasEnded = false
  const open = Effect.acquireRelease(
    Effect.map(Queue.sliding<A, Cause.Done>(capacity), (queue) => {
      if (hasEnded) Queue.endUnsafe(queue)
      else watchers.add(queue)
      return queue
    }),
    (queue) =>
      Effect.suspend(() => {
        watchers.delete(queue)
        return Queue.shutdown(queue)
      })
  )
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      hasEnded = true
      for (const queue of watchers) Queue.endUnsafe(queue)
      watchers.clear()
    })
  )
  return {
    show: (make) => {
      if (watchers.size === 0) return
      const shown = make()
      for (const queue of watchers) Queue.offerUnsafe(queue, shown)
    },
    shown: Stream.unwrap(Effect.map(open, (queue) => Stream.fromQueue(queue)))
  }
})
