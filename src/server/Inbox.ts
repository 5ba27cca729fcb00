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
import type * as Parts from "../protocol/delivery/Parts.ts"
import type * as Client from "../protocol/model/Client.ts"

/**
 * A client's message. `seq` counts its messages from 1; one in parts takes a number for each, and has that of its last.
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
 * How many messages wait for a reader at most, one in parts counted as so many: beyond, no more than one is begun.
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
   * Messages on the default topic from now on: each run has a subscription of its own, from the moment at which it begins to run. It ends with
   * the server, at once for a reader that comes later.
   *
   * Order: each client's messages in the order of `seq`, each once, regardless of which leader relayed them; between clients, as they
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
 * A message on its way in, with how many parts it had.
 *
 * @internal
 */
export type Offered = Parts.Whole

/**
 * The inboxes, one a topic, and the way in. `offer` is called for each message in turn; it does not block.
 *
 * @internal
 */
export interface FanOut {
  readonly inbox: InboxShape
  readonly on: (topic: string) => InboxShape
  readonly offer: (message: Offered) => void
}

interface Reader {
  /** Undefined for the default one. */
  readonly topic: string | undefined
  // Bounded by `room`.
  readonly queue: Queue.Queue<Offered, Cause.Done>
  /** How many of those offered wait to be taken, in parts. */
  waiting: number
}

const partsOf = (some: ReadonlyArray<Offered>): number => some.reduce((sum, { parts }) => sum + parts, 0)

/** Tells `room` how many messages may have been offered, as {@link make} says. */
const accounts = (readers: ReadonlySet<Reader>, room: (limit: number) => void) => {
  let offered = 0
  let told = Infinity
  const limit = () => {
    if (readers.size === 0) return Infinity
    let most = 0
    for (const { waiting } of readers) most = Math.max(most, waiting)
    return offered - most + capacity
  }
  return {
    offer: (parts: number): void => {
      offered += parts
    },
    /** Not with each message: once a quarter of the room is free again. */
    tell: (atLeast: number): void => {
      const now = limit()
      if (now === told || Math.abs(now - told) < atLeast) return
      told = now
      room(now)
    }
  }
}

/**
 * Makes inboxes that end with the scope. `room` is told how many messages may have been offered in all since the start: as
 * many as leave no more than {@link capacity} waiting for the slowest reader.
 *
 * @internal
 */
export const make = Effect.fnUntraced(function*(
  room: (limit: number) => void
): Effect.fn.Return<FanOut, never, Scope.Scope> {
  const readers = new Set<Reader>()
  const { offer, tell } = accounts(readers, room)
  let hasEnded = false
  const subscribe = (topic: string | undefined): InboxShape["subscribe"] =>
    Effect.acquireRelease(
      Effect.gen(function*() {
        const reader: Reader = { topic, queue: yield* Queue.unbounded<Offered, Cause.Done>(), waiting: 0 }
        if (hasEnded) yield* Queue.end(reader.queue)
        else readers.add(reader)
        tell(1)
        return reader
      }),
      (reader) =>
        Effect.suspend(() => {
          readers.delete(reader)
          tell(1)
          return Queue.shutdown(reader.queue)
        })
    ).pipe(Effect.map((reader) => {
      // Not all there is: what is taken counts as read.
      const takeSome = Queue.takeBetween(reader.queue, 1, 16)
      const take = Effect.map(takeSome, (some): Arr.NonEmptyReadonlyArray<Message> => {
        reader.waiting -= partsOf(some)
        tell(capacity / 4)
        return some as unknown as Arr.NonEmptyReadonlyArray<Message>
      })
      return Stream.fromPull(Effect.succeed(take))
    }))
  const on = (topic: string | undefined): InboxShape => {
    const subscribed = subscribe(topic)
    return { messages: Stream.unwrap(subscribed), subscribe: subscribed }
  }
  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      hasEnded = true
      return Effect.forEach([...readers], ({ queue }) => Queue.end(queue), { discard: true })
    })
  )
  return {
    inbox: on(undefined),
    on,
    offer: (message) => {
      offer(message.parts)
      for (const reader of readers) {
        if (reader.topic !== message.topic) continue
        reader.waiting += message.parts
        Queue.offerUnsafe(reader.queue, message)
      }
      // What nobody here reads passes by, and takes no room.
      tell(capacity / 4)
    }
  }
})
