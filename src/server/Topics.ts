/** Who reads which topic: each reader has a queue of its own, of which it loses the oldest where it is slow. */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Topic from "../protocol/model/Topic.ts"
import type { Heard } from "./Members.ts"
import * as Unreadable from "./Unreadable.ts"

/** How many messages wait for a reader at most. */
export const capacity = 256

/** The readers of topics. */
export interface Topics {
  /** Hands a message to each reader of its topic. Never waits, and runs no reader. */
  readonly offer: (topic: string, heard: Heard<Schema.Json>) => void
  /** What is heard on a topic from now on, as its schema reads it. It ends with the topics. */
  readonly subscribe: <A>(topic: Topic.Topic<A>) => Effect.Effect<Stream.Stream<Heard<A>>, never, Scope.Scope>
}

/** What is counted. */
export interface Counting {
  /** A reader lost its oldest message. */
  readonly lost: () => void
  /** A body was not what the schema of its topic says. */
  readonly unreadable: () => void
}

type Reading = Queue.Queue<Heard<Schema.Json>, Cause.Done>

/** No reader yet. They end with the scope. */
export const make = Effect.fnUntraced(function*(counting: Counting): Effect.fn.Return<Topics, never, Scope.Scope> {
  const readers = new Map<string, Set<Reading>>()
  const tell = yield* Unreadable.make
  let hasEnded = false
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      hasEnded = true
      for (const queues of readers.values()) for (const queue of queues) Queue.endUnsafe(queue)
      readers.clear()
    })
  )
  const open = (name: string) =>
    Effect.map(Queue.sliding<Heard<Schema.Json>, Cause.Done>(capacity), (queue) => {
      if (hasEnded) Queue.endUnsafe(queue)
      else readers.set(name, (readers.get(name) ?? new Set()).add(queue))
      return queue
    })
  const close = (name: string, queue: Reading) =>
    Effect.suspend(() => {
      const queues = readers.get(name)
      queues?.delete(queue)
      if (queues?.size === 0) readers.delete(name)
      return Queue.shutdown(queue)
    })
  return {
    offer: (topic, heard) => {
      for (const queue of readers.get(topic) ?? []) {
        if (Queue.isFullUnsafe(queue)) counting.lost()
        Queue.offerUnsafe(queue, heard)
      }
    },
    subscribe: <A>({ body, name }: Topic.Topic<A>) => {
      const decode = Schema.decodeUnknownResult(body)
      const read = (heard: Heard<Schema.Json>) => {
        const decoded = decode(heard.body)
        if (Result.isSuccess(decoded)) return Effect.succeedSome<Heard<A>>({ ...heard, body: decoded.success })
        counting.unreadable()
        const { from } = heard
        return Effect.as(
          tell(`what ${from.name} (${from.id}) said`, name, String(decoded.failure)),
          Option.none<Heard<A>>()
        )
      }
      return Effect.map(
        Effect.acquireRelease(open(name), (queue) => close(name, queue)),
        (queue) =>
          Stream.fromQueue(queue).pipe(Stream.mapEffect(read), Stream.map(Option.toArray), Stream.flattenIterable)
      )
    }
  }
})
