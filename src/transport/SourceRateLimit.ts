/**
 * The per-source rate limit: a source that floods costs the others nothing. A datagram over the share of its source is
 * dropped unread.
 *
 * There are three kinds of share:
 *
 * - A source (address and port) that sent a valid message has a share of its own.
 * - All unknown sources at one IP address have one share together. Otherwise a flood that changes its port with each
 *   datagram would be a new source each time.
 * - All unauthenticated senders at one IP address have one share together. Their datagrams open with our key, but may be
 *   recordings. So a newcomer is heard beside a flood from its own host, and a recording buys no share for each port.
 */
import type { Address } from "../protocol/model/Member.ts"
import * as RateLimit from "./RateLimit.ts"

/** The shares, in datagrams a second, and as many at once. */
export const shares = { known: 5_000, unauthenticated: 1_000, unknown: 1_000 } as const

/** How many are remembered: known and unauthenticated sources by address and port, unknown ones by address. */
export const capacity = { known: 8_192, unauthenticated: 1_024, unknown: 1_024 } as const

/** Which sources may be heard, and which were valid. */
export interface SourceRateLimit {
  /** Whether one more datagram of this source is to be read at `now` (ms, monotonic); counts it if so. */
  readonly allows: (from: Address, now: number) => boolean
  /** This source sent a valid message. */
  readonly admit: (from: Address) => void
  /** A datagram of this source opened with our key, but may be a recording. */
  readonly admitUnauthenticated: (from: Address) => void
}

/** Makes shares that nobody has used yet. */
export const make = (): SourceRateLimit => {
  const known = RateLimit.make({ perSecond: shares.known, burst: shares.known, addresses: capacity.known })
  const unknown = RateLimit.make({ perSecond: shares.unknown, burst: shares.unknown, addresses: capacity.unknown })
  const unauthenticated = RateLimit.make({
    perSecond: shares.unauthenticated,
    burst: shares.unauthenticated,
    addresses: capacity.unknown
  })
  const valid = newest(capacity.known)
  const pending = newest(capacity.unauthenticated)
  return {
    allows: (from, now) => {
      const name = nameOf(from)
      if (valid.has(name)) return known(name, now)
      return pending.has(name) ? unauthenticated(from.ip, now) : unknown(from.ip, now)
    },
    admit: (from) => valid.add(nameOf(from)),
    admitUnauthenticated: (from) => pending.add(nameOf(from))
  }
}

// internal

const nameOf = ({ ip, port }: Address) => `${ip} ${port}`

/** So many names, those that were added the longest ago forgotten first. */
const newest = (most: number) => {
  // In the order of their last addition, which a Set keeps when an entry is deleted and added again.
  const names = new Set<string>()
  return {
    has: (name: string): boolean => names.has(name),
    add: (name: string): void => {
      names.delete(name)
      names.add(name)
      if (names.size <= most) return
      for (const oldest of names) {
        names.delete(oldest)
        return
      }
    }
  }
}
