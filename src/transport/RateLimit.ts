/** How often one address may be answered: a token bucket for each, in a table of bounded size. */
import * as RecentlyUsed from "./RecentlyUsed.ts"

/** So many a second, and so many at once. */
export interface Rate {
  readonly perSecond: number
  readonly burst: number
}

/** What is left of a rate. `at` is ms on a clock that never steps. */
export interface Bucket {
  tokens: number
  at: number
}

/** A bucket that nobody has used yet. */
export const full = ({ burst }: Rate, now: number): Bucket => ({ tokens: burst, at: now })

/** Whether one more is allowed at `now`; counts it if so. */
export const take = (bucket: Bucket, { burst, perSecond }: Rate, now: number): boolean => {
  const tokens = Math.min(burst, bucket.tokens + Math.max(0, now - bucket.at) * perSecond / 1_000)
  const isAllowed = tokens >= 1
  bucket.tokens = isAllowed ? tokens - 1 : tokens
  bucket.at = now
  return isAllowed
}

/**
 * Makes a limit. The function answers whether one more is allowed for `address` at `now` (ms, monotonic), and counts it if
 * so. The addresses that were asked for last are remembered, so many at least.
 */
export const make = (options: Rate & { readonly addresses: number }): (address: string, now: number) => boolean => {
  const buckets = RecentlyUsed.make<string, Bucket>(options.addresses)
  return (address, now) => {
    let bucket = buckets.get(address)
    if (bucket === undefined) buckets.set(address, bucket = full(options, now))
    return take(bucket, options, now)
  }
}
