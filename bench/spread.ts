/** Figures put in order: of several runs of one measurement, or of many times in one. */

/** The median of some figures, and the least and the most of them. */
export interface Spread {
  readonly median: number
  readonly least: number
  readonly most: number
}

/** Of at least one figure. */
export const of = (figures: ReadonlyArray<number>): Spread => {
  const sorted = figures.toSorted((a, b) => a - b)
  return { median: sorted[Math.floor(sorted.length / 2)]!, least: sorted[0]!, most: sorted.at(-1)! }
}

/** The values below which these shares of some lie: `0.5` gives the median, `1` the greatest. NaN where there are none. */
export const quantiles = (values: ReadonlyArray<number>, shares: ReadonlyArray<number>): ReadonlyArray<number> => {
  const sorted = values.toSorted((a, b) => a - b)
  return shares.map((share) => sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN)
}
