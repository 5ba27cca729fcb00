/** The group as each server of a demo sees it: a view for each, made of its own events and of what it answers. Pure. */
import type * as Event from "../../protocol/model/Event.ts"
import type * as Style from "../../status/Style.ts"
import * as ViewModel from "../../status/terminal/Model.ts"
import type * as Seen from "../../status/terminal/Seen.ts"
import * as View from "../../status/terminal/View.ts"
import * as Keys from "./keys.ts"
import * as Model from "./model.ts"

/** `shown` is the server whose view is on the screen; null where all servers are. */
export interface Views {
  readonly byName: ReadonlyMap<string, ViewModel.Model>
  readonly shown: string | null
}

export const empty: Views = { byName: new Map(), shown: null }

const hints: ReadonlyArray<ViewModel.Hint> = [
  { key: "v", does: "all servers" },
  ...Keys.shown.filter(([key]) => key !== "v").map(([key, does]) => ({ key, does }))
]

const viewOf = ({ byName }: Views, name: string): ViewModel.Model => byName.get(name) ?? ViewModel.make(hints)

const change = (views: Views, name: string, to: (view: ViewModel.Model) => ViewModel.Model): Views => ({
  ...views,
  byName: new Map([...views.byName, [name, to(viewOf(views, name))]])
})

/** A server has told an event. */
export const heard = (views: Views, name: string, event: Event.AnyEvent): Views =>
  event.event === "Unknown" ? views : change(views, name, (view) => ViewModel.happened(view, event))

/** What was done and what followed stands in the log of each view. */
export const told = (views: Views, at: number, lines: ReadonlyArray<string>): Views => ({
  ...views,
  byName: new Map(
    [...views.byName].map(([name, view]) => [name, lines.reduce((view, line) => ViewModel.noted(view, at, line), view)])
  )
})

/** A server has answered what it sees; null where it did not answer. */
export const saw = (views: Views, name: string, seen: Seen.Seen | null): Views =>
  change(
    views,
    name,
    (view) => seen === null ? ViewModel.stale(view, `${name} does not answer`) : ViewModel.saw(view, seen)
  )

export const show = (views: Views, shown: string | null): Views => ({ ...views, shown })

/** The view that is shown, at that time. */
export const render = (views: Views, shown: string, now: number, style: Style.Style): ReadonlyArray<string> =>
  View.render(ViewModel.passed(viewOf(views, shown), now), style)

/** What a key asks for while a view is shown: keys act on the member that is selected there, else as they do else. */
export const read = (
  views: Views,
  shown: string,
  model: Model.Model,
  key: string
): { readonly views: Views; readonly command: Keys.Command | undefined } => {
  const view = viewOf(views, shown)
  const isViews = view.look.typing || key === "up" || key === "down"
  if (key === "v" && !isViews) return { views, command: { _tag: "View", name: null } }
  const selected = Model.nameOf(model, view.look.selected)
  const command = isViews ? undefined : Keys.read(selected === undefined ? model : Model.choose(model, selected), key)
  return command === undefined
    ? { views: change(views, shown, (view) => View.key(view, key)), command }
    : { views, command }
}
