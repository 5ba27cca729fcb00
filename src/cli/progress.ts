/**
 * How far a long command is, on one line of the terminal that is drawn over itself. Where standard error is no terminal
 * nothing is drawn.
 */
import * as Effect from "effect/Effect"
import * as Output from "./output.ts"

/** The widest that a bar is drawn. */
const widest = 30

/** The narrowest that still shows anything. */
const narrowest = 5

/**
 * The line, which fits a terminal of so many columns: with a bar where there is room for one beside the text, and cut
 * where there is not even room for that. The last column stays free, as some terminals begin a new line after it.
 */
export const line = (share: number, text: string, columns: number): string => {
  const room = columns - 1
  const width = Math.min(widest, room - text.length - 3)
  if (width < narrowest) return text.slice(0, Math.max(0, room))
  const full = Math.max(0, Math.min(width, Math.floor(share * width)))
  return `[${"#".repeat(full)}${" ".repeat(width - full)}] ${text}`
}

export interface Progress {
  readonly show: (share: number, text: string) => Effect.Effect<void>
  /** Takes the line away, for what is to stand there instead. */
  readonly clear: Effect.Effect<void>
}

export const make = (): Progress => {
  const { stderr } = process
  if (!stderr.isTTY) return { show: () => Effect.void, clear: Effect.void }
  let drawn = ""
  const draw = (text: string): Effect.Effect<void> => {
    if (text === drawn) return Effect.void
    drawn = text
    return Output.report(`\r${text}\x1b[K`)
  }
  return {
    show: (share, text) =>
      // What a terminal that is not read has not shown yet is old by the time that it does.
      Effect.suspend(() => Output.isRead() ? draw(line(share, text, stderr.columns || 80)) : Effect.void),
    // What stands there instead may go to standard output.
    clear: Effect.andThen(Effect.suspend(() => draw("")), Output.reported)
  }
}
