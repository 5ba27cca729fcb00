/** Has the marks of scheduled runs kept by the group, and waits until enough members keep them. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Runs from "../protocol/model/Runs.ts"
import type * as Step from "../protocol/Step.ts"

/** The way to the marks of all jobs. */
export interface Marking {
  /**
   * Has these marks of a job kept, and answers what enough members know of it. Waits for as long as that takes; where this server
   * does not lead, or no longer, for good: its caller is interrupted then.
   */
  readonly mark: (job: Runs.Job, mark: Runs.Mark) => Effect.Effect<Runs.Known>
  /** Takes the answer to a request. */
  readonly answered: (request: number, known: Runs.Known) => Effect.Effect<void>
}

/** Nothing is asked yet. */
export const make = (offer: (input: Step.Input) => void): Marking => {
  const waiting = new Map<number, Deferred.Deferred<Runs.Known>>()
  let requests = 0
  return {
    mark: ({ job, leadership }, mark) =>
      Effect.suspend(() => {
        const request = ++requests
        const known = Deferred.makeUnsafe<Runs.Known>()
        waiting.set(request, known)
        offer({ _tag: "MarkRun", request, leadership, job, mark })
        return Effect.ensuring(Deferred.await(known), Effect.sync(() => waiting.delete(request)))
      }),
    answered: (request, known) =>
      Effect.suspend(() => {
        const waits = waiting.get(request)
        return waits === undefined ? Effect.void : Deferred.succeed(waits, known)
      })
  }
}
