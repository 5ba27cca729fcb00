/**
 * The job: numbers the rounds of a ledger, one after the other, also when the leader changes.
 */
import { Leadership } from "bellwether"
import { Console, Effect, Schedule } from "effect"
import { Ledger } from "./Ledger.ts"

/**
 * What runs while this server leads, with the reign in its context. It is interrupted when the reign ends; the release
 * below is then done before the group hears of it.
 */
export const job = (by: string) =>
  Effect.gen(function*() {
    const ledger = yield* Ledger
    const reign = yield* Leadership.Reign
    const write = (text: string) => ledger.append({ token: reign.token, by, text })

    yield* Effect.acquireRelease(
      Effect.andThen(write("open"), Console.log(`${by} leads`)),
      () => Effect.andThen(Effect.ignore(write("close")), Console.log(`${by} leads no more`))
    )
    let number = (yield* ledger.entries).filter(({ text }) => text.startsWith("round ")).length
    const round = Effect.gen(function*() {
      number += 1
      // Asks the clock before it writes. What a process that froze right after it writes too late is void by its token.
      yield* Leadership.Reign.guard(write(`round ${number}`))
      yield* Console.log(`${by}: round ${number}`)
    })
    return yield* Effect.repeat(round, Schedule.spaced("200 millis"))
  }).pipe(
    Effect.scoped,
    // This process was paused for so long that its reign is over: nothing was written, and the next reign is waited for.
    Effect.catchTag("NotLeading", () => Effect.void)
  )
