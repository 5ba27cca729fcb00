/**
 * Copies of one message: a host with addresses on several networks of one link multicasts from each of them, and everybody on the
 * link hears them all. Those from an address that cannot be answered are left out, so that a server is known by the one that can.
 *
 * @since 0.1.0
 */
import type { NodeId } from "../protocol/Member.ts"

/**
 * Copies as one listener hears them.
 *
 * @category models
 * @since 0.1.0
 */
export interface Copies {
  /**
   * Whether a message that a server multicast is a copy to leave out, at this time in ms. `isNear`: its address can be answered.
   * Whoever is heard from no such address is heard from any.
   */
  readonly isSpare: (sender: NodeId, isNear: boolean, now: number) => boolean
}

/**
 * Remembers who was heard from an address that can be answered, for a second each: copies come together.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (): Copies => {
  const heard = new Map<NodeId, number>()
  return {
    isSpare: (sender, isNear, now) => {
      if (!isNear) return now - (heard.get(sender) ?? -Infinity) < together
      if (heard.size >= mostSenders) heard.clear()
      heard.set(sender, now)
      return false
    }
  }
}

// internal

const together = 1_000
const mostSenders = 4_096
