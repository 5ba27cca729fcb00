/** What one server has counted of what members say to each other. */
import type { Output } from "../protocol/model/Output.ts"

/**
 * What members say to each other. `said` on topics by this server; `heard` on any topic, its own included; `lost` by readers that
 * were too slow, and `unreadable` for one: each counts once a reader. `asked` are its own questions that are over, `handled`
 * those that its handlers were given.
 */
export interface TalkCounts {
  readonly said: number
  readonly heard: number
  readonly lost: number
  readonly unreadable: number
  readonly asked: number
  readonly handled: number
}

/** Counts as it happens. */
export interface Counting {
  readonly counts: Readonly<TalkCounts>
  /** Of a step: what it left to do. */
  readonly output: (output: Output) => void
  /** A reader of a topic lost its oldest message. */
  readonly lost: () => void
  /** A reader of a topic could not read a message. */
  readonly unreadable: () => void
}

/** Nothing has been said yet. */
export const make = (): Counting => {
  const counts = { said: 0, heard: 0, lost: 0, unreadable: 0, asked: 0, handled: 0 }
  return {
    counts,
    output: (output) => {
      if (output._tag === "Send" && output.message.type === "TALK") counts.said += 1
      else if (output._tag === "Hear") counts.heard += 1
      else if (output._tag === "Answered") counts.asked += 1
      else if (output._tag === "Handle") counts.handled += 1
    },
    lost: () => {
      counts.lost += 1
    },
    unreadable: () => {
      counts.unreadable += 1
    }
  }
}
