/** Sending a message, and waiting for its acknowledgement. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Tickets from "../engine/Tickets.ts"
import type * as Identity from "../protocol/model/Client.ts"
import * as Submitting from "../server/Submitting.ts"
import * as Spelling from "../settings/Spelling.ts"
import { waitOf } from "../settings/Wait.ts"
import type * as ClientEngine from "./ClientEngine.ts"
import type { ClientClosed, OlderReaders, QueueFull, SendError } from "./ClientError.ts"
import type * as Joining from "./Joining.ts"

/** The dependencies of sending. */
export interface Options {
  readonly engine: Pick<ClientEngine.ClientEngine, "offer" | "stateUnsafe">
  readonly tickets: Tickets.Tickets<OlderReaders | QueueFull, ClientClosed>
  /** How long an acknowledgement is waited for, unless a call says otherwise. */
  readonly within: Duration.Duration
  readonly nobody: Joining.Nobody
  /** The largest body, in bytes of JSON. */
  readonly maxMessageBytes: number
}

/** What a call may say besides its message. */
export interface Call {
  readonly within?: Duration.Input | undefined
}

/** How one client sends, on the default topic unless one is named. */
export const send = ({ engine, nobody, within: otherwise, ...options }: Options) => {
  const submit = Submitting.submitting({
    ...options,
    send: (message) => engine.offer({ _tag: "Send", ...message }),
    withdraw: (ticket) => engine.offer({ _tag: "Withdraw", ticket }),
    isOnItsWay: (ticket) => engine.stateUnsafe().flights.some((flight) => flight.ticket === ticket)
  })
  return Effect.fnUntraced(function*(
    body: Identity.Body,
    call?: Call,
    topic?: string
  ): Effect.fn.Return<number, SendError> {
    const within = call === undefined ? otherwise : yield* withinOf(call, otherwise)
    const submitted = yield* submit(body, within, topic)
    return submitted.seq ?? (yield* nobody("send", within, submitted.mayArrive))
  })
}

const withinOf = (call: Call, otherwise: Duration.Duration) =>
  Effect.orDie(
    Effect.andThen(Spelling.refuseUnknown(call, ["within"]), waitOf("within", call.within, otherwise))
  )
