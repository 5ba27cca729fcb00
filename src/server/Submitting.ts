/** How a message is handed to an engine that sends it: as JSON that is small enough, and then its acknowledgement is waited for. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Tickets from "../engine/Tickets.ts"
import * as Parts from "../protocol/delivery/Parts.ts"
import * as Client from "../protocol/model/Client.ts"
import type * as Topic from "../protocol/model/Topic.ts"
import * as Encoding from "./Encoding.ts"
import { BodyNotJson, BodyTooLarge } from "./PublishError.ts"

/** A body of a topic as JSON. */
export const encode = <A>({ body: schema, name }: Topic.Topic<A>, body: A): Effect.Effect<Client.Body, BodyNotJson> =>
  Encoding.encode(
    schema,
    body,
    (reason) => new BodyNotJson({ reason: `it is not of the schema of ${JSON.stringify(name)}: ${reason}` })
  )

const isJson = Schema.is(Schema.Json)

/** Fails if a body cannot be sent, with the reason. */
const check = (body: Client.Body, limit: number): Effect.Effect<void, BodyTooLarge | BodyNotJson> =>
  Effect.suspend((): Effect.Effect<void, BodyTooLarge | BodyNotJson> => {
    try {
      if (!isJson(body)) {
        return Effect.fail(new BodyNotJson({ reason: `a ${typeof body} in it is none` }))
      }
      if (Client.fits(body)) return Effect.void
      const bytes = Client.bodyBytes(body)
      if (bytes > limit) return Effect.fail(new BodyTooLarge({ bytes, limit }))
      return Parts.depthOf(JSON.stringify(body)) > Parts.maxDepth
        ? Effect.fail(new BodyNotJson({ reason: `its lists and objects are nested more than ${Parts.maxDepth} deep` }))
        : Effect.void
    } catch (error) {
      return Effect.fail(new BodyNotJson({ reason: error instanceof Error ? error.message : String(error) }))
    }
  })

/** The ways to an engine that sends, and the wait for what becomes of a message. */
export interface Options<E, Closed> {
  readonly tickets: Tickets.Tickets<E, Closed>
  /** The largest body, in bytes of JSON. */
  readonly maxMessageBytes: number
  readonly send: (
    message: { readonly ticket: number; readonly body: Client.Body; readonly topic: string | undefined }
  ) => void
  readonly withdraw: (ticket: number) => void
  /** Whether a part of it has gone out, so that it may still be relayed. */
  readonly isOnItsWay: (ticket: number) => boolean
}

/** A message that is acknowledged, by its number; or one that was not in time, and may still arrive. */
export type Submitted = { readonly seq: number } | { readonly seq: null; readonly mayArrive: boolean }

/** Each call checks its message, hands it on, and waits. Interrupted, it takes back what has not gone out. */
export const submitting = <E, Closed>({ isOnItsWay, maxMessageBytes, send, tickets, withdraw }: Options<E, Closed>) =>
(
  body: Client.Body,
  within: Duration.Duration,
  topic?: string
): Effect.Effect<Submitted, E | Closed | BodyTooLarge | BodyNotJson> =>
  Effect.gen(function*() {
    yield* check(body, maxMessageBytes)
    const { answer, ticket } = yield* tickets.take(within)
    const takeBack = Effect.sync(() => {
      tickets.giveBack(ticket)
      withdraw(ticket)
    })
    send({ ticket, body, topic })
    const seq = yield* Effect.onInterrupt(answer, () => takeBack)
    if (seq !== null) return { seq }
    const mayArrive = isOnItsWay(ticket)
    yield* takeBack
    return { seq, mayArrive }
  })
