/**
 * What a key does to the view. A key is the character that it types, or its name: `up`, `down`, `pageup`, `pagedown`, `home`,
 * `end`, `left`, `right`, `return`, `escape`, `tab`, `backspace`, with `ctrl-` before it where that is held.
 */
import * as Cells from "../Cells.ts"
import * as Log from "./Log.ts"
import * as Members from "./Members.ts"
import * as Model from "./Model.ts"

const page = 10

const steps: Readonly<Record<string, number>> = {
  up: -1,
  k: -1,
  down: 1,
  j: 1,
  pageup: -page,
  pagedown: page,
  home: -Infinity,
  end: Infinity
}

const between = (low: number, value: number, high: number): number => Math.min(Math.max(low, value), high)

const looking = (model: Model.Model, look: Partial<Model.Look>): Model.Model => ({
  ...model,
  look: { ...model.look, ...look }
})

/** Moves the selection, or scrolls the log. */
const moved = (model: Model.Model, by: number): Model.Model => {
  const { look } = model
  if (look.pane === "events") {
    return looking(model, { back: between(0, look.back - by, Math.max(0, Log.shown(model).length - 1)) })
  }
  const members = Members.shown(model)
  const at = members.findIndex(({ id }) => id === look.selected)
  // The first key selects the first member, and `end` the last.
  const next = at < 0 ? (by === Infinity ? members.length - 1 : 0) : between(0, at + by, members.length - 1)
  return looking(model, { selected: members[next]?.id ?? null })
}

const isTyped = (key: string): boolean => /^.$/su.test(key)

/** While a filter is typed, all that can be typed is part of it. */
const typed = (model: Model.Model, key: string): Model.Model => {
  const { filter, pane } = model.look
  const write = (text: string, rest: Partial<Model.Look> = {}) =>
    looking(model, { ...rest, back: 0, filter: { ...filter, [pane]: text } })
  if (key === "return") return looking(model, { typing: false })
  if (key === "escape") return write("", { typing: false })
  if (key === "backspace") return write(Cells.characters(filter[pane]).slice(0, -1).join(""))
  if (key === "ctrl-u") return write("")
  if (isTyped(key)) return filter[pane].length < 100 ? write(filter[pane] + key) : model
  return key in steps ? moved(model, steps[key] ?? 0) : model
}

/** The next one after it, round and round. */
const after = <A>(items: readonly [A, ...ReadonlyArray<A>], item: A): A =>
  items[(items.indexOf(item) + 1) % items.length] ?? items[0]

/** Another length of the time line. */
const spanned = (model: Model.Model, by: number): Model.Model => {
  const at = between(0, Model.spans.indexOf(model.look.span) + by, Model.spans.length - 1)
  return looking(model, { span: Model.spans[at] ?? model.look.span })
}

/** Closes what is open: help, the details, a filter, the log. */
const closed = (model: Model.Model): Model.Model => {
  const { details, filter, help, pane } = model.look
  if (help) return looking(model, { help: false })
  if (details) return looking(model, { details: false })
  if (filter[pane] !== "") return looking(model, { back: 0, filter: { ...filter, [pane]: "" } })
  return looking(model, { back: 0, pane: "members" })
}

const opened = (model: Model.Model): Model.Model => {
  const selected = model.look.selected ?? Members.shown(model)[0]?.id ?? null
  return selected === null ? model : looking(model, { pane: "members", selected, details: true })
}

const commands: Readonly<Record<string, (model: Model.Model) => Model.Model>> = {
  q: (model) => ({ ...model, quit: true }),
  "?": (model) => looking(model, { help: !model.look.help }),
  "/": (model) => looking(model, { typing: true, help: false, details: false }),
  o: (model) => looking(model, { order: after(Model.orders, model.look.order) }),
  r: (model) => looking(model, { reversed: !model.look.reversed }),
  tab: (model) =>
    looking(model, {
      pane: model.look.pane === "members" ? "events" : "members",
      details: false,
      help: false,
      back: 0
    }),
  return: (model) => model.look.details ? looking(model, { details: false }) : opened(model),
  right: opened,
  left: closed,
  escape: closed,
  "+": (model) => spanned(model, 1),
  "=": (model) => spanned(model, 1),
  "-": (model) => spanned(model, -1)
}

/** The model after a key. One that means nothing changes nothing. */
export const press = (model: Model.Model, key: string): Model.Model => {
  if (model.look.typing) return typed(model, key)
  const command = Object.hasOwn(commands, key) ? commands[key] : undefined
  if (command !== undefined) return command(model)
  return Object.hasOwn(steps, key) ? moved(model, steps[key] ?? 0) : model
}
