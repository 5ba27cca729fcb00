/**
 * The fiber through which everything leaves: it hands what the steps left to be sent to the system in order, and all that waits at
 * once.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Batch from "../protocol/delivery/Batch.ts"
import type { NodeId } from "../protocol/model/Member.ts"
import type * as Datagrams from "../transport/Datagrams.ts"
import type * as Messenger from "../transport/Messenger.ts"
import * as Gathering from "./Gathering.ts"
import type * as Supervisor from "./Supervisor.ts"

/** A message to send or to ask with, and the end. */
export type Outgoing = Batch.Outgoing

type Refusal = Datagrams.DatagramsFailed | Messenger.MessageTooLarge

type Question = Extract<Outgoing, { readonly _tag: "Ask" }>

/** The result of a question: the other's host refused it, or our own system did not let us ask. */
export interface Outcome {
  readonly _tag: "Refused" | "NotAsked"
  readonly id: NodeId
}

/** Messages that wait before there is a way to send them. */
export interface Outbox {
  /** Never waits. A message too many, or one that cannot be sent, is counted and lost, as any datagram may be. */
  readonly add: (outgoing: Outgoing) => void
  /** Starts the fiber. */
  readonly run: (way: Way) => Effect.Effect<void, never, Scope.Scope>
  /** Completes when the last message has left. */
  readonly farewell: Effect.Effect<void>
  /** How many ms ago all was sent that there was to send. */
  readonly pulse: Effect.Effect<number>
}

/** The way out. */
export interface Way {
  readonly messenger: Messenger.Messenger
  readonly outcome: (outcome: Outcome) => void
}

const capacity = 4_096

/** How many questions may wait for a refusal at once. */
const maxQuestions = 32

/** Whether it is our own system that refuses, and not the way to the other that is missing. */
const isOurOwn = (error: Refusal): boolean =>
  error._tag === "DatagramsFailed" && error.kind !== "Unreachable" && error.kind !== "ConnectionRefused"

/** Makes an outbox. `drop` is called for each message that was not sent. */
export const make = Effect.fnUntraced(function*(
  drop: (reason: "SendFailed") => void,
  supervisor: Supervisor.Supervisor
): Effect.fn.Return<Outbox, never, Scope.Scope> {
  const clock = yield* Clock.Clock
  const monotonic = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const queue = yield* Queue.dropping<Outgoing>(capacity)
  const farewell = yield* Deferred.make<void>()
  const questions = yield* FiberSet.make()
  let sentAt = monotonic()

  const failed = (error: Refusal) => {
    drop("SendFailed")
    return Effect.logDebug(error.message)
  }

  const sender = ({ messenger, outcome }: Way) => {
    /** By a socket that is open: a refusal is then not heard. */
    const onlySend = ({ id, message, to }: Question) =>
      Effect.tapError(
        messenger.send(to, message),
        (error) => Effect.sync(() => isOurOwn(error) ? outcome({ _tag: "NotAsked", id }) : undefined)
      )
    const ask = (question: Question) =>
      messenger.ask(question.to, question.message).pipe(
        Effect.map((answer) => answer === "refused" ? outcome({ _tag: "Refused", id: question.id }) : undefined),
        // No socket can be had for it.
        Effect.catchIf(isOurOwn, () => onlySend(question))
      )
    return (outgoing: Outgoing) => {
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
  }

  return {
    add: (outgoing) => {
      if (!Queue.offerUnsafe(queue, outgoing)) drop("SendFailed")
    },
    run: (way) => {
      const send = sender(way)
      const waits = Gathering.make()
      /** What has come meanwhile goes with those that waited. */
      const gathered = (all: ReadonlyArray<Outgoing>): Effect.Effect<ReadonlyArray<Outgoing>> =>
        waits(all, monotonic())
          ? Effect.map(
            Effect.andThen(Effect.sleep(Gathering.wait), Queue.clear(queue)),
            (more) => [...all, ...more]
          )
          : Effect.succeed(all)
      const sent = Effect.sync(() => {
        sentAt = monotonic()
      })
      return supervisor.keep(
        "outbox",
        Queue.takeAll(queue).pipe(
          Effect.flatMap(gathered),
          Effect.flatMap((all) => sendAll(all, send)),
          Effect.andThen(sent),
          // It gives way to others by waiting for more.
          Effect.forever({ disableYield: true })
        )
      )
    },
    farewell: Deferred.await(farewell),
    pulse: Effect.sync(() => Math.max(0, monotonic() - sentAt))
  }
})

/** How many messages the system may be given that it has not taken yet. */
const atOnce = 64

/** Sends all that waits, some at once. The farewell is said when all have left. */
const sendAll = (
  all: ReadonlyArray<Outgoing>,
  send: (one: Outgoing) => Effect.Effect<unknown>
): Effect.Effect<unknown> => {
  const [first, ...others] = Batch.pack(all)
  if (first === undefined) return Effect.void
  if (others.length === 0) return send(first)
  const last = others.at(-1)!
  const isLast = last._tag === "Farewell"
  const now = Effect.forEach(isLast ? [first, ...others.slice(0, -1)] : [first, ...others], send, {
    concurrency: atOnce,
    discard: true
  })
  return isLast ? Effect.andThen(now, send(last)) : now
}
