/**
 * When an examination has seen enough. Pure.
 */
import { chosenOf, isTaken, isUnheard, leaderOf, leaderships } from "./Facts.ts"
import type { Observations } from "./Observations.ts"

/**
 * Whether longer listening would change nothing for the better: every probe comes back, and every server that is known is
 * heard both ways. Or nothing can be listened on at all.
 */
export const isSettled = (seen: Observations): boolean => {
  const chosen = chosenOf(seen)
  if (chosen.every(({ refusal }) => refusal !== null) || isTaken(seen)) return seen.lasted >= hopeless
  return seen.lasted >= shortest &&
    (!seen.multicast || chosen.every(({ echoed, refusal }) => refusal !== null || echoed > 0))
    && seen.servers.length > 0 &&
    seen.servers.every(({ answered, multicast }) => answered !== null && (multicast !== null || !seen.multicast))
    && leaderOf(seen) !== undefined && !isUnheard(seen)
    && new Set(leaderships(seen).map(({ leader }) => leader)).size === 1
}

/**
 * Whether some server answers but has not been heard by multicast yet: one lost heartbeat is no finding, so it is worth
 * listening for another.
 */
export const isSuspect = (seen: Observations): boolean =>
  seen.multicast && seen.servers.some(({ answered, multicast }) => answered !== null && multicast === null)

// internal

const shortest = 1_500
const hopeless = 500
