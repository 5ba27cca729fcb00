/** A client's engine: its transition, and where goes what each of its steps leaves to be done. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import * as Engine from "../engine/Engine.ts"
import * as EventHub from "../engine/EventHub.ts"
import type * as Outbox from "../engine/Outbox.ts"
import type * as Supervisor from "../engine/Supervisor.ts"
import type * as Tickets from "../engine/Tickets.ts"
import * as ClientStep from "../protocol/delivery/ClientStep.ts"
import * as Flights from "../protocol/delivery/Flights.ts"
import type * as Parts from "../protocol/delivery/Parts.ts"
import type { Output, State } from "../protocol/model/ClientContext.ts"
import type * as ClientEvent from "../protocol/model/ClientEvent.ts"
import type * as Member from "../protocol/model/Member.ts"
import { OlderReaders, QueueFull } from "./ClientError.ts"
import * as View from "./View.ts"

/** The engine, and what its client waits for. */
export interface ClientEngine extends Engine.Engine<State, ClientStep.Input> {
  readonly hub: EventHub.EventHub<View.View, ClientEvent.ClientEvent>
  /** Waits until the leader has let us in. */
  readonly joined: Effect.Effect<void>
  /** Waits until all that was sent is acknowledged. */
  readonly drain: Effect.Effect<void>
}

export interface Options {
  readonly initial: State
  readonly outbox: Pick<Outbox.Outbox, "add">
  /** Where goes what is for the whole group, to which the leader's address is given. */
  readonly everywhere: (leader: Member.Address | null) => ReadonlyArray<Member.Address | null>
  readonly tickets: Pick<Tickets.Tickets<OlderReaders | QueueFull, unknown>, "answer">
  /** Takes what clients sent, and must not wait. */
  readonly deliver: (message: Parts.Whole) => void
  readonly drop: (reason: "PartLost") => void
  readonly supervisor: Supervisor.Supervisor
}

/** Makes the engine of one client. */
export const make = Effect.fnUntraced(function*(
  { deliver, drop, everywhere, initial, outbox, supervisor, tickets }: Options
): Effect.fn.Return<ClientEngine, never, Scope.Scope> {
  const joined = yield* Deferred.make<void>()
  const draining = new Set<Deferred.Deferred<void>>()
  let newest = initial
  const hub = yield* EventHub.make<View.View, ClientEvent.ClientEvent>(() => View.of(newest))

  const carryOut = (output: Output): void => {
    switch (output._tag) {
      case "Send": {
        const to = output.to === null ? everywhere(newest.address) : [output.to]
        return to.length === 0 ? undefined : outbox.add({ ...output, to })
      }
      case "Farewell":
        return outbox.add(output)
      case "Emit":
        return hub.publish(output.event)
      case "Deliver":
        return deliver(output.message)
      case "Drop":
        return drop(output.reason)
      // Who waits for these is woken later.
      default:
        return
    }
  }
  const wake = (outputs: ReadonlyArray<Output>, after: State): void => {
    if (after.phase === "Joined") Deferred.doneUnsafe(joined, Effect.void)
    for (const output of outputs) {
      if (output._tag === "Acknowledged") tickets.answer(output.ticket, Exit.succeed(output.seq))
      else if (output._tag === "QueueFull") tickets.answer(output.ticket, queueFull)
      else if (output._tag === "Refused") tickets.answer(output.ticket, olderReaders(output.older))
    }
    if (draining.size === 0 || !ClientStep.isDrained(after)) return
    const all = [...draining]
    draining.clear()
    for (const one of all) Deferred.doneUnsafe(one, Effect.void)
  }
  const engine = yield* Engine.make<State, ClientStep.Input, Output>({
    initial,
    transition: ClientStep.step,
    dueAt: ClientStep.dueAt,
    due: { _tag: "Due" },
    carryOut: (outputs, { after }, afterwards) => {
      newest = after
      for (const output of outputs) carryOut(output)
      afterwards(() => wake(outputs, after))
    },
    supervisor
  })
  const drain = Effect.suspend(() => {
    if (ClientStep.isDrained(engine.stateUnsafe())) return Effect.void
    const one = Deferred.makeUnsafe<void>()
    draining.add(one)
    return Effect.ensuring(Deferred.await(one), Effect.sync(() => draining.delete(one)))
  })
  return { ...engine, hub, joined: Deferred.await(joined), drain }
})

const olderReaders = (members: ReadonlyArray<string>) => Exit.fail(new OlderReaders({ members }))

const queueFull = Exit.fail(new QueueFull({ waiting: Flights.queueLimit, limit: Flights.queueLimit }))
