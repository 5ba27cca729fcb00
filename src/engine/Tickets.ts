/**
 * The callers that wait for the answer to their message: each has a ticket, and is answered once. One sleep at a time tells who has waited
 * long enough: a fiber for each that waits would cost more than all else that a message does.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberHandle from "effect/FiberHandle"
import type * as Scope from "effect/Scope"

/** The number by which the message was acknowledged, null where that was not in time; or why it was not taken. */
export type Answer<E> = Exit.Exit<number | null, E>

/** `E` is why a message is not taken, `Closed` that there are no more tickets. */
export interface Tickets<in out E, out Closed> {
  /** Fails once the tickets are closed. */
  readonly take: (
    within: Duration.Duration
  ) => Effect.Effect<{ readonly ticket: number; readonly answer: Effect.Effect<number | null, E | Closed> }, Closed>
  /** The waiting caller goes on at once. */
  readonly answer: (ticket: number, answer: Answer<E>) => void
  /** Nobody waits for it any more. */
  readonly giveBack: (ticket: number) => void
  /** The client leaves: all who wait are told so, and all who come later. */
  readonly close: Effect.Effect<void>
}

interface Waiting<E> {
  readonly answer: Deferred.Deferred<number | null, E>
  readonly until: number
}

/** The longest sleep of one timer, in ms. */
const longestSleep = 2 ** 31 - 1

/** No ticket is taken yet. The sleep ends with the scope. `closed` makes the error of those who come too late. */
export const make = Effect.fnUntraced(function*<E, Closed>(
  closed: () => Closed
): Effect.fn.Return<Tickets<E, Closed>, never, Scope.Scope> {
  const clock = yield* Clock.Clock
  const monotonic = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const runAlarm = yield* FiberHandle.makeRuntime<never>()
  const waiting = new Map<number, Waiting<E | Closed>>()
  let last = 0
  let wakesAt = Infinity
  let isClosed = false

  const answer = (ticket: number, answer: Answer<E | Closed>): void => {
    const waits = waiting.get(ticket)
    waiting.delete(ticket)
    if (waits !== undefined) Deferred.doneUnsafe(waits.answer, answer)
  }
  const wakeAt = (at: number) => {
    if (at >= wakesAt) return
    wakesAt = at
    runAlarm(Effect.andThen(Effect.sleep(Math.min(longestSleep, Math.max(0, Math.ceil(at - monotonic())))), wake))
  }
  const wake = Effect.sync(() => {
    wakesAt = Infinity
    const now = monotonic()
    let next = Infinity
    for (const [ticket, { until }] of waiting) {
      if (until <= now) answer(ticket, Exit.succeed(null))
      else next = Math.min(next, until)
    }
    wakeAt(next)
  })
  return {
    take: (within) =>
      Effect.suspend(() => {
        if (isClosed) return Effect.fail(closed())
        const ticket = (last += 1)
        const answer = Deferred.makeUnsafe<number | null, E | Closed>()
        const until = monotonic() + Duration.toMillis(within)
        waiting.set(ticket, { answer, until })
        wakeAt(until)
        return Effect.succeed({ ticket, answer: Deferred.await(answer) })
      }),
    answer,
    giveBack: (ticket) => void waiting.delete(ticket),
    close: Effect.sync(() => {
      isClosed = true
      for (const ticket of waiting.keys()) answer(ticket, Exit.fail(closed()))
    })
  }
})
