/**
 * A group on a terminal: pure, from the model to lines of a given width, and from a key to the next model. Who shows it
 * feeds the model with what is seen and what happens (`Model.saw`, `Model.happened`).
 */
import type * as Style from "../Style.ts"
import * as Details from "./Details.ts"
import * as Head from "./Head.ts"
import * as Help from "./Help.ts"
import * as Keys from "./Keys.ts"
import * as Log from "./Log.ts"
import * as Members from "./Members.ts"
import type * as Model from "./Model.ts"
import * as TimeLine from "./TimeLine.ts"

/** The model after a key. */
export const key: (model: Model.Model, key: string) => Model.Model = Keys.press

/** Fewer rows than these show no time line, and no keys in the last one. */
const timeLineFrom = 12
const footerFrom = 6

/** What is below the head: members, and with them what there is room for. */
const body = (model: Model.Model, style: Style.Style): ReadonlyArray<string> => {
  const { look, notes, seen } = model
  const { rows } = style
  if (look.help) return Help.page(model, style)
  const needed = Members.shown(model).length + 2
  if (look.details) {
    const members = Members.lines(model, { ...style, rows: Math.min(needed, Math.floor(rows / 3)) })
    return [...members, "", ...Details.lines(model, { ...style, rows: rows - members.length - 1 })].slice(0, rows)
  }
  if (look.pane === "events") {
    const members = Members.lines(model, { ...style, rows: Math.min(needed, Math.floor(rows / 4)) })
    return [...members, ...Log.lines(model, { ...style, rows: rows - members.length })]
  }
  const timeLine = rows < timeLineFrom || seen === null
    ? []
    : ["", ...TimeLine.lines(model, { ...style, rows: Math.floor(rows / 4) })]
  const free = rows - timeLine.length
  // The log gets what the members leave, and a third where they leave none.
  const wanted = notes.length === 0 ? 0 : Math.min(notes.length + 2, Math.max(free - needed, Math.floor(free / 3)))
  const members = Members.lines(model, { ...style, rows: free - wanted })
  const log = wanted < 3 ? [] : ["", ...Log.lines(model, { ...style, rows: wanted - 1 })]
  return [...members, ...timeLine, ...log]
}

/** All of it: never more lines than `rows`, none wider than `columns`. Where `rows` is bounded, the keys stand in the last. */
export const render = (model: Model.Model, style: Style.Style): ReadonlyArray<string> => {
  const head = [...Head.lines(model, style), ""].slice(0, Math.max(1, Math.floor(style.rows / 3)))
  const hasFooter = style.rows >= footerFrom && Number.isFinite(style.rows)
  const room = style.rows - head.length - (hasFooter ? 1 : 0)
  const lines = [...head, ...body(model, { ...style, rows: room })].slice(0, style.rows - (hasFooter ? 1 : 0))
  if (!hasFooter) return lines
  const empty = Array.from({ length: Math.max(0, style.rows - 1 - lines.length) }, () => "")
  return [...lines, ...empty, Help.footer(model, style)]
}
