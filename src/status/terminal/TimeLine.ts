/** The last minutes as lines: who led when, who was away, and when the server that tells was paused. */
import * as Cells from "../Cells.ts"
import type * as History from "../History.ts"
import { paint } from "../Paint.ts"
import type * as Style from "../Style.ts"
import * as Text from "../Text.ts"
import type * as Model from "./Model.ts"

const labelWidth = 12
const narrowest = 24
const mostAway = 3
const shortest = 60_000

/** Consecutive cells of one kind. */
interface Run {
  readonly kind: string
  readonly cells: number
}

interface Scale {
  readonly from: number
  readonly to: number
  readonly cells: number
}

/** From which to which cell something was; undefined where it was before the first, or lies ahead. */
const cellsOf = ({ cells, from, to }: Scale, start: number, end: number | null) => {
  const last = end ?? to
  if (last < from || start > to) return undefined
  const cell = (at: number) => Math.floor((at - from) / (to - from) * cells)
  return { first: Math.max(0, Math.min(cells - 1, cell(start))), last: Math.max(0, Math.min(cells - 1, cell(last))) }
}

/** The kinds of all cells, one thing written over the one before. */
const drawn = (scale: Scale, ground: (cell: number) => string) => {
  const kinds = Array.from({ length: scale.cells }, (_, cell) => ground(cell))
  return {
    kinds,
    over: (kind: string, start: number, end: number | null) => {
      const at = cellsOf(scale, start, end)
      if (at !== undefined) kinds.fill(kind, at.first, at.last + 1)
    }
  }
}

const runsOf = (kinds: ReadonlyArray<string>): ReadonlyArray<Run> => {
  const runs: Array<Run> = []
  for (const kind of kinds) {
    const last = runs.at(-1)
    if (last?.kind === kind) runs[runs.length - 1] = { kind, cells: last.cells + 1 }
    else runs.push({ kind, cells: 1 })
  }
  return runs
}

const unknown = " "
const nobody = "\u00B7"
const calm = "\u2500"

/** What is before the first event is not known. */
const groundOf = ({ cells, from, to }: Scale, since: number | null, known: string) => (cell: number): string =>
  since === null || from + (cell + 1) / cells * (to - from) < since ? unknown : known

type Reigns = History.History["reigns"]

const reignRow = (reigns: Reigns, scale: Scale, since: number | null, style: Style.Style): string => {
  const { kinds, over } = drawn(scale, groundOf(scale, since, nobody))
  const led = reigns.filter(({ election }) => election === "")
  led.forEach(({ from, to }, index) => over(String(index), from, to))
  return runsOf(kinds).map(({ cells, kind }) => {
    const reign = led[Number(kind)]
    if (kind === unknown || reign === undefined) return kind.repeat(cells)
    const name = cells < 4 ? "" : Cells.clip(Text.clean(reign.leader.name), cells - 2)
    return paint(style, "leader", `|${name}${calm.repeat(Math.max(0, cells - 1 - Cells.width(name)))}`)
  }).join("")
}

/** A row of spans of one kind on a calm ground. */
const row = (
  spans: ReadonlyArray<readonly [from: number, to: number | null]>,
  mark: string,
  scale: Scale,
  since: number | null,
  style: Style.Style
): string => {
  const { kinds, over } = drawn(scale, groundOf(scale, since, calm))
  for (const [from, to] of spans) over(mark, from, to)
  return runsOf(kinds).map(({ cells, kind }) => paint(style, kind === mark ? "bad" : "dim", kind.repeat(cells))).join(
    ""
  )
}

/** The absences within the time shown, those of one member together, the members of the newest first. */
const awayWithin = ({ absences }: History.History, { from }: Scale) => {
  const away = new Map<string, { name: string; spans: Array<readonly [number, number | null]> }>()
  for (const absence of absences.toReversed()) {
    if (absence.to !== null && absence.to < from) continue
    const { id, name } = absence.member
    const one = away.get(id) ?? { name, spans: [] }
    one.spans.push([absence.from, absence.to])
    away.set(id, one)
  }
  return [...away.values()]
}

/** The time line in at most so many lines; none where it would not be readable. */
export const lines = ({ history, look, now }: Model.Model, style: Style.Style): ReadonlyArray<string> => {
  if (style.rows < 2 || style.columns < narrowest) return []
  const columns = Math.min(style.columns, 400)
  const { since } = history
  // What is known of a shorter time has all the room.
  const span = Math.min(look.span, Math.max(shortest, since === null ? 0 : now - since))
  const scale: Scale = { from: now - span, to: now, cells: columns - labelWidth - 1 }
  const label = (text: string) => `${Cells.pad(Cells.clip(Text.clean(text), labelWidth), labelWidth)} `
  const away = awayWithin(history, scale)
  const paused = history.pauses.filter(({ at }) => at >= scale.from)
  const legend = [
    `  LAST ${Text.age(span)}`,
    `${nobody} nobody leads`,
    ...(away.length > 0 ? ["x away"] : []),
    ...(paused.length > 0 ? ["# paused"] : [])
  ].join("  ")
  return [
    paint(style, "dim", Cells.clip(legend, columns)),
    label("leader") + reignRow(history.reigns, scale, since, style),
    ...(paused.length === 0
      ? []
      : [
        label("this server") + row(paused.map((pause) => [pause.at - pause.for, pause.at]), "#", scale, since, style)
      ]),
    ...away.slice(0, mostAway).map(({ name, spans }) => label(name) + row(spans, "x", scale, since, style))
  ].slice(0, style.rows)
}
