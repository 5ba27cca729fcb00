/** How lines on a terminal, or elsewhere, may look. */

/** How lines may look. `rows` bounds their number. */
export interface Style {
  readonly columns: number
  readonly rows: number
  readonly color: boolean
  readonly timeZone?: string | undefined
}

/** A style for output that is no terminal: as wide as it needs to be, and plain. */
export const plain: Style = { columns: Infinity, rows: Infinity, color: false }
