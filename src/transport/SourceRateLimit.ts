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
import * as RecentlyUsed from "./RecentlyUsed.ts"

/** The shares, in datagrams a second, and as many at once. */
export const shares = { known: 5_000, unauthenticated: 1_000, unknown: 1_000 } as const

/** How many are remembered at least: known and unauthenticated sources by address and port, unknown ones by address. */
export const capacity = { known: 16_384, unauthenticated: 1_024, unknown: 1_024 } as const

/** Which sources may be heard, and which were valid. `source` is the {@link nameOf} an address. */
export interface SourceRateLimit {
  /** Whether one more datagram of this source is to be read at `now` (ms, monotonic); counts it if so. */
  readonly allows: (source: string, from: Address, now: number) => boolean
  /** This source sent a valid message. */
  readonly admit: (source: string, now: number) => void
  /** A datagram of this source opened with our key, but may be a recording. */
  readonly admitUnauthenticated: (source: string) => void
}

/** A source as one text: it is made once for each datagram. */
export const nameOf = ({ ip, port }: Address): string => `${ip} ${port}`

/** Makes shares that nobody has used yet. */
export const make = (): SourceRateLimit => {
  const known = RecentlyUsed.make<string, RateLimit.Bucket>(capacity.known)
  const pending = RecentlyUsed.make<string, true>(capacity.unauthenticated)
  const unknown = RateLimit.make({ ...rateOf(shares.unknown), addresses: capacity.unknown })
  const unauthenticated = RateLimit.make({ ...rateOf(shares.unauthenticated), addresses: capacity.unknown })
  return {
    allows: (source, from, now) => {
      const bucket = known.get(source)
      if (bucket !== undefined) return RateLimit.take(bucket, knownRate, now)
      return pending.get(source) === undefined ? unknown(from.ip, now) : unauthenticated(from.ip, now)
    },
    admit: (source, now) => {
      if (known.get(source) === undefined) known.set(source, RateLimit.full(knownRate, now))
    },
    admitUnauthenticated: (source) => {
      if (pending.get(source) === undefined) pending.set(source, true)
    }
  }
}

// internal

const rateOf = (share: number): RateLimit.Rate => ({ perSecond: share, burst: share })

const knownRate = rateOf(shares.known)
