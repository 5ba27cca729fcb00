/** The callers that wait for the answer to their message: each has a ticket, and is answered once. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type { QueueFull } from "./ClientError.ts"

/** The number by which the message was acknowledged, or why it was not taken. */
export type Answer = Exit.Exit<number, QueueFull>

export interface Tickets {
  readonly take: Effect.Effect<{ readonly ticket: number; readonly answer: Effect.Effect<number, QueueFull> }>
  /** The waiting caller goes on at once. */
  readonly answer: (ticket: number, answer: Answer) => void
  /** Nobody waits for it any more. */
  readonly giveBack: (ticket: number) => void
}

export const make = (): Tickets => {
  const waiting = new Map<number, Deferred.Deferred<number, QueueFull>>()
  let last = 0
  return {
    take: Effect.sync(() => {
      const ticket = (last += 1)
      const answer = Deferred.makeUnsafe<number, QueueFull>()
      waiting.set(ticket, answer)
      return { ticket, answer: Deferred.await(answer) }
    }),
    answer: (ticket, answer) => {
      const waits = waiting.get(ticket)
      waiting.delete(ticket)
      if (waits !== undefined) Deferred.doneUnsafe(waits, answer)
    },
    giveBack: (ticket) => void waiting.delete(ticket)
  }
}
