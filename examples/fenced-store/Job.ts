/**
 * The job of the leader: one invoice a second, each written with the token of the reign.
 */
import { Leadership } from "bellwether"
import { Effect, Schedule } from "effect"
import { Invoices } from "./Invoices.ts"

/** What became of one invoice: its number, or null where the table refused it. */
export interface Outcome {
  readonly by: string
  readonly token: string
  readonly number: number | null
}

/**
 * `note` is told of each outcome. Who is refused goes on trying: its part of the network knows of no other leader, so it
 * cannot know better. That does no harm; the table does.
 */
export const job = (by: string, note: (outcome: Outcome) => Effect.Effect<void>) =>
  Effect.gen(function*() {
    const invoices = yield* Invoices
    const { token } = yield* Leadership.Reign
    const one = invoices.issue({ by, token, customer: "ACME" }).pipe(
      Effect.catchTag("StaleToken", () => Effect.succeed(null)),
      Effect.flatMap((number) => note({ by, token, number }))
    )
    yield* Effect.catchTag(invoices.begin(token), "StaleToken", () => Effect.void)
    return yield* Effect.repeat(one, Schedule.spaced("1 second"))
  })
