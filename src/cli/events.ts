/** The events of a server or a client, on their way to people and programs. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as EventHub from "../engine/EventHub.ts"
import * as Output from "./output.ts"
import type * as Sink from "./sink.ts"

/** What tells events: a server's group, or a client. */
interface Source<E> {
  readonly subscribe: Effect.Effect<{ readonly events: Stream.Stream<E> }, never, Scope.Scope>
}

/**
 * Shows each event to the last, which is the source's goodbye: so it is called in a scope that outlives the source's own. What
 * it returns completes when the last one is shown.
 */
export const follow = <E extends { readonly event: string }>(
  source: Source<E>,
  show: (event: E) => Effect.Effect<void>
): Effect.Effect<Effect.Effect<unknown>, never, Scope.Scope> =>
  source.subscribe.pipe(
    Effect.flatMap(({ events }) =>
      events.pipe(
        Stream.takeUntil(({ event }) => event === "Left"),
        Stream.runForEach(show),
        Effect.forkScoped
      )
    ),
    Effect.map(Fiber.await)
  )

/** How many lines wait for a reader at most. */
const capacity = 8_192

/** Prints events, a line each, as fast as the reader of standard output reads. What it loses is told as a subscriber's losses are. */
export const lines = <E extends { readonly at: number }>(
  format: (event: E | EventHub.Lost) => string,
  expected?: (error: Sink.OutputClosed) => boolean
) => {
  let at = 0
  const text = (event: E | EventHub.Lost) => `${format(event)}\n`
  return Effect.map(
    Output.lines({ capacity, lost: (count) => text(EventHub.lost(at, count)) }, expected),
    ({ add, ...lines }) => ({
      ...lines,
      show: (event: E | EventHub.Lost): void => {
        at = event.at
        add(text(event))
      }
    })
  )
}

/** Waits, but only for a moment: not for a reader that is stuck. */
export const soon = (effect: Effect.Effect<unknown>) => Effect.timeoutOption(Effect.interruptible(effect), "300 millis")
