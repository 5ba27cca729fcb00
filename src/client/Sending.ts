/** Sending a message, and waiting for its acknowledgement. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Identity from "../protocol/model/Client.ts"
import * as Spelling from "../settings/Spelling.ts"
import { waitOf } from "../settings/Wait.ts"
import type * as ClientEngine from "./ClientEngine.ts"
import { BodyNotJson, BodyTooLarge, type ClientClosed, type SendError } from "./ClientError.ts"
import type * as Joining from "./Joining.ts"
import type * as Tickets from "./Tickets.ts"

/** The dependencies of sending. */
export interface Options {
  readonly engine: Pick<ClientEngine.ClientEngine, "offer" | "stateUnsafe">
  readonly tickets: Tickets.Tickets
  /** Fails once the client has left its group. */
  readonly closed: Effect.Effect<never, ClientClosed>
  /** How long an acknowledgement is waited for, unless a call says otherwise. */
  readonly within: Duration.Duration
  readonly nobody: Joining.Nobody
}

/** How one client sends: each call checks its message, hands it to the engine, and waits. */
export const send = ({ closed, engine, nobody, tickets, within: otherwise }: Options) =>
  Effect.fnUntraced(function*(
    body: Identity.Body,
    options: { readonly within?: Duration.Input | undefined } = {}
  ): Effect.fn.Return<number, SendError> {
    yield* Effect.orDie(Spelling.refuseUnknown(options, ["within"]))
    const within = yield* Effect.orDie(waitOf("within", options.within, otherwise))
    yield* check(body)
    yield* Effect.raceFirst(closed, Effect.void)
    const { answer, ticket } = yield* tickets.take
    const withdraw = Effect.sync(() => {
      tickets.giveBack(ticket)
      engine.offer({ _tag: "Withdraw", ticket })
    })
    engine.offer({ _tag: "Send", ticket, body })
    const seq = yield* Effect.raceFirst(answer, closed).pipe(
      Effect.timeoutOption(within),
      Effect.onInterrupt(() => withdraw)
    )
    if (Option.isSome(seq)) return seq.value
    const mayArrive = engine.stateUnsafe().flights.some((flight) => flight.ticket === ticket)
    yield* withdraw
    return yield* nobody("send", within, mayArrive)
  })

/** Fails if a body cannot be sent, with the reason. */
const check = (body: Identity.Body): Effect.Effect<void, BodyTooLarge | BodyNotJson> =>
  Effect.suspend((): Effect.Effect<void, BodyTooLarge | BodyNotJson> => {
    let bytes: number
    try {
      if (!Schema.is(Schema.Json)(body)) {
        return Effect.fail(new BodyNotJson({ reason: `a ${typeof body} in it is none` }))
      }
      bytes = Identity.bodyBytes(body)
    } catch (error) {
      return Effect.fail(new BodyNotJson({ reason: error instanceof Error ? error.message : String(error) }))
    }
    return bytes <= Identity.maxBodyBytes
      ? Effect.void
      : Effect.fail(new BodyTooLarge({ bytes, limit: Identity.maxBodyBytes }))
  })
