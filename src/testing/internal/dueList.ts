/** What is due when, the first at hand. Most of it may be taken back before its time. */
import * as Heap from "./heap.ts"

/** Something that is due at a time, until it has happened or is taken back. */
export interface Entry {
  readonly due: number
  /** Among those that are due at one time, the lower one comes first; among equals, the one that was entered first. */
  readonly rank: number
  readonly order: number
  /** Undefined once it was taken or cancelled. */
  run: (() => void) | undefined
}

export interface DueList {
  readonly add: (due: number, rank: number, run: () => void) => Entry
  readonly first: () => Entry | undefined
  /** Takes the first one from the list: what is to be run. */
  readonly take: () => (() => void) | undefined
  readonly cancel: (entry: Entry) => void
  readonly clear: () => void
}

export const make = (): DueList => {
  const heap = Heap.make<Entry>(isBefore)
  let added = 0
  let cancelled = 0

  const first = (): Entry | undefined => {
    for (;;) {
      const entry = heap.peek()
      if (entry === undefined || entry.run !== undefined) return entry
      heap.pop()
      cancelled--
    }
  }

  return {
    add: (due, rank, run) => {
      const entry: Entry = { due, rank, order: added++, run }
      heap.push(entry)
      return entry
    },
    first,
    take: () => {
      const entry = first()
      if (entry === undefined) return undefined
      heap.pop()
      const { run } = entry
      entry.run = undefined
      return run
    },
    cancel: (entry) => {
      if (entry.run === undefined) return
      entry.run = undefined
      cancelled++
      if (cancelled > fewCancelled && cancelled > heap.size() / 2) {
        heap.retain(({ run }) => run !== undefined)
        cancelled = 0
      }
    },
    clear: heap.clear
  }
}

// internal

/** So many that were cancelled may stay in the heap, however few others there are. */
const fewCancelled = 64

const isBefore = (self: Entry, that: Entry): boolean =>
  self.due !== that.due
    ? self.due < that.due
    : self.rank !== that.rank
    ? self.rank < that.rank
    : self.order < that.order
