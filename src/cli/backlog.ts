/** Lines that wait for a reader: at most so many. The oldest give way, and their number is written in their place. */

/** How many bytes are written at once: what a pipe takes whole or not at all (PIPE_BUF of pipe(7)). */
export const atOnce = 4096

/** What is written at once. */
export interface Batch {
  /** How many lines were lost before these. */
  readonly lost: number
  readonly lines: ReadonlyArray<string>
}

export interface Backlog {
  /** Adds a line. */
  readonly add: (line: string) => void
  /** Takes the oldest: as many as are written at once. */
  readonly take: () => Batch
  /** Puts back what was taken last and not written. */
  readonly giveBack: (batch: Batch) => void
  /** Leaves the newest: as many as are written at once. */
  readonly condense: () => void
  readonly isEmpty: () => boolean
}

/** How many of the lines fit beside so many bytes. One always does. */
const fitting = (lines: Iterable<string>, beside: number): number => {
  let size = beside
  let count = 0
  for (const line of lines) {
    size += Buffer.byteLength(line)
    if (size > atOnce && count > 0) break
    count += 1
  }
  return count
}

/** `reserve` is how many bytes the line about the lost ones takes. */
export const make = (capacity: number, reserve: number): Backlog => {
  let lines: Array<string> = []
  let lost = 0
  const keepNewest = (count: number) => {
    if (lines.length <= count) return
    lost += lines.length - count
    lines = lines.slice(-count)
  }
  return {
    add: (line) => {
      if (lines.length === capacity) {
        lines.shift()
        lost += 1
      }
      lines.push(line)
    },
    take: () => {
      const batch = { lost, lines: lines.splice(0, fitting(lines, lost > 0 ? reserve : 0)) }
      lost = 0
      return batch
    },
    giveBack: (batch) => {
      lost += batch.lost
      lines = [...batch.lines, ...lines]
      keepNewest(capacity)
    },
    condense: () => keepNewest(fitting(lines.toReversed(), reserve)),
    isEmpty: () => lines.length === 0 && lost === 0
  }
}
