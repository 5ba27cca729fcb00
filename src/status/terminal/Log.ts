/** The log of what happened, the newest last. */
import * as Cells from "../Cells.ts"
import { paint } from "../Paint.ts"
import type * as Style from "../Style.ts"
import type * as Table from "../Table.ts"
import * as Text from "../Text.ts"
import type * as Model from "./Model.ts"

/** The notes that are shown, the oldest first. */
export const shown = ({ look, notes }: Pick<Model.Model, "look" | "notes">): ReadonlyArray<Model.Note> => {
  const wanted = look.filter.events.toLowerCase()
  return wanted === "" ? notes : notes.filter(({ text }) => text.toLowerCase().includes(wanted))
}

/** One note as one line. */
export const line = ({ at, text }: Table.Note, style: Style.Style): string =>
  Cells.clip(`${Text.clock(at, style.timeZone)}  ${Text.clean(text)}`, style.columns)

/** The log in at most so many lines: a title, and the newest, or those before them where it is scrolled back. */
export const lines = (model: Model.Model, style: Style.Style): ReadonlyArray<string> => {
  const { look } = model
  if (style.rows < 2) return []
  const all = shown(model)
  const room = style.rows - 1
  const back = Math.min(look.back, Math.max(0, all.length - room))
  const isTyped = look.typing && look.pane === "events"
  const title = [
    look.pane === "events" ? "> EVENTS" : "  EVENTS",
    ...(look.filter.events !== "" || isTyped
      ? [`/${look.filter.events}${isTyped ? "_" : ""}  ${all.length} of ${model.notes.length}`]
      : []),
    ...(back > 0 ? [`${back} newer below`] : [])
  ].join("  ")
  const end = all.length - back
  return [
    paint(style, "dim", Cells.clip(Text.clean(title), style.columns)),
    ...all.slice(Math.max(0, end - room), end).map((note) => line(note, style))
  ]
}
