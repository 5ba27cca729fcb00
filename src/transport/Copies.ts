/**
 * Copies of one message: a host with addresses on several networks of one link multicasts from each of them, and everybody on the
 * link hears them all. Those from an address that cannot be answered are not heard; of a server that is heard from one that
 * can, they are not worth a word either.
 *
 * @since 0.1.0
 */
import type { NodeId } from "../protocol/Member.ts"

/**
 * Who is heard, as one listener hears them. Times are in ms.
 *
 * @category models
 * @since 0.1.0
 */
export interface Copies {
  /** A server was heard from an address that can be answered. */
  readonly note: (sender: NodeId, now: number) => void
  /** Whether what a server says is most likely a copy of what it said from an address that can be answered. */
  readonly isCopy: (sender: NodeId, now: number) => boolean
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
    note: (sender, now) => {
      if (heard.size >= mostSenders) heard.clear()
      heard.set(sender, now)
    },
    isCopy: (sender, now) => Math.abs(now - (heard.get(sender) ?? -Infinity)) < together
  }
}

// internal

const together = 1_000
const mostSenders = 4_096
