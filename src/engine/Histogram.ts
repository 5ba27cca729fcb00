/** How often which values were seen: so many buckets, for any values. */

/**
 * The values seen since the start. `counts` has one number for each bound, of the values that are at most that and above the one
 * before, and a last one for those above all. `min` and `max` are null where nothing was seen.
 */
export interface Histogram {
  readonly bounds: ReadonlyArray<number>
  readonly counts: ReadonlyArray<number>
  readonly count: number
  readonly sum: number
  readonly min: number | null
  readonly max: number | null
}

/** One that is being filled. */
export interface Filling {
  readonly observe: (value: number) => void
  readonly seen: () => Histogram
}

/** The bounds of what lasts milliseconds to an hour, in ms. */
export const times: ReadonlyArray<number> = [
  1,
  2.5,
  5,
  10,
  25,
  50,
  100,
  250,
  500,
  1_000,
  2_500,
  5_000,
  10_000,
  30_000,
  60_000,
  300_000,
  3_600_000
]

/** An empty one; the bounds rise. */
export const make = (bounds: ReadonlyArray<number> = times): Filling => {
  const counts = Array.from({ length: bounds.length + 1 }, () => 0)
  let count = 0
  let sum = 0
  let min: number | null = null
  let max: number | null = null
  return {
    observe: (value) => {
      const found = bounds.findIndex((bound) => value <= bound)
      const at = found < 0 ? bounds.length : found
      counts[at] = (counts[at] ?? 0) + 1
      count += 1
      sum += value
      min = min === null ? value : Math.min(min, value)
      max = max === null ? value : Math.max(max, value)
    },
    seen: () => ({ bounds, counts: [...counts], count, sum, min, max })
  }
}
