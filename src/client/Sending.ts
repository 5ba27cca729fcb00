/** Sending a message, and waiting for its acknowledgement. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Identity from "../protocol/model/Client.ts"
import * as Spelling from "../settings/Spelling.ts"
import { waitOf } from "../settings/Wait.ts"
import type * as ClientEngine from "./ClientEngine.ts"
import { BodyNotJson, BodyTooLarge, type SendError } from "./ClientError.ts"
import type * as Joining from "./Joining.ts"
import type * as Tickets from "./Tickets.ts"

/** The dependencies of sending. */
export interface Options {
  readonly engine: Pick<ClientEngine.ClientEngine, "offer" | "stateUnsafe">
  readonly tickets: Tickets.Tickets
  /** How long an acknowledgement is waited for, unless a call says otherwise. */
  readonly within: Duration.Duration
  readonly nobody: Joining.Nobody
}

/** How one client sends: each call checks its message, hands it to the engine, and waits. */
export const send = ({ engine, nobody, tickets, within: otherwise }: Options) =>
  Effect.fnUntraced(function*(
    body: Identity.Body,
    options?: { readonly within?: Duration.Input | undefined }
  ): Effect.fn.Return<number, SendError> {
    const within = options === undefined ? otherwise : yield* withinOf(options, otherwise)
    yield* check(body)
    const { answer, ticket } = yield* tickets.take(within)
    const withdraw = Effect.sync(() => {
      tickets.giveBack(ticket)
      engine.offer({ _tag: "Withdraw", ticket })
    })
    engine.offer({ _tag: "Send", ticket, body })
    const seq = yield* Effect.onInterrupt(answer, () => withdraw)
    if (seq !== null) return seq
    const mayArrive = engine.stateUnsafe().flights.some((flight) => flight.ticket === ticket)
    yield* withdraw
    return yield* nobody("send", within, mayArrive)
  })

const withinOf = (options: { readonly within?: Duration.Input | undefined }, otherwise: Duration.Duration) =>
  Effect.orDie(
    Effect.andThen(Spelling.refuseUnknown(options, ["within"]), waitOf("within", options.within, otherwise))
  )

const isJson = Schema.is(Schema.Json)

/** Fails if a body cannot be sent, with the reason. */
const check = (body: Identity.Body): Effect.Effect<void, BodyTooLarge | BodyNotJson> =>
  Effect.suspend((): Effect.Effect<void, BodyTooLarge | BodyNotJson> => {
    try {
      if (!isJson(body)) {
        return Effect.fail(new BodyNotJson({ reason: `a ${typeof body} in it is none` }))
      }
      return Identity.fits(body)
        ? Effect.void
        : Effect.fail(new BodyTooLarge({ bytes: Identity.bodyBytes(body), limit: Identity.maxBodyBytes }))
    } catch (error) {
      return Effect.fail(new BodyNotJson({ reason: error instanceof Error ? error.message : String(error) }))
    }
  })
