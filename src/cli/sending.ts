/** Sends the lines that a person or a program gives, in order, many at once. */
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Predicate from "effect/Predicate"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import type * as Client from "../client/Client.ts"

/** Some of the lines were not acknowledged. `code` is 3 where nobody answered, 2 where lines were refused. */
export class NotAllSent extends Schema.TaggedError<NotAllSent>()("NotAllSent", {
  lines: Schema.Natural,
  of: Schema.Natural,
  code: Schema.Literals([2, 3])
}) {
  override get [Runtime.errorExitCode]() {
    return this.code
  }
  override readonly [Runtime.errorReported] = false
  override get message() {
    return `${this.lines} of ${this.of} lines were not acknowledged`
  }
}

/** How many lines may wait for their acknowledgement before another one is read: less than the client's own queue. */
const outstanding = 256

/** Why a line was not acknowledged, other than that we have left. */
export type Refused = Exclude<Client.SendError, Client.ClientClosed>

/** `told` hears of each line that will not be acknowledged, `settled` of each that is on its way no more. */
export const make = Effect.fnUntraced(function*(
  client: Client.ClientShape,
  told: (line: string, number: number, error: Refused) => Effect.Effect<void>,
  settled: Effect.Effect<void> = Effect.void
) {
  const permits = yield* Semaphore.make(outstanding)
  const fibers = yield* FiberSet.make()
  const lost: Array<Client.SendError> = []
  let read = 0
  let waiting = 0
  const send = (line: string) =>
    Effect.gen(function*() {
      const number = (read += 1)
      yield* permits.take(1)
      waiting += 1
      // Begins at once: lines are sent in the order in which they are read.
      yield* FiberSet.run(
        fibers,
        client.send(line).pipe(
          Effect.catch((error) => {
            lost.push(error)
            return Predicate.isTagged(error, "ClientClosed") ? Effect.void : told(line, number, error)
          }),
          Effect.ensuring(Effect.suspend(() => {
            waiting -= 1
            return Effect.andThen(permits.release(1), settled)
          }))
        )
      )
    })
  /** Fails where a line was not acknowledged: how many were not. Why was told before. */
  const outcome = Effect.suspend(() => {
    const [first] = lost
    return first === undefined ? Effect.void : Effect.fail(
      new NotAllSent({
        lines: lost.length,
        of: read,
        code: Predicate.isTagged(first, "NobodyLeads") ? 3 : 2
      })
    )
  })
  return {
    send,
    /** How many are on their way. */
    waiting: () => waiting,
    /** Waits until no line is on its way. */
    settled: FiberSet.awaitEmpty(fibers),
    outcome,
    /** How many were given up when we left. */
    abandoned: () => lost.filter((error) => Predicate.isTagged(error, "ClientClosed")).length
  }
})

export type Sending = Effect.Success<ReturnType<typeof make>>
