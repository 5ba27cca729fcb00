/**
 * The way to hold resources: sessions of this server that ask the leader, and what becomes of what they hold. What holds
 * partitions and locks stands on this.
 */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type { Wanted } from "../protocol/grants/Claiming.ts"
import * as Claiming from "../protocol/grants/Claiming.ts"
import type { Output } from "../protocol/model/Output.ts"
import type { Now, State } from "../protocol/model/State.ts"
import * as Step from "../protocol/Step.ts"

/**
 * What becomes of a session. `Granted`: the resource is held from now on, under that token; while what was done under an
 * earlier grant of it has not ended, the new one waits. `EndGrant`: end what is done, then `release`. `HoldRefused`: it will
 * never hold anything.
 */
export type HoldEvent = Extract<Output, { readonly _tag: "Granted" | "EndGrant" | "HoldRefused" }>

/** What came of an ask: `again` is for how many ms more nothing is granted, 0 where it may be; null where it was refused. */
export type Answered = { readonly again: number } | null

/** A session of this server. */
export interface Hold {
  /** What becomes of it, in order. It holds no more than two events for each resource that were not taken yet. */
  readonly events: Queue.Dequeue<HoldEvent>
  /** Wants something else from now on. What is held and not wanted stays held until it is released. */
  readonly want: (wanted: Pick<Wanted, "wanted" | "weight">) => Effect.Effect<void>
  /** Wants that from now on, and waits until the leader has answered an ask that was sent since. It may wait without end. */
  readonly ask: (wanted: Pick<Wanted, "wanted" | "weight">) => Effect.Effect<Answered>
  /** What is held by the clock and not to be ended, and for how many ms if it is not renewed. */
  readonly current: Effect.Effect<ReadonlyMap<number, Claiming.Current>>
  /** What was done under these grants has ended, by their resources: others may have them at once. */
  readonly release: (tokens: ReadonlyMap<number, string>) => Effect.Effect<void>
  /** The token of what is held, by the clock; null where it is not. */
  readonly token: (resource: number) => Effect.Effect<string | null>
  /**
   * Ends the session. `finished` where nothing that was done under its grants still runs: then others may have them at once, else
   * when they are over by the clock.
   */
  readonly end: (finished: boolean) => Effect.Effect<void>
}

/** The sessions of one server. */
export interface Holds {
  /** Begins a session, which asks at once. It goes on until it is ended. */
  readonly hold: (wanted: Omit<Wanted, "hold">) => Effect.Effect<Hold>
  /**
   * Takes what a step leaves to be done for a session. Never waits. Those whose ask is answered go on `afterwards`: what they ask next
   * is a step of its own.
   */
  readonly carryOut: (output: HoldEvent | AskAnswered, afterwards: (wake: () => void) => void) => void
}

type AskAnswered = Extract<Output, { readonly _tag: "AskAnswered" }>

/** Those who wait for the answer to an ask that is newer than `after`. */
interface Waiter {
  readonly after: number
  readonly answered: (answer: Answered) => void
}

interface Session {
  readonly events: Queue.Queue<HoldEvent>
  readonly waiters: Set<Waiter>
}

/** No session yet. */
export const make = (parts: {
  readonly offer: (input: Step.Input) => void
  readonly state: () => State
  readonly now: Effect.Effect<Now>
}): Holds => {
  const sessions = new Map<number, Session>()
  let holds = 0
  const step = (input: Step.Input) => Effect.sync(() => parts.offer(input))
  return {
    hold: (wanted) =>
      Effect.map(Queue.unbounded<HoldEvent>(), (events) => {
        const hold = ++holds
        const waiters = new Set<Waiter>()
        sessions.set(hold, { events, waiters })
        // One that has left steps no more.
        if (parts.state().phase === "Left") Queue.offerUnsafe(events, { _tag: "HoldRefused", hold, why: "Left" })
        else parts.offer({ _tag: "Hold", hold, ...wanted })
        return {
          events,
          want: (to) => step({ _tag: "Hold", hold, ...wanted, ...to }),
          ask: (to) =>
            Effect.callback<Answered>((resume) => {
              const waiter: Waiter = {
                after: Claiming.newestAsk(parts.state(), hold),
                answered: (answer) => resume(Effect.succeed(answer))
              }
              waiters.add(waiter)
              parts.offer({ _tag: "Hold", hold, ...wanted, ...to })
              return Effect.sync(() => void waiters.delete(waiter))
            }),
          current: Effect.map(parts.now, (now) => Claiming.current(parts.state(), hold, now)),
          release: (tokens) => step({ _tag: "Release", hold, tokens }),
          token: (resource) => Effect.map(parts.now, (now) => Step.tokenOf(parts.state(), hold, resource, now)),
          end: (finished) =>
            Effect.andThen(step({ _tag: "Unhold", hold, finished }), Effect.sync(() => sessions.delete(hold)))
        }
      }),
    carryOut: (output, afterwards) => {
      const session = sessions.get(output.hold)
      if (session === undefined) return
      if (output._tag !== "AskAnswered") Queue.offerUnsafe(session.events, output)
      if (output._tag === "AskAnswered" || output._tag === "HoldRefused") afterwards(() => answer(session, output))
    }
  }
}

const answer = (
  { waiters }: Session,
  output: AskAnswered | Extract<HoldEvent, { readonly _tag: "HoldRefused" }>
): void => {
  for (const waiter of waiters) {
    if (output._tag === "AskAnswered" && output.seq <= waiter.after) continue
    waiters.delete(waiter)
    waiter.answered(output._tag === "AskAnswered" ? output : null)
  }
}
