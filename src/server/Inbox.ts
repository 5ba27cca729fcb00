/**
 * The service for the messages of clients: each client's in its order, each once, at every server of the group.
 *
 * @since 0.1.0
 */
import type * as Arr from "effect/Array"
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Client from "../protocol/model/Client.ts"

/**
 * A client's message. `seq` counts its messages from 1.
 *
 * @category models
 * @since 0.1.0
 */
export interface Message {
  readonly client: Client.Client
  readonly seq: number
  readonly body: Client.Body
}

/**
 * How many messages wait for a reader at most.
 *
 * @category models
 * @since 0.1.0
 */
export const capacity = 256

/**
 * The operations of the service `Inbox`.
 *
 * @category models
 * @since 0.1.0
 */
export interface InboxShape {
  /**
   * Messages from now on: each run has a subscription of its own, from the moment at which it begins to run. It ends with
   * the server, at once for a reader that comes later.
   *
   * Order: each client's messages in the order of `seq`, each once, whatever leader relayed them; between clients, as they
   * happen to come. A gap that could not be repaired is an event, `MessageLost`.
   *
   * A reader that is {@link capacity} messages behind gets no more until it reads. If this server leads it does not
   * acknowledge then, so the clients wait. If another leads, later messages wait among those that every server keeps (the
   * newest 1,024); beyond that they are lost, and reported. The other readers of this server wait with it, so every
   * subscriber must read. Without a reader messages pass by.
   */
  readonly messages: Stream.Stream<Message>
  /** Subscribes at once: messages that come before the stream is run wait for it. */
  readonly subscribe: Effect.Effect<Stream.Stream<Message>, never, Scope.Scope>
}

/**
 * The inbox of the one group of an app.
 *
 * @category services
 * @since 0.1.0
 */
export class Inbox extends Context.Service<Inbox, InboxShape>()("bellwether/server/Inbox") {}

/**
 * An inbox and the way in. `offer` is called for each message in turn; it does not block.
 *
 * @internal
 */
export interface FanOut {
  readonly inbox: InboxShape
  readonly offer: (message: Message) => void
}

interface Reader {
  // Bounded by `room`.
  readonly queue: Queue.Queue<Message, Cause.Done>
  /** How many messages had been offered when it came, and how many it has taken since. */
  readonly base: number
  taken: number
}

/**
 * Makes an inbox that ends with the scope. `room` is told how many messages may have been offered in all since the start:
 * as many as the slowest reader has taken, and {@link capacity} more.
 *
 * @internal
 */
export const make = Effect.fnUntraced(function*(
  room: (limit: number) => Effect.Effect<void>
): Effect.fn.Return<FanOut, never, Scope.Scope> {
  const readers = new Set<Reader>()
  let offered = 0
  let told = Infinity
  let hasEnded = false
  const limit = () => {
    let taken = Infinity
    for (const reader of readers) taken = Math.min(taken, reader.base + reader.taken)
    return taken + capacity
  }
  /** Not with each message: once a quarter of the room is free again. */
  const tell = (atLeast: number) =>
    Effect.suspend(() => {
      const now = limit()
      if (now === told || Math.abs(now - told) < atLeast) return Effect.void
      told = now
      return room(now)
    })
  const subscribe = Effect.acquireRelease(
    Effect.gen(function*() {
      const reader: Reader = { queue: yield* Queue.unbounded<Message, Cause.Done>(), base: offered, taken: 0 }
      if (hasEnded) yield* Queue.end(reader.queue)
      else readers.add(reader)
      yield* tell(1)
      return reader
    }),
    (reader) =>
      Effect.suspend(() => {
        readers.delete(reader)
        return Effect.andThen(Queue.shutdown(reader.queue), tell(1))
      })
  ).pipe(Effect.map((reader) => {
    // Not all there is: what is taken counts as read.
    const take = Effect.tap(Queue.takeBetween(reader.queue, 1, 16), (some) => {
      reader.taken += some.length
      return tell(capacity / 4)
    })
    return Stream.fromPull(Effect.succeed(Effect.map(take, (some) => some as Arr.NonEmptyArray<Message>)))
  }))
  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      hasEnded = true
      return Effect.forEach([...readers], ({ queue }) => Queue.end(queue), { discard: true })
    })
  )
  return {
    inbox: { messages: Stream.unwrap(subscribe), subscribe },
    offer: (message) => {
      offered += 1
      for (const { queue } of readers) Queue.offerUnsafe(queue, message)
    }
  }
})
