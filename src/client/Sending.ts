/** What an app sends: each call waits for the acknowledgement of its own message. */
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Engine from "../engine/Engine.ts"
import * as ClientStep from "../protocol/delivery/ClientStep.ts"
import * as Identity from "../protocol/model/Client.ts"
import type * as ClientContext from "../protocol/model/ClientContext.ts"
import * as Spelling from "../settings/Spelling.ts"
import { waitOf } from "../settings/Wait.ts"
import {
  BodyNotJson,
  BodyTooLarge,
  type ClientClosed,
  type NobodyLeads,
  QueueFull,
  type SendError
} from "./ClientError.ts"

/** What sending needs of its client. */
export interface Way {
  readonly engine: Engine.Engine<ClientContext.State, ClientStep.Input>
  /** Fails once the client has left its group. */
  readonly closed: Effect.Effect<never, ClientClosed>
  /** How long an acknowledgement is waited for, unless a call says otherwise. */
  readonly within: Duration.Duration
  readonly nobody: (within: Duration.Duration, mayArrive: boolean) => Effect.Effect<NobodyLeads>
}

/** The messages of one client that wait for their acknowledgement. */
export interface Sending {
  /** Completes the calls that a step has answered. They go on at once. */
  readonly answer: (outputs: ReadonlyArray<ClientContext.Output>, after: ClientContext.State) => void
  readonly over: (
    way: Way
  ) => (
    body: Identity.Body,
    options?: { readonly within?: Duration.Input | undefined }
  ) => Effect.Effect<number, SendError>
  /** Waits until all that was sent is acknowledged. */
  readonly drain: (state: () => ClientContext.State) => Effect.Effect<void>
}

/** Nothing is sent yet. */
export const make: Effect.Effect<Sending> = Effect.sync(() => {
  const waiting = new Map<number, Deferred.Deferred<number, QueueFull>>()
  const draining = new Set<Deferred.Deferred<void>>()
  let tickets = 0

  const done = (ticket: number, result: Effect.Effect<number, QueueFull>): void => {
    const one = waiting.get(ticket)
    waiting.delete(ticket)
    if (one !== undefined) Deferred.doneUnsafe(one, result)
  }
  return {
    answer: (outputs, after) => {
      for (const output of outputs) {
        if (output._tag === "Acknowledged") done(output.ticket, Effect.succeed(output.seq))
        else if (output._tag === "QueueFull") done(output.ticket, Effect.fail(isFull()))
      }
      if (draining.size === 0 || !ClientStep.isDrained(after)) return
      const all = [...draining]
      draining.clear()
      for (const one of all) Deferred.doneUnsafe(one, Effect.void)
    },
    over: ({ closed, engine, nobody, within: otherwise }) => (body, options = {}) =>
      Effect.gen(function*() {
        yield* Effect.orDie(Spelling.refuseUnknown(options, ["within"]))
        const within = yield* Effect.orDie(waitOf("within", options.within, otherwise))
        yield* check(body)
        yield* Effect.raceFirst(closed, Effect.void)
        const ticket = (tickets += 1)
        const acknowledged = yield* Deferred.make<number, QueueFull>()
        const withdraw = Effect.sync(() => {
          waiting.delete(ticket)
          engine.offer({ _tag: "Withdraw", ticket })
        })
        waiting.set(ticket, acknowledged)
        engine.offer({ _tag: "Send", ticket, body })
        const seq = yield* Effect.raceFirst(Deferred.await(acknowledged), closed).pipe(
          Effect.timeoutOption(within),
          Effect.onInterrupt(() => withdraw)
        )
        if (Option.isSome(seq)) return seq.value
        const mayArrive = engine.stateUnsafe().flights.some((flight) => flight.ticket === ticket)
        yield* withdraw
        return yield* Effect.flatMap(nobody(within, mayArrive), Effect.fail)
      }),
    drain: (state) =>
      Effect.suspend(() => {
        if (ClientStep.isDrained(state())) return Effect.void
        const one = Deferred.makeUnsafe<void>()
        draining.add(one)
        return Effect.ensuring(Deferred.await(one), Effect.sync(() => draining.delete(one)))
      })
  }
})

const isFull = () => new QueueFull({ waiting: ClientStep.queueLimit, limit: ClientStep.queueLimit })

/** Fails with what is wrong with a body. */
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
