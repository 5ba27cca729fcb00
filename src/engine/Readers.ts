/** Those who read what is told: each has a queue of its own, of which it loses the oldest where it is slow. */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"

/** The readers there are now. */
export interface Readers<in out A> {
  /** Hands a value to every reader. Never waits, and runs none of them. */
  readonly offer: (value: A) => void
  readonly count: () => number
  /**
   * A queue until the scope closes: `before` is asked for what comes first in it, at the instant from which it gets all that is
   * offered. It ends with the readers; opened later, it ends after what comes first.
   */
  readonly open: (before: () => Iterable<A>) => Effect.Effect<Queue.Queue<A, Cause.Done>, never, Scope.Scope>
}

/** No reader yet: `capacity` is how much waits for one at most. They end with the scope. */
export const make = Effect.fnUntraced(function*<A>(
  capacity: number
): Effect.fn.Return<Readers<A>, never, Scope.Scope> {
  const queues = new Set<Queue.Queue<A, Cause.Done>>()
  let haveEnded = false
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      haveEnded = true
      for (const queue of queues) Queue.endUnsafe(queue)
      queues.clear()
    })
  )
  return {
    offer: (value) => {
      for (const queue of queues) Queue.offerUnsafe(queue, value)
    },
    count: () => queues.size,
    open: (before) =>
      Effect.acquireRelease(
        Effect.map(Queue.sliding<A, Cause.Done>(capacity), (queue) => {
          for (const value of before()) Queue.offerUnsafe(queue, value)
          if (haveEnded) Queue.endUnsafe(queue)
          else queues.add(queue)
          return queue
        }),
        (queue) =>
          Effect.suspend(() => {
            queues.delete(queue)
            return Queue.shutdown(queue)
          })
      )
  }
})
