/**
 * A job that must run on one server only: it sends a report every second for as long as its server leads.
 */
import { Leadership } from "bellwether"
import { Effect, Schedule } from "effect"

/** `send` is what really sends; a test hands in its own. */
export const reports = (send: (number: number) => Effect.Effect<void>) =>
  Effect.gen(function*() {
    let number = 0
    const next = Effect.suspend(() => send(++number))
    return yield* Effect.repeat(Leadership.Reign.guard(next), Schedule.spaced("1 second"))
  })
