/** The fiber through which everything leaves: it sends what the steps left to be sent, one after the other, in order. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import type * as Datagrams from "../transport/Datagrams.ts"
import type * as Messenger from "../transport/Messenger.ts"
import type * as GroupState from "./GroupState.ts"
import type * as Supervisor from "./Supervisor.ts"

/** Whether it is our own system that refuses, and not the way to the other that is missing. */
const isOurOwn = (error: Datagrams.DatagramsFailed | Messenger.MessageTooLarge): boolean =>
  error._tag === "DatagramsFailed" && error.kind !== "Unreachable" && error.kind !== "ConnectionRefused"

/** How many questions may wait for a refusal at once. */
const maxQuestions = 32

/**
 * Starts the fiber. `farewell` completes when the goodbye has left; `pulse` is how many ms ago the fiber had last sent all
 * that there was to send.
 *
 * A send that fails is counted and lost, as any datagram may be: the next heartbeat tries again.
 */
export const run = Effect.fnUntraced(function*(
  state: GroupState.GroupState,
  messenger: Messenger.Messenger,
  supervisor: Supervisor.Supervisor
): Effect.fn.Return<
  { readonly farewell: Effect.Effect<void>; readonly pulse: Effect.Effect<number> },
  never,
  Scope.Scope
> {
  const farewell = yield* Deferred.make<void>()
  const questions = yield* FiberSet.make()
  let sentAt = (yield* state.now).monotonic
  const sent = Effect.map(state.now, ({ monotonic }) => {
    sentAt = monotonic
  })
  const failed = (error: Datagrams.DatagramsFailed | Messenger.MessageTooLarge) =>
    Effect.andThen(
      Effect.sync(() => state.drop("SendFailed")),
      Effect.logDebug(error.message)
    )
  type Question = Extract<GroupState.Outgoing, { readonly _tag: "Ask" }>
  /** By a socket that is open: a refusal is then not heard. */
  const onlySend = ({ id, message, to }: Question) =>
    Effect.tapError(
      messenger.send(to, message),
      (error) => isOurOwn(error) ? state.step({ _tag: "NotAsked", id }) : Effect.void
    )
  const ask = (question: Question) =>
    messenger.ask(question.to, question.message).pipe(
      Effect.flatMap((answer) => answer === "refused" ? state.step({ _tag: "Refused", id: question.id }) : Effect.void),
      // No socket can be had for it.
      Effect.catchIf(isOurOwn, () => onlySend(question))
    )
  const send = (outgoing: GroupState.Outgoing) => {
    switch (outgoing._tag) {
      case "Send":
        return Effect.flatMap(
          messenger.sendAll(outgoing.to, outgoing.message),
          Effect.forEach(failed, { discard: true })
        )
      case "Ask":
        // Each question has a socket of its own for a moment: with many under way, it is only sent.
        return Effect.flatMap(FiberSet.size(questions), (size) =>
          size < maxQuestions
            ? FiberSet.run(questions, supervisor.guard("question", Effect.catch(ask(outgoing), failed)))
            : Effect.catch(onlySend(outgoing), failed))
      case "Farewell":
        return Deferred.succeed(farewell, undefined)
    }
  }
  yield* supervisor.keep(
    "outbox",
    Queue.takeAll(state.outbox).pipe(
      Effect.flatMap(Effect.forEach((each) => send(each), { discard: true })),
      Effect.andThen(sent),
      // It gives way to others by waiting for more.
      Effect.forever({ disableYield: true })
    )
  )
  return {
    farewell: Deferred.await(farewell),
    pulse: Effect.map(state.now, ({ monotonic }) => Math.max(0, monotonic - sentAt))
  }
})
