/**
 * How far the explorer goes, in the tests and in `npm run explore`.
 */
import type * as Explorer from "../../src/simulator/Explorer.ts"

/** What may happen on one way: with three servers, more ways than can all be gone. */
export const bounds: Explorer.Bounds = {
  crashes: 1,
  restarts: 1,
  lost: 3,
  duplicated: 2,
  elections: 2,
  horizon: 3_000
}

/** With leases servers leave too: they hand over what they promised. */
export const boundsOf = (mode: "bully" | "lease"): Explorer.Bounds =>
  mode === "lease" ? { ...bounds, stops: 1 } : bounds

/** A majority lease of three, as short as it can be and still be held: what is on the grid of times. */
export const lease = { lease: { groupSize: 3, duration: 600, drift: 0.01 } }

/**
 * Where leaders say no more than their heartbeats: their signs of life are many more ways, and what is silent leads no more
 * before anything else becomes of it. What goes wrong with their pace is seen in stories.
 */
export const withoutPace = { leaderInterval: 500 }
