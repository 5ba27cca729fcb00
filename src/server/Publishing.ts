/**
 * What is published on a topic, typed at both ends: each publisher's messages in its order, each once, at every server and every
 * client of the group.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Tickets from "../engine/Tickets.ts"
import type * as Client from "../protocol/model/Client.ts"
import type * as Topic from "../protocol/model/Topic.ts"
import * as Spelling from "../settings/Spelling.ts"
import { waitOf } from "../settings/Wait.ts"
import type * as Inbox from "./Inbox.ts"
import { NotPublished, OlderReaders, type PublishError, QueueFull } from "./PublishError.ts"
import type * as ServerEngine from "./ServerEngine.ts"
import * as Submitting from "./Submitting.ts"
import * as Unreadable from "./Unreadable.ts"

export { BodyNotJson, BodyTooLarge, NotPublished, OlderReaders, type PublishError, QueueFull } from "./PublishError.ts"

/**
 * A message on a topic, and who published it. `seq` rises with each message of that one, on any topic.
 *
 * @category models
 * @since 0.1.0
 */
export interface Published<A> {
  readonly client: Client.Client
  readonly seq: number
  readonly body: A
}

/**
 * The ways to read what is published.
 *
 * @category models
 * @since 0.1.0
 */
export interface Reading {
  /**
   * What is published on a topic from now on: each run has a subscription of its own. Order, bounds and gaps are those of
   * `Inbox`, whose readers wait with the readers of every topic.
   *
   * A body that is not of the topic's schema is passed over. It is counted, as `BodyRefused`, and told in the log once a minute.
   */
  readonly messages: <A>(topic: Topic.Topic<A>) => Stream.Stream<Published<A>>
  /** Subscribes at once: what comes before the stream is run waits for it. */
  readonly subscribe: <A>(topic: Topic.Topic<A>) => Effect.Effect<Stream.Stream<Published<A>>, never, Scope.Scope>
}

/**
 * Reads the inboxes of topics. `refused` is called for each body that is not of its topic's schema.
 *
 * @internal
 */
export const reading = Effect.fnUntraced(function*(
  on: Inbox.FanOut["on"],
  refused: () => void
): Effect.fn.Return<Reading> {
  const tell = yield* Unreadable.make
  const refuse = (topic: string, { client, seq }: Inbox.Message, why: string) =>
    Effect.suspend(() => {
      refused()
      return tell(`message ${seq} of ${client.name}`, topic, why)
    })
  const decoded = <A>(
    { body, name }: Topic.Topic<A>,
    all: Stream.Stream<Inbox.Message>
  ): Stream.Stream<Published<A>> => {
    const decode = Schema.decodeResult(body)
    const read = (message: Inbox.Message): Effect.Effect<ReadonlyArray<Published<A>>> => {
      const { client, seq } = message
      const result = decode(message.body)
      return Result.isSuccess(result)
        ? Effect.succeed([{ client, seq, body: result.success }])
        : Effect.as(refuse(name, message, result.failure.message), [])
    }
    return Stream.flattenIterable(Stream.mapEffect(all, read))
  }
  return {
    messages: (topic) => decoded(topic, on(topic.name).messages),
    subscribe: (topic) => Effect.map(on(topic.name).subscribe, (all) => decoded(topic, all))
  }
})

/**
 * How long an acknowledgement is waited for.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly within?: Duration.Input | undefined
}

/**
 * The operations of the service `Publishing`.
 *
 * @category models
 * @since 0.1.0
 */
export interface PublishingShape extends Reading {
  /**
   * Publishes a body on a topic, and waits until the leader has it and has relayed it; the answer is its `seq`. Others see it as of
   * a client of this server's name. It is sent again until then, to the next leader too, and is relayed once; this server gets
   * it like every other.
   *
   * Order: that of the calls, also of those that do not wait for each other, on all topics. At most 64 are on their way;
   * 1,024 more wait, each part of 512 bytes counted. Interrupted, or not acknowledged `within` 1 minute unless set, it is taken back
   * if it has not gone out yet; if it has, it is sent on until it is acknowledged. A `within` below 1 ms is a defect.
   */
  readonly publish: <A>(topic: Topic.Topic<A>, body: A, options?: Options) => Effect.Effect<number, PublishError>
  /**
   * The same on the default topic, as a client's `send` does: it comes to each server's `Inbox` and to the `messages` of each
   * client. Up to 512 bytes of JSON the servers and clients of all versions read.
   */
  readonly send: (body: Client.Body, options?: Options) => Effect.Effect<number, PublishError>
}

/**
 * What is published in the one group of an app.
 *
 * @category services
 * @since 0.1.0
 */
export class Publishing extends Context.Service<Publishing, PublishingShape>()("bellwether/server/Publishing") {}

/** For how long an acknowledgement is waited for, unless a call says otherwise: a group whose leader dies has another by then. */
const patience = Duration.minutes(1)

/**
 * Why the engine does not take a message.
 *
 * @internal
 */
export type NotTaken = OlderReaders | QueueFull

/**
 * The error that a server's engine means by an output.
 *
 * @internal
 */
export const notTaken = (older: ReadonlyArray<string>, limit: number): NotTaken =>
  older.length > 0 ? new OlderReaders({ members: older }) : new QueueFull({ waiting: limit, limit })

/**
 * The error of those who publish when the server has left.
 *
 * @internal
 */
export const left = (): NotPublished => new NotPublished({ reason: "Left", within: 0, mayArrive: false })

/**
 * The service of a server.
 *
 * @internal
 */
export const make = (
  reading: Reading,
  state: Pick<ServerEngine.ServerEngine, "offer" | "stateUnsafe">,
  tickets: Tickets.Tickets<NotTaken, NotPublished>,
  maxMessageBytes: number
): PublishingShape => {
  const submit = Submitting.submitting({
    tickets,
    maxMessageBytes,
    send: (message) => state.offer({ _tag: "Publish", ...message }),
    withdraw: (ticket) => state.offer({ _tag: "Unpublish", ticket }),
    isOnItsWay: (ticket) => state.stateUnsafe().publisher?.flights.some((flight) => flight.ticket === ticket) ?? false
  })
  const send = Effect.fnUntraced(function*(body: Client.Body, options: Options | undefined, topic?: string) {
    const given = options ?? {}
    yield* Effect.orDie(Spelling.refuseUnknown(given, ["within"]))
    const within = yield* Effect.orDie(waitOf("within", given.within, patience))
    const submitted = yield* submit(body, within, topic)
    if (submitted.seq !== null) return submitted.seq
    const { mayArrive } = submitted
    return yield* new NotPublished({ reason: "NoLeader", within: Math.round(Duration.toMillis(within)), mayArrive })
  })
  return {
    ...reading,
    publish: (topic, body, options) =>
      Effect.flatMap(Submitting.encode(topic, body), (json) => send(json, options, topic.name)),
    send: (body, options) => send(body, options)
  }
}
