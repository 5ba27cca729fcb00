/**
 * What may be watched as it happens: made only while somebody watches, and kept for nobody who comes later.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Readers from "./Readers.ts"

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
  const watchers = yield* Readers.make<A>(capacity)
  return {
    show: (make) => {
      if (watchers.count() > 0) watchers.offer(make())
    },
    shown: Stream.unwrap(Effect.map(watchers.open(() => []), (queue) => Stream.fromQueue(queue)))
  }
})
