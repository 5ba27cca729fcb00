/** All that the view of a group on a terminal is made of: what is seen, what has happened, and how one looks at it. Pure. */
import type * as Event from "../../protocol/model/Event.ts"
import * as EventText from "../EventText.ts"
import * as History from "../History.ts"
import type * as Table from "../Table.ts"
import type * as Seen from "./Seen.ts"

/** A line of the log, and the ids of the members that it is about. */
export interface Note extends Table.Note {
  readonly about: ReadonlyArray<string>
}

/** The orders of the members: `rank` is the group's own. */
export const orders = ["rank", "name", "heard", "age", "address"] as const

/** What the keys move in. */
export type Pane = "members" | "events"

/**
 * How one looks at it. `selected` is the id of a member. `typing`: what is typed goes to the filter of the `pane`. `back` is by how many
 * lines the log is scrolled back, `span` how many ms the time line shows.
 */
export interface Look {
  readonly pane: Pane
  readonly order: (typeof orders)[number]
  readonly reversed: boolean
  readonly filter: { readonly [P in Pane]: string }
  readonly typing: boolean
  readonly selected: string | null
  readonly details: boolean
  readonly help: boolean
  readonly back: number
  readonly span: number
}

/** A key and what it does, for the last row. */
export interface Hint {
  readonly key: string
  readonly does: string
}

/**
 * The model. `seen` is null before anything is; `stale` says since when and why it is not current; `now` is Unix ms by the
 * clock of what is seen; `hints` are keys of the program that shows the view; `quit` is set by the key for it.
 */
export interface Model {
  readonly seen: Seen.Seen | null
  readonly stale: string | null
  readonly now: number
  readonly history: History.History
  readonly notes: ReadonlyArray<Note>
  readonly look: Look
  readonly hints: ReadonlyArray<Hint>
  readonly quit: boolean
}

/** The lengths of time that a time line can show, in ms. */
export const spans: ReadonlyArray<number> = [1, 5, 15, 60, 360, 1_440].map((minutes) => minutes * 60_000)

/** How many lines of the log are kept. */
export const keptNotes = 500

/** Nothing is seen yet. */
export const make = (hints: ReadonlyArray<Hint> = [{ key: "q", does: "quit" }]): Model => ({
  seen: null,
  stale: null,
  now: 0,
  history: History.empty,
  notes: [],
  look: {
    pane: "members",
    order: "rank",
    reversed: false,
    filter: { members: "", events: "" },
    typing: false,
    selected: null,
    details: false,
    help: false,
    back: 0,
    span: 5 * 60_000
  },
  hints,
  quit: false
})

/** This is seen now. */
export const saw = (model: Model, seen: Seen.Seen): Model => ({ ...model, seen, stale: null, now: seen.at })

/** It is that time now. */
export const passed = (model: Model, now: number): Model => ({ ...model, now })

/** What is seen is not current, or is again. */
export const stale = (model: Model, why: string | null): Model => ({ ...model, stale: why })

/** A line for the log. A log that is scrolled back stays where it is. */
export const noted = (model: Model, at: number, text: string, about: ReadonlyArray<string> = []): Model => {
  const notes = [...model.notes, { at, text, about }].slice(-keptNotes)
  const { look } = model
  return { ...model, notes, look: look.back === 0 ? look : { ...look, back: Math.min(look.back + 1, notes.length) } }
}

/** An event has happened; it is told in its usual words unless in others. */
export const happened = (model: Model, event: Event.Event, text: string = EventText.describe(event)): Model =>
  noted({ ...model, history: History.add(model.history, event) }, event.at, text, aboutOf(event))

const aboutOf = (event: Event.Event): ReadonlyArray<string> => {
  if ("member" in event) return [event.member.id]
  if (event.event === "LeaderChanged") {
    return [event.leader?.id, event.from?.id].filter((id): id is NonNullable<typeof id> => id !== undefined)
  }
  return event.event === "Started" ? [event.self.id] : []
}
