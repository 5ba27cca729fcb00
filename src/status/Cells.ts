/**
 * The cells of a terminal that text takes. Loaded where a terminal is drawn: what tells the characters of all languages apart takes a
 * tenth of a start.
 */
import * as CliOutput from "effect/cli/CliOutput"

/** The number of terminal cells that a text takes. Colours take none. */
export const width = (text: string): number => /^[\x20-\x7e]*$/.test(text) ? text.length : CliOutput.displayWidth(text)

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" })

/** The characters of a text as a person counts them. */
export const characters = (text: string): ReadonlyArray<string> =>
  Array.from(graphemes.segment(text), ({ segment }) => segment)

/** As much of a text as fits so many cells, with an ellipsis where something is missing. For texts without colours. */
export const clip = (text: string, cells: number): string => {
  if (width(text) <= cells) return text
  let clipped = ""
  let used = 1
  for (const character of characters(text)) {
    used += width(character)
    if (used > cells) break
    clipped += character
  }
  return cells > 0 ? `${clipped}…` : ""
}

/** Fills a text with spaces up to so many cells. */
export const pad = (text: string, cells: number, side: "left" | "right" = "right"): string => {
  const space = " ".repeat(Math.max(0, cells - width(text)))
  return side === "right" ? text + space : space + text
}
