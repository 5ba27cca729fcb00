/** How often one address may be answered: a token bucket for each, in a table of bounded size. */

/**
 * Makes a limit. The function answers whether one more is allowed for `address` at `now` (ms, monotonic), and counts it if
 * so. If the table is full, the address that was allowed the longest ago is forgotten.
 */
export const make = (options: {
  readonly perSecond: number
  readonly burst: number
  readonly addresses: number
}): (address: string, now: number) => boolean => {
  // In order of the last use, which a Map keeps when an entry is deleted and set again.
  const buckets = new Map<string, { readonly tokens: number; readonly at: number }>()
  return (address, now) => {
    const bucket = buckets.get(address) ?? { tokens: options.burst, at: now }
    const tokens = Math.min(options.burst, bucket.tokens + Math.max(0, now - bucket.at) * options.perSecond / 1_000)
    const allowed = tokens >= 1
    buckets.delete(address)
    buckets.set(address, { tokens: allowed ? tokens - 1 : tokens, at: now })
    if (buckets.size > options.addresses) {
      for (const oldest of buckets.keys()) {
        buckets.delete(oldest)
        break
      }
    }
    return allowed
  }
}
