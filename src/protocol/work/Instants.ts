/** Which instant of a schedule runs next: what has run, and what was missed. */
import * as Cron from "effect/Cron"
import type { Known } from "../model/Runs.ts"

/**
 * What becomes of instants that passed while nobody led, or whose run did not end: `skip`: they never run. `once`: the newest of
 * them runs, late; one that began and did not end runs again.
 */
export type CatchUp = "skip" | "once"

/**
 * The instant that runs next, in Unix ms: it may have passed. Infinity where there is none. An instant that has run, or may have,
 * is never chosen, regardless of the clock; but for `once` one that began, and is not known to be done.
 */
export const next = (cron: Cron.Cron, catchUp: CatchUp, { begun, done, since }: Known, now: number): number => {
  const after = Math.max(begun, since)
  if (catchUp === "once") {
    if (done < begun) return begun
    const missed = found(() => Cron.prev(cron, now + 1))
    if (missed > after && missed <= now) return missed
  }
  return following(cron, Math.max(after, now))
}

/** The first instant after another. */
export const following = (cron: Cron.Cron, after: number): number => found(() => Cron.next(cron, after))

/** A schedule may have no further instant: a 30th of February is looked for, and given up. */
const found = (search: () => Date): number => {
  try {
    return search().getTime()
  } catch {
    return Infinity
  }
}
