/** The group as a table: pure, from data to lines of a given width. */
import * as Member from "../protocol/model/Member.ts"
import * as Cells from "./Cells.ts"
import * as Names from "./Names.ts"
import { paint } from "./Paint.ts"
import type * as Style from "./Style.ts"
import * as Text from "./Text.ts"

/** One server as a line of the table. */
export interface Row {
  readonly id: string
  readonly name: string
  readonly ip: string
  readonly port: number
  readonly priority: number
  readonly incarnation: number
  /** Ms since it was last heard; null for this server itself; left out where that is not known. */
  readonly heard?: number | null | undefined
  /** The term by which it leads; null where it does not. */
  readonly term: number | null
  /** Left out where it is not known. */
  readonly hostname?: string | undefined
  /** Left out where they are not known. */
  readonly tags?: Readonly<Record<string, string>> | undefined
}

interface Column {
  readonly title: string
  readonly side: "left" | "right"
  readonly cell: (row: Row, now: number) => string
}

const unknown = "?"

const columns = {
  mark: { title: "", side: "right", cell: ({ term }) => term === null ? " " : "*" },
  name: { title: "NAME", side: "right", cell: ({ name }) => Text.clean(name) },
  id: { title: "ID", side: "right", cell: ({ id }) => id },
  shortId: { title: "ID", side: "right", cell: ({ id }) => id.slice(0, 6) },
  address: { title: "ADDRESS", side: "right", cell: (row) => Member.formatAddress(row) },
  priority: { title: "PRIORITY", side: "left", cell: ({ priority }) => String(priority) },
  age: { title: "AGE", side: "left", cell: ({ incarnation }, now) => Text.age(now - incarnation) },
  heard: {
    title: "HEARD",
    side: "left",
    cell: ({ heard }) => heard === undefined ? unknown : heard === null ? "self" : Text.age(heard)
  },
  term: { title: "TERM", side: "left", cell: ({ term }) => term === null ? "" : String(term) },
  host: {
    title: "HOST",
    side: "right",
    cell: ({ hostname }) => hostname === undefined ? unknown : Text.clean(hostname)
  },
  tags: {
    title: "TAGS",
    side: "right",
    cell: ({ tags }) =>
      tags === undefined ? unknown : Object.entries(tags).map((tag) => Text.clean(tag.join("="))).join(",")
  }
} as const satisfies Record<string, Column>

type Name = keyof typeof columns

// From the widest table to the narrowest: columns that matter least to a person who watches a group are left out first.
const layouts: ReadonlyArray<ReadonlyArray<Name>> = [
  ["mark", "name", "id", "address", "priority", "age", "heard", "term", "host", "tags"],
  ["mark", "name", "id", "address", "priority", "age", "heard", "term", "host"],
  ["mark", "name", "id", "address", "priority", "age", "heard", "term"],
  ["mark", "name", "shortId", "address", "priority", "age", "heard", "term"],
  ["mark", "name", "shortId", "address", "age", "heard", "term"],
  ["mark", "name", "shortId", "address", "age", "heard"],
  ["mark", "name", "address", "age", "heard"],
  ["mark", "name", "address", "heard"],
  ["mark", "name", "heard"],
  ["mark", "name"]
]

const gap = 2
const narrowestName = 8

/**
 * The table alone: a head, then one line for each server, in the order given. If it does not fit, columns are left out,
 * then names are cut; the last line counts the servers beyond `rows`. `without` is a column that means nothing here.
 */
export const table = (
  rows: ReadonlyArray<Row>,
  now: number,
  style: Style.Style,
  without?: "heard"
): ReadonlyArray<string> => {
  const room = Math.max(1, style.rows - 1)
  const fitting = rows.length > room ? rows.slice(0, Math.max(0, room - 1)) : rows
  const nameOf = Names.among(rows)
  const shown = fitting.map((row) => Object.assign({}, row, { name: nameOf(row) }))
  const cellsOf = (name: Name) => shown.map((row) => columns[name].cell(row, now))
  const widthOf = (name: Name, cells: ReadonlyArray<string>) =>
    cells.reduce((most, cell) => Math.max(most, Cells.width(cell)), Cells.width(columns[name].title))
  const measure = (layout: ReadonlyArray<Name>) =>
    layout.map((name) => {
      const cells = cellsOf(name)
      return { name, cells, width: widthOf(name, cells) }
    })
  const widthOfAll = (measured: ReturnType<typeof measure>) =>
    measured.reduce((sum, { width }) => sum + width + gap, -gap) - (measured[0]?.name === "mark" ? gap - 1 : 0)

  // Where nobody has a tag there is nothing to show of them.
  const isTagged = shown.some(({ tags }) => tags === undefined || Object.keys(tags).length > 0)
  let measured = measure([])
  for (const layout of isTagged ? layouts : layouts.slice(1)) {
    measured = measure(layout.filter((name) => name !== without))
    const name = measured.find(({ name }) => name === "name")
    const spare = style.columns - widthOfAll(measured)
    if (spare >= 0) break
    if (name !== undefined && (name.width + spare >= narrowestName || layout === layouts.at(-1))) {
      name.width = Math.max(1, name.width + spare)
      break
    }
  }
  const lineOf = (cell: (column: (typeof measured)[number]) => string) =>
    measured.map((column, index) => {
      const text = Cells.clip(cell(column), column.width)
      const space = index === 0 ? "" : " ".repeat(measured[index - 1]?.name === "mark" ? 1 : gap)
      return space + Cells.pad(text, column.width, columns[column.name].side)
    }).join("").trimEnd()

  return [
    paint(style, "dim", lineOf(({ name }) => columns[name].title)),
    ...shown.map((row, index) => {
      const line = lineOf(({ cells }) => cells[index] ?? "")
      return row.term === null ? line : paint(style, "leader", line)
    }),
    ...(shown.length < rows.length ? [Cells.clip(`  and ${rows.length - shown.length} more`, style.columns)] : [])
  ]
}

/** One line about what happened, and when, in Unix ms. */
export interface Note {
  readonly at: number
  readonly text: string
}
