/** The leads that a server lost, and how long it therefore waits before it takes the lead from another. */
import type * as Reign from "./Reign.ts"
import type * as Timing from "./Timing.ts"

/** The losses of a server, and its waiting for them. */
export interface Losses {
  /** How many losses are not forgiven, at most {@link maxLosses}. */
  readonly count: number
  /** When the last of them was. */
  readonly lostAt: number
  /** Since when it has led, or has been heard by most members. A loss that is forgiven uses up some of this time. */
  readonly wholeSince: number
  /** When it last asked which members hear it; null if no answers are awaited. */
  readonly askedAt: number | null
  /** Until when others may take a vacant place first. */
  readonly lastUntil: number
  /** The reign that it asked to make way for it; null where it asked none since it last led. */
  readonly deposing: Reign.Reign | null
  /** The leader that it gave up last, as it did not hear it or was not heard by it; null where it led or followed another since. */
  readonly givenUp: Reign.Leader | null
}

/** A server that has lost no lead. */
export const none: Losses = {
  count: 0,
  lostAt: -Infinity,
  wholeSince: -Infinity,
  askedAt: null,
  lastUntil: -Infinity,
  deposing: null,
  givenUp: null
}

/** More losses than these make a server wait no longer. */
export const maxLosses = 7

/**
 * For how long a server that lost that many leads, one at least, must be heard whole before it takes the lead from another,
 * in ms.
 */
export const waitAfter = (losses: number, { memberTimeout }: Pick<Timing.Timing, "memberTimeout">): number =>
  memberTimeout * 2 ** (losses - 1)

/**
 * The longest that a server waits after a loss, however badly it is heard, in ms. A server that has led, or was heard
 * whole, for as long is forgiven one loss.
 */
export const longest = (timing: Pick<Timing.Timing, "memberTimeout">): number => waitAfter(maxLosses, timing)

/**
 * Until when a server takes the lead from nobody, by its monotonic clock, if it goes on being heard whole; the past where it
 * lost none.
 */
export const until = (
  { count, lostAt, wholeSince }: Losses,
  timing: Pick<Timing.Timing, "memberTimeout">
): number => count === 0 ? -Infinity : Math.min(wholeSince + waitAfter(count, timing), lostAt + longest(timing))

/** The losses that are left: one is forgiven for each longest wait in which all was well. */
export const forgiven = (all: Losses, timing: Pick<Timing.Timing, "memberTimeout">, now: number): Losses => {
  if (all.count === 0) return all
  const steps = Math.floor((now - all.wholeSince) / longest(timing))
  if (steps <= 0) return all
  if (steps >= all.count) return { ...none, deposing: all.deposing }
  return {
    ...all,
    count: all.count - steps,
    wholeSince: all.wholeSince + steps * longest(timing)
  }
}
