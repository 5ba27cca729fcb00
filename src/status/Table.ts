/** The group as a table: pure, from data to lines of a given width. */
import * as Lease from "../protocol/model/Lease.ts"
import * as Member from "../protocol/model/Member.ts"
import type * as Group from "../server/Group.ts"
import { paint } from "./Paint.ts"
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

/** How lines may look. `rows` bounds their number. */
export interface Style {
  readonly columns: number
  readonly rows: number
  readonly color: boolean
  readonly timeZone?: string | undefined
}

/** A style for output that is no terminal: as wide as it needs to be, and plain. */
export const plain: Style = { columns: Infinity, rows: Infinity, color: false }

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

/** Two servers of one name, as on one host by default, are told apart by their ports. */
export const nameAmong = (
  members: ReadonlyArray<Pick<Row, "name" | "port">>,
  { name, port }: Pick<Row, "name" | "port">
): string => members.filter((other) => other.name === name).length > 1 ? `${name}:${port}` : name

/**
 * The table alone: a head, then one line for each server, in the order given. If it does not fit, columns are left out,
 * then names are cut; the last line counts the servers beyond `rows`.
 */
export const table = (rows: ReadonlyArray<Row>, now: number, style: Style): ReadonlyArray<string> => {
  const room = Math.max(1, style.rows - 1)
  const fitting = rows.length > room ? rows.slice(0, Math.max(0, room - 1)) : rows
  const shown = fitting.map((row) => Object.assign({}, row, { name: nameAmong(rows, row) }))
  const cellsOf = (name: Name) => shown.map((row) => columns[name].cell(row, now))
  const widthOf = (name: Name, cells: ReadonlyArray<string>) =>
    cells.reduce((most, cell) => Math.max(most, Text.width(cell)), Text.width(columns[name].title))
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
    measured = measure(layout)
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
      const text = Text.clip(cell(column), column.width)
      const space = index === 0 ? "" : " ".repeat(measured[index - 1]?.name === "mark" ? 1 : gap)
      return space + Text.pad(text, column.width, columns[column.name].side)
    }).join("").trimEnd()

  return [
    paint(style, "dim", lineOf(({ name }) => columns[name].title)),
    ...shown.map((row, index) => {
      const line = lineOf(({ cells }) => cells[index] ?? "")
      return row.term === null ? line : paint(style, "leader", line)
    }),
    ...(shown.length < rows.length ? [Text.clip(`  and ${rows.length - shown.length} more`, style.columns)] : [])
  ]
}

/** One line about what happened, and when, in Unix ms. */
export interface Note {
  readonly at: number
  readonly text: string
}

/** All that the display shows. */
export interface Snapshot {
  readonly group: string
  readonly multicastAddress: string
  readonly port: number
  readonly profile: string
  /** How many servers there are in all, where a majority of them is needed for one to lead. */
  readonly groupSize?: number | undefined
  /** Fewest servers in view with which one may lead. */
  readonly minimumMembers?: number | undefined
  readonly view: Group.View
  readonly lastHeard: ReadonlyMap<string, Pick<Group.LastHeard, "ago">>
  /** The last events, the oldest first. */
  readonly recent: ReadonlyArray<Note>
  /** Unix ms. */
  readonly now: number
}

/** The rows of a view, highest rank first. */
export const rowsOf = ({ lastHeard, view }: Pick<Snapshot, "lastHeard" | "view">): ReadonlyArray<Row> =>
  view.members.map((member) => ({
    ...member,
    heard: member.id === view.self.id ? null : lastHeard.get(member.id)?.ago ?? 0,
    term: view.reign?.leader.id === member.id ? view.reign.term : null
  }))

/**
 * The whole display: this server and its reign, the table, the last few events. Never more lines than `rows`, none wider
 * than `columns`.
 */
export const render = (snapshot: Snapshot, style: Style): ReadonlyArray<string> => {
  const { group, multicastAddress, port, profile, recent, view } = snapshot
  const { self } = view
  const cut = (text: string) => Text.clip(Text.clean(text), style.columns)
  const count = view.members.length
  const head = [
    paint(
      style,
      "bold",
      cut(
        `Bellwether  group ${group}  ${multicastAddress}:${port}  profile ${profile}  ${count} ${
          count === 1 ? "server" : "servers"
        }`
      )
    ),
    cut(
      `We are ${nameAmong(view.members, self)} (${self.id}) at ${Member.formatAddress(self)}, priority ${self.priority}`
    ),
    cut(reignLine(snapshot)),
    ""
  ]
  const room = Math.max(2, style.rows - head.length)
  const all = rowsOf(snapshot)
  const eventRoom = Math.min(recent.length, 8, Math.max(0, room - Math.min(all.length + 1, Math.ceil(room / 2)) - 1))
  const events = eventRoom === 0 ? [] : [
    "",
    ...recent.slice(-eventRoom).map(({ at, text }) =>
      paint(style, "dim", cut(`${Text.clock(at, style.timeZone)}  ${text}`))
    )
  ]
  const lines = table(all, snapshot.now, { ...style, rows: room - events.length })
  return [...head, ...lines, ...events].slice(0, style.rows)
}

/** Where fewer servers are in view than must be for one to lead, how many there are and how many must be; else null. */
export const shortfall = (
  { groupSize, minimumMembers = 1 }: Pick<Snapshot, "groupSize" | "minimumMembers">,
  { members }: Pick<Group.View, "members">
): string | null => {
  const needed = Math.max(minimumMembers, groupSize === undefined ? 1 : Lease.majority({ groupSize }))
  if (members.length >= needed) return null
  return `${members.length}${groupSize === undefined ? "" : ` of ${groupSize}`} in view, ${needed} must be`
}

const reignLine = (snapshot: Snapshot): string => {
  const { members, reign, self, term } = snapshot.view
  if (reign === null) {
    const few = shortfall(snapshot, snapshot.view)
    return (term === 0 ? "Nobody leads yet" : `Nobody leads; term ${term} has ended`) + (few === null ? "" : `: ${few}`)
  }
  if (reign.leader.id === self.id) return `We lead, term ${reign.term}`
  const leader = members.find(({ id }) => id === reign.leader.id)
  return `${leader === undefined ? reign.leader.id : nameAmong(members, leader)} leads, term ${reign.term}`
}
