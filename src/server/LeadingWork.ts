/**
 * Leading work: it runs while this server leads, and ends with the reign.
 *
 * Of one leadership, work of different reigns never overlaps on a server, also if different callers asked for it: while
 * some of an earlier reign still runs, that of the next one waits; and if it has not ended within `stopTimeout`, this
 * server leads no more until it has. Work of one reign that was asked for several times runs side by side.
 */
import type * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type * as Reign from "../protocol/model/Reign.ts"

/** The lead as its work sees it. */
export interface Lead {
  /** Which it is: spans of its work say so. */
  readonly about: Readonly<Record<"group" | "node" | "election", string>>
  /** The reign of this server's own, by the clock: null also where it was paused for too long. */
  readonly own: Effect.Effect<Reign.Reign | null>
  /** The same as it was last told, and each later one. */
  readonly owns: Stream.Stream<Reign.Reign | null>
  readonly token: (reign: Reign.Reign) => string
  readonly resign: Effect.Effect<void>
  /** Work of the reign of this term has not ended in its time. */
  readonly overran: (term: number) => Effect.Effect<void>
  /** None of that kind runs any more. */
  readonly finished: Effect.Effect<void>
  /** Work has failed in the reign of this term, and is not run again. */
  readonly failed: (term: number, cause: Cause.Cause<unknown>) => Effect.Effect<void>
  /** All callers' work has failed for good: no caller is left to run some. */
  readonly givenUp: Effect.Effect<void>
  /** A caller has come where there was none. */
  readonly offered: Effect.Effect<void>
}

/** One run of one effect. */
export interface Running {
  readonly term: number
  readonly done: Deferred.Deferred<void>
  /** It was interrupted. */
  stopping: boolean
  /** And has not ended in its time. */
  overrunning: boolean
}

/** The leading work of one leadership of one server that runs now. */
export interface LeadingWork {
  readonly stopTimeout: Duration.Duration
  readonly running: Set<Running>
  /** The names of the singletons that were asked for. */
  readonly singletons: Set<string>
  /** How many callers run or wait. */
  callers: number
  /**
   * Waits until none runs any more, `stopTimeout` at most, and not for work that has had that time already; answers whether
   * none does. The work itself is interrupted by its reign's end.
   */
  readonly end: Effect.Effect<boolean>
  /** Waits until none runs any more, however long that takes. */
  readonly idle: Effect.Effect<void>
}

/** Waits until all of these are done. */
export const allDone = (running: ReadonlyArray<Running>) =>
  Effect.forEach(running, ({ done }) => Deferred.await(done), { concurrency: "unbounded", discard: true })

/** The leading work of one server in all elections. */
export interface All {
  readonly stopTimeout: Duration.Duration
  /** That of one election. */
  readonly of: (election: string) => LeadingWork
  /** Waits for the end of one election's work; see {@link LeadingWork}. */
  readonly end: (election: string) => Effect.Effect<boolean>
  /** Waits until none of one election's runs; see {@link LeadingWork}. */
  readonly idle: (election: string) => Effect.Effect<void>
  /** Forgets an election's, unless somebody still works or waits there. */
  readonly release: (election: string) => void
}

/** No leading work yet, in any election. `stopTimeout` is how long it may take to stop. */
export const makeAll = (stopTimeout: Duration.Duration): All => {
  const all = new Map<string, LeadingWork>()
  return {
    stopTimeout,
    of: (election) => {
      const work = all.get(election) ?? make(stopTimeout)
      all.set(election, work)
      return work
    },
    end: (election) => Effect.suspend(() => all.get(election)?.end ?? Effect.succeed(true)),
    idle: (election) => Effect.suspend(() => all.get(election)?.idle ?? Effect.void),
    release: (election) => {
      const work = all.get(election)
      if (work !== undefined && work.callers === 0 && work.running.size === 0) all.delete(election)
    }
  }
}

const make = (stopTimeout: Duration.Duration): LeadingWork => {
  const running = new Set<Running>()
  return {
    stopTimeout,
    running,
    singletons: new Set(),
    callers: 0,
    end: Effect.suspend(() => allDone([...running].filter(({ overrunning }) => !overrunning))).pipe(
      Effect.timeoutOption(stopTimeout),
      Effect.map(() => running.size === 0)
    ),
    idle: Effect.whileLoop({
      while: () => running.size > 0,
      body: () => allDone([...running]),
      step: () => {}
    })
  }
}
