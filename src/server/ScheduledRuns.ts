/**
 * Leading work by a schedule: each instant runs once in the whole group, regardless of which server leads.
 *
 * @since 0.1.0
 */
import type * as Cron from "effect/Cron"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Election from "../protocol/model/Election.ts"
import type * as Runs from "../protocol/model/Runs.ts"
import * as Instants from "../protocol/work/Instants.ts"
import type { SettingRefused } from "../settings/SettingRefused.ts"
import * as Spelling from "../settings/Spelling.ts"
import { NotLeading, Reign } from "./OwnReign.ts"
import type * as Singleton from "./Singleton.ts"

/**
 * What becomes of instants that passed while nobody led, while a run took longer than the time between two, or whose run did not
 * end.
 *
 * - `skip` (unless set): they never run. Each instant runs **at most once**.
 * - `once`: the newest that was missed runs late, once. A run that began and did not end, as its server crashed or as it failed,
 *   **runs again**: work must bear that.
 *
 * `schedule` says when to go on after a run that failed, as for a singleton: without one, with the next instant for `skip`, and
 * after 250 ms, then twice as long each time, for `once`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<E, R = never> extends Singleton.Options<E, R> {
  readonly catchUp?: Instants.CatchUp | undefined
}

/**
 * A run of a job.
 *
 * @internal
 */
export interface Job<A, E, R> {
  readonly cron: Cron.Cron
  readonly work: (at: DateTime.Utc) => Effect.Effect<A, E, R>
  readonly catchUp: Instants.CatchUp
  /** Has marks kept by enough members, and answers what they know. */
  readonly mark: (mark: Runs.Mark) => Effect.Effect<Runs.Known>
  /** What the clock shows by which the marks are set, in Unix ms. */
  readonly wall: Effect.Effect<number>
}

const names: ReadonlyArray<keyof Options<unknown>> = ["catchUp", "schedule", "healthyAfter"]

/**
 * Refuses options of which one has a name that is not known, and a name that is none.
 *
 * @internal
 */
export const check = (name: string, options: Options<never, unknown>): Effect.Effect<void, SettingRefused> =>
  Election.isName(name)
    ? Spelling.refuseUnknown(options, names)
    : Effect.die(new Error(`${JSON.stringify(name)} is no name of a job; allowed: 1 to 32 bytes of plain text`))

/**
 * How a job goes on after a run that failed, unless it says itself.
 *
 * @internal
 */
export const scheduleOf = <E, R>({ catchUp, schedule }: Options<E, R>): Singleton.Options<E, R>["schedule"] =>
  schedule ?? (catchUp === "once" ? undefined : Schedule.spaced("250 millis"))

/** The longest time between two looks at the wall clock, which may be set meanwhile. */
const longestSleep = Duration.toMillis("10 seconds")

const until = (wall: Effect.Effect<number>, instant: number): Effect.Effect<void> =>
  Effect.gen(function*() {
    for (let left = Infinity; left > 0;) {
      left = instant - (yield* wall)
      if (left > 0) yield* Effect.sleep(Math.min(left, longestSleep))
    }
  })

/**
 * Runs a job under the reign in its context: asks what has run, then runs each instant when its time has come.
 *
 * @internal
 */
export const run = <A, E, R>({ catchUp, cron, mark, wall, work }: Job<A, E, R>): Effect.Effect<never, E, R | Reign> =>
  Effect.gen(function*() {
    const { isCurrent, term } = yield* Reign
    const asked = yield* mark({ begun: 0, done: 0 })
    let { begun, done } = asked
    while (true) {
      const at = Instants.next(cron, catchUp, { begun, done, since: asked.since }, yield* wall)
      if (at === Infinity) return yield* Effect.never
      yield* until(wall, at)
      // After a suspension later ones may be past as well: then it is one of those that were missed.
      if (at > begun && Instants.following(cron, at) <= (yield* wall)) continue
      const kept = yield* mark({ begun: at, done })
      begun = kept.begun
      done = kept.done
      // Another has begun a later one.
      if (begun !== at) continue
      // Only now: while the lease lasts, no later leader has asked what has begun.
      if (!(yield* isCurrent)) return yield* Effect.die(new NotLeading({ term }))
      yield* work(DateTime.makeUnsafe(at))
      done = at
      if (catchUp === "once") yield* mark({ begun, done })
    }
  })
