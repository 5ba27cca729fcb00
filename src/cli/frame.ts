/** What a terminal shows, row by row, and what is written to show something else there. Pure. */

/** The rows of a terminal, from the first. None is wider than the terminal, and there are not more than it has. */
export type Frame = ReadonlyArray<string>

/** A terminal of which nothing is known. */
export const unknown = (): Frame => []

/** Takes a terminal's second screen, so that what was on it comes back. */
export const enter = "\x1b[?1049h\x1b[?25l\x1b[2J"

/** Gives it back. */
export const leave = "\x1b[?25h\x1b[?1049l"

// Terminals that know these show all that is between them at once; the others ignore them.
const begin = "\x1b[?2026h"
const end = "\x1b[?2026l"

/**
 * What turns one frame into another: the rows that differ, and nothing where none does. A row is erased before it is
 * written: after one as wide as the terminal, erasing the rest of the row would take its last character.
 */
export const changes = (before: Frame, after: Frame): string => {
  const last = after.length - 1
  const isShorter = before.length > after.length || before.length === 0
  const rows = after.map((row, index) => {
    const erase = isShorter && index === last ? "\x1b[J" : row === before[index] ? undefined : "\x1b[2K"
    return erase === undefined ? "" : `\x1b[${index + 1};1H${erase}${row}`
  })
  const text = last < 0 && isShorter ? "\x1b[H\x1b[J" : rows.join("")
  return text === "" ? "" : `${begin}${text}${end}`
}
