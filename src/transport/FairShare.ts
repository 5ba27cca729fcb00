/**
 * Who may be heard: each source has a share of what we read, so that one that sends without end costs the others nothing.
 * What is over its share is dropped before anything of it is looked at.
 *
 * A source that has said something valid has a share of its own. All others at one IP address have one share together, or a
 * flood that changes its port with each datagram would be a new source each time.
 *
 * @since 0.1.0
 */
import type { Address } from "../protocol/Member.ts"
import * as RateLimit from "./RateLimit.ts"

/**
 * The shares, in datagrams a second, and as many at once: of one known source, and of all unknown ones at one address.
 *
 * @category models
 * @since 0.1.0
 */
export const shares = { known: 5_000, unknown: 1_000 } as const

/**
 * How many sources are told apart: known ones, by address and port, and addresses of unknown ones.
 *
 * @category models
 * @since 0.1.0
 */
export const capacity = { known: 8_192, unknown: 1_024 } as const

/**
 * Who may be heard, and who was worth it.
 *
 * @category models
 * @since 0.1.0
 */
export interface FairShare {
  /** Whether one more datagram of this source is to be read at `now` (ms, monotonic); counts it if so. */
  readonly admits: (from: Address, now: number) => boolean
  /** What this source said was valid. */
  readonly trust: (from: Address) => void
}

/**
 * Makes shares that nobody has used yet.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (): FairShare => {
  const known = RateLimit.make({ perSecond: shares.known, burst: shares.known, addresses: capacity.known })
  const unknown = RateLimit.make({ perSecond: shares.unknown, burst: shares.unknown, addresses: capacity.unknown })
  // In the order in which they were last valid, which a Set keeps when an entry is deleted and added again.
  const valid = new Set<string>()
  const nameOf = ({ ip, port }: Address) => `${ip} ${port}`
  return {
    admits: (from, now) => {
      const name = nameOf(from)
      return valid.has(name) ? known(name, now) : unknown(from.ip, now)
    },
    trust: (from) => {
      const name = nameOf(from)
      valid.delete(name)
      valid.add(name)
      if (valid.size <= capacity.known) return
      for (const oldest of valid) {
        valid.delete(oldest)
        return
      }
    }
  }
}
