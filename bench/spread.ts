/** The figures of several runs of one measurement. */

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
