/** A demo as it looks on a terminal, and as lines where there is none. Pure. */
import * as Cells from "../../status/Cells.ts"
import { type Look, paint } from "../../status/Paint.ts"
import type * as Style from "../../status/Style.ts"
import * as Text from "../../status/Text.ts"
import * as Keys from "./keys.ts"
import * as Measured from "./measured.ts"
import * as Model from "./model.ts"

const lifeText: { readonly [L in Model.Life]: string } = {
  starting: "starts",
  running: "follows",
  stopping: "stops",
  killed: "killed",
  stopped: "stopped",
  failed: "failed"
}

const isLeading = (server: Model.Server): boolean =>
  Model.isThere(server) && server.id !== null && server.follows === server.id

/** What a server is now, by its own events. */
const stateText = (server: Model.Server): string => {
  if (!Model.isThere(server)) return lifeText[server.life]
  if (server.isFrozen) return "frozen"
  const role = server.life === "running"
    ? isLeading(server) ? "leads" : server.follows === null ? "seeks" : lifeText.running
    : lifeText[server.life]
  return server.isCutOff ? `${role}, cut off` : role
}

interface Column {
  readonly title: string
  readonly side: "left" | "right"
  /** So that the columns keep their places while their texts change. */
  readonly least?: number
  readonly cell: (server: Model.Server, model: Model.Model) => string
}

const whom = (server: Model.Server, model: Model.Model): string =>
  isLeading(server)
    ? "itself"
    : server.follows === null
    ? ""
    : Model.nameOf(model, server.follows) ?? "one that is gone"

const columns: ReadonlyArray<Column> = [
  { title: "", side: "right", cell: ({ name }, model) => Model.targetOf(model)?.name === name ? ">" : " " },
  {
    title: "",
    side: "left",
    cell: ({ name }, { servers }) => String(servers.findIndex((server) => server.name === name) + 1)
  },
  { title: "NAME", side: "right", cell: ({ name }) => name },
  { title: "STATE", side: "right", least: "follows, cut off".length, cell: stateText },
  {
    title: "SEES",
    side: "left",
    cell: (server) => server.sees.size === 0 || !Model.isThere(server) ? "" : String(server.sees.size)
  },
  { title: "FOLLOWS", side: "right", cell: whom },
  { title: "PRIORITY", side: "left", cell: ({ priority }) => String(priority) },
  { title: "PAGE", side: "right", cell: (server) => Model.isThere(server) ? server.page : "" }
]

const lookOf = (server: Model.Server): Look | undefined =>
  !Model.isThere(server)
    ? "dim"
    : server.isFrozen || server.isCutOff
    ? "warning"
    : isLeading(server)
    ? "leader"
    : undefined

const table = (model: Model.Model, style: Style.Style): ReadonlyArray<string> => {
  const cells = columns.map(({ cell }) => model.servers.map((server) => cell(server, model)))
  const widths = columns.map(({ least = 0, title }, index) =>
    (cells[index] ?? []).reduce((most, text) => Math.max(most, Cells.width(text)), Math.max(least, title.length))
  )
  const lineOf = (cell: (index: number) => string) =>
    Cells.clip(
      columns.map(({ side }, index) => Cells.pad(cell(index), widths[index] ?? 0, side)).join("  ").trimEnd(),
      style.columns
    )
  return [
    paint(style, "dim", lineOf((index) => columns[index]?.title ?? "")),
    ...model.servers.map((server, row) => {
      const look = lookOf(server)
      const line = lineOf((index) => cells[index]?.[row] ?? "")
      return look === undefined ? line : paint(style, look, line)
    })
  ]
}

/** An act and what followed it, a line each. */
const story = (act: Model.Act, style: Style.Style): ReadonlyArray<string> => {
  const who = act.consequences.reduce((most, consequence) => Math.max(most, consequence.who.length), 0)
  return [
    paint(style, "bold", Cells.clip(`${Text.clock(act.at, style.timeZone)}  ${Measured.title(act)}`, style.columns)),
    ...act.consequences.map((consequence) =>
      Cells.clip(
        `  after ${Measured.seconds(consequence.after)}  ${Cells.pad(consequence.who, who)}  ${consequence.text}`,
        style.columns
      )
    )
  ]
}

const keyLines = (style: Style.Style): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let width = Infinity
  for (const [key, what] of Keys.shown) {
    const text = `${paint(style, "bold", key)} ${what}`
    const cells = key.length + 1 + what.length
    if (cells > style.columns) continue
    if (width + 3 + cells > style.columns) {
      lines.push(text)
      width = cells
    } else {
      lines.push(`${lines.pop() ?? ""}   ${text}`)
      width += 3 + cells
    }
  }
  return lines
}

/** The whole screen: the servers, what was done and what followed, and the keys. Never more lines than the terminal has rows. */
export const render = (model: Model.Model, style: Style.Style): ReadonlyArray<string> => {
  const cut = (text: string) => Cells.clip(text, style.columns)
  const page = Model.leaderOf(model)?.page ?? model.servers.find(Model.isThere)?.page
  const head = [
    paint(style, "bold", cut(`Bellwether demo  group ${model.group}  leadership ${model.leadership}`)),
    cut(page === undefined ? "" : `Page ${page}  its token ${model.token}`),
    "",
    ...table(model, style),
    ""
  ]
  const foot = ["", ...model.refusal === null ? [] : [paint(style, "warning", cut(model.refusal))], ...keyLines(style)]
  const stories = model.acts.flatMap((act) => story(act, style))
  const room = Math.max(0, style.rows - head.length - foot.length)
  const shown = room === 0 ? [] : stories.slice(-room)
  const space = Array.from({ length: Math.max(0, room - shown.length) }, () => "")
  return [...head, ...shown, ...space, ...foot].slice(0, style.rows)
}

/** What a change of the model added to the story, and why a key did nothing, as lines. */
export const added = (before: Model.Model, after: Model.Model): ReadonlyArray<string> => [
  ...after.refusal === null || after.refusal === before.refusal ? [] : [after.refusal],
  ...addedStory(before.acts.at(-1), after.acts.at(-1))
]

const addedStory = (told: Model.Act | undefined, act: Model.Act | undefined): ReadonlyArray<string> => {
  if (act === undefined || act === told) return []
  const isNew = told?.at !== act.at || told.kind !== act.kind || told.target !== act.target
  const known = isNew ? [] : told.consequences
  return [
    ...isNew ? [Measured.title(act)] : [],
    ...act.consequences.filter((consequence) => !known.includes(consequence)).map(({ after, text, who }) =>
      `  after ${Measured.seconds(after)}: ${who} ${text}`
    )
  ]
}
