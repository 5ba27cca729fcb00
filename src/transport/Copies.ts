/**
 * Copies of one message. A host with addresses on several networks of one link multicasts from each of them, and everybody
 * on the link hears them all. A copy from an address that cannot be answered is dropped. It is counted only if the same
 * server is not heard from an address that can be answered.
 */
/** The key of a datagram at one listener: a server's id, or the number of a sealed datagram. Times are in ms. */
export interface Copies {
  /** A server was heard from an address that can be answered. */
  readonly near: (sender: string, now: number) => void
  /** Whether a server was heard from such an address just now, so that the same once more is most likely a copy. */
  readonly isCopy: (sender: string, now: number) => boolean
  /** A server was heard from one that cannot. The copies of one message come in any order: this one may be the first. */
  readonly far: (sender: string, now: number) => void
  /** How many of the latter turned out since the last call to be no copies. */
  readonly lost: (now: number) => number
}

/** Remembers the senders that were heard from an address that can be answered, for a second each: copies come together. */
export const make = (): Copies => {
  const heard = new Map<string, number>()
  /** The one that has waited for the longest is the first. */
  const waiting = new Map<string, { readonly since: number; count: number }>()
  let lost = 0
  const giveUp = (isOver: (one: { readonly since: number }) => boolean) => {
    for (const [sender, one] of waiting) {
      if (!isOver(one)) return
      lost += one.count
      waiting.delete(sender)
    }
  }
  const isCopy = (sender: string, now: number) => Math.abs(now - (heard.get(sender) ?? -Infinity)) < together
  return {
    near: (sender, now) => {
      if (heard.size >= mostSenders) heard.clear()
      heard.set(sender, now)
      waiting.delete(sender)
    },
    isCopy,
    far: (sender, now) => {
      if (isCopy(sender, now)) return
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
