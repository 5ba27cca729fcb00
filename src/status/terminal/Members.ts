/** The members: which are shown in which order, and their table. */
import * as Member from "../../protocol/model/Member.ts"
import * as Cells from "../Cells.ts"
import * as Names from "../Names.ts"
import { paint } from "../Paint.ts"
import type * as Style from "../Style.ts"
import * as Table from "../Table.ts"
import * as Text from "../Text.ts"
import type * as Model from "./Model.ts"
import * as Seen from "./Seen.ts"

const compareTexts = (a: string, b: string): number => a < b ? -1 : a > b ? 1 : 0

type Compare = (a: Seen.SeenMember, b: Seen.SeenMember) => number

const heard = ({ heard }: Seen.SeenMember): number => heard === null ? -1 : heard?.ago ?? Infinity

const byNumber = (of: (member: Seen.SeenMember) => number): Compare => (a, b) => {
  const [one, two] = [of(a), of(b)]
  return one === two ? 0 : one - two
}

/** How each order compares two members; the order in which they come is that of ranks. */
const compare: { readonly [O in Exclude<Model.Look["order"], "rank">]: Compare } = {
  name: (a, b) => compareTexts(a.name, b.name),
  heard: byNumber(heard),
  age: byNumber(({ incarnation }) => -incarnation),
  address: (a, b) => compareTexts(a.ip, b.ip) || a.port - b.port
}

/** All by which a member can be found. */
const words = (member: Seen.SeenMember): string =>
  [
    member.name,
    member.id,
    Member.formatAddress(member),
    member.hostname ?? "",
    ...Object.entries(member.tags ?? {}).map((tag) => tag.join("="))
  ].join("\n").toLowerCase()

/** The members that are shown, in their order. */
export const shown = ({ look, seen }: Pick<Model.Model, "look" | "seen">): ReadonlyArray<Seen.SeenMember> => {
  const wanted = look.filter.members.toLowerCase()
  const all = seen?.members ?? []
  const found = wanted === "" ? all : all.filter((member) => words(member).includes(wanted))
  const sorted = look.order === "rank" ? found : found.toSorted(compare[look.order])
  return look.reversed ? sorted.toReversed() : sorted
}

/** What is told above the table where it is not simply all of them. */
const caption = ({ look, seen }: Model.Model, count: number): string => {
  const filter = look.filter.members
  const isTyped = look.typing && look.pane === "members"
  const order = look.order === "rank" && !look.reversed
    ? []
    : [`by ${look.order}${look.reversed ? ", the last first" : ""}`]
  const found = filter === "" && !isTyped
    ? []
    : [`/${filter}${isTyped ? "_" : ""}  ${count} of ${seen?.members.length ?? 0}`]
  return [...found, ...order].join("  ")
}

const marker = 2

/** Where there is no room for a table, the names are all of it. */
const narrowest = 6

/** The first of so many rows, so that the selected one is among them. */
const first = (selected: number, rows: number, count: number): number =>
  Math.max(0, Math.min(selected - Math.floor(rows / 2), count - rows))

/** The table in at most so many lines, with a mark on the selected member. */
export const lines = (model: Model.Model, style: Style.Style): ReadonlyArray<string> => {
  const { look, now, seen } = model
  if (seen === null || style.rows < 1) return []
  const all = shown(model)
  const said = caption(model, all.length)
  const head = said === "" ? [] : [paint(style, "dim", Cells.clip(Text.clean(said), style.columns))]
  const room = style.rows - head.length - 1
  // Where not all fit, the last line says which do.
  const isCut = all.length > room
  const rows = Math.max(1, isCut ? room - 1 : room)
  const selected = all.findIndex(({ id }) => id === look.selected)
  const start = first(selected, rows, all.length)
  const window = all.slice(start, start + rows)
  const since = Math.max(0, now - seen.at)
  const nameOf = Names.among(seen.members)
  const named = window.map((member) => Object.assign({}, member, { name: nameOf(member) }))
  if (style.columns < narrowest) return named.map(({ name }) => Cells.clip(Text.clean(name), style.columns))
  const table = Table.table(
    named.map((member) =>
      Object.assign({}, member, {
        heard: member.heard === null || member.heard === undefined ? member.heard : member.heard.ago + since,
        term: Seen.termOf(seen, member)
      })
    ),
    now,
    { ...style, columns: style.columns - marker, rows: rows + 1 }
  )
  const marked = table.map((line, index) => {
    const isSelected = index > 0 && start + index - 1 === selected
    return `${isSelected ? paint(style, "bold", ">") : " "} ${line}`
  })
  const beyond = isCut
    ? [paint(style, "dim", Cells.clip(`  ${start + 1} to ${start + window.length} of ${all.length}`, style.columns))]
    : []
  return [...head, ...marked, ...beyond].slice(0, style.rows)
}
