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
  readonly near: (sender: NodeId, now: number) => void
  /** A server was heard from one that cannot. The copies of one message come in any order: this one may be the first. */
  readonly far: (sender: NodeId, now: number) => void
  /** How many of the latter turned out since the last call to be no copies. */
  readonly lost: (now: number) => number
}

/**
 * Remembers who was heard from an address that can be answered, for a second each: copies come together.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (): Copies => {
  const heard = new Map<NodeId, number>()
  /** The one that has waited for the longest is the first. */
  const waiting = new Map<NodeId, { readonly since: number; count: number }>()
  let lost = 0
  const giveUp = (isOver: (one: { readonly since: number }) => boolean) => {
    for (const [sender, one] of waiting) {
      if (!isOver(one)) return
      lost += one.count
      waiting.delete(sender)
    }
  }
  return {
    near: (sender, now) => {
      if (heard.size >= mostSenders) heard.clear()
      heard.set(sender, now)
      waiting.delete(sender)
    },
    far: (sender, now) => {
      if (Math.abs(now - (heard.get(sender) ?? -Infinity)) < together) return
      const before = waiting.get(sender)
      if (before !== undefined) return void (before.count += 1)
      if (waiting.size >= mostSenders) giveUp(() => true)
      waiting.set(sender, { since: now, count: 1 })
    },
    lost: (now) => {
      giveUp(({ since }) => Math.abs(now - since) >= together)
      const count = lost
      lost = 0
      return count
    }
  }
}

// internal

const together = 1_000
const mostSenders = 4_096
