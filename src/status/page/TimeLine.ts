/**
 * The time line: which stretch of time is shown, and where in it reigns, absences and pauses lie. Positions are fractions of
 * the width, so that nothing here knows how wide a screen is.
 */
import type * as History from "../History.ts"

/** What is shown: so many ms up to `end`, a Unix time in ms; null follows the present. */
export interface Window {
  readonly span: number
  readonly end: number | null
}

/** What is clicked on to see why. */
export type Target =
  | { readonly kind: "reign"; readonly index: number }
  | { readonly kind: "absence"; readonly index: number }
  | { readonly kind: "pause"; readonly index: number }

/** One thing that lasted: from where to where, in fractions of the width. */
export interface Bar {
  readonly target: Target
  readonly left: number
  readonly width: number
  /** Whose it is: a member's id, which gives its colour; null for what is nobody's. */
  readonly of: string | null
  readonly label: string
}

/** One row of the time line, with what lies in the shown stretch. */
export interface Lane {
  readonly key: string
  readonly label: string
  readonly bars: ReadonlyArray<Bar>
}

/** The last ten minutes are shown at first. */
export const usual = 600_000

/** What is shown of a past at first: all of a short one, and at least a minute. */
export const firstOf = ({ since }: History.History, now: number): Window => ({
  span: Math.min(usual, Math.max(60_000, 1.05 * (now - (since ?? now)))),
  end: null
})

const shortest = 5_000
const longest = 14 * 86_400_000

/** From when to when a window shows. */
export const bounds = ({ end, span }: Window, now: number): readonly [from: number, to: number] => {
  const to = end ?? now
  return [to - span, to]
}

/** A window that shows `factor` times as much; the time at the fraction `at` stays where it is. */
export const zoom = (window: Window, factor: number, now: number, at = 1): Window => {
  const span = Math.min(longest, Math.max(shortest, window.span * factor))
  if (window.end === null && at > 0.9) return { span, end: null }
  const [from] = bounds(window, now)
  const anchor = from + window.span * at
  return settle({ span, end: anchor + span * (1 - at) }, now)
}

/** A window moved by so many of its widths: back where negative. */
export const pan = (window: Window, widths: number, now: number): Window =>
  settle({ ...window, end: (window.end ?? now) + widths * window.span }, now)

/** Nothing is known of the future: what would show it follows the present. */
const settle = (window: Window, now: number): Window =>
  window.end !== null && window.end >= now ? { ...window, end: null } : window

/** The most rows of members that were away: those of the newest absences. */
export const maxAway = 8

const barOf = (
  target: Target,
  label: string,
  of: string | null,
  [start, stop]: readonly [number, number],
  [from, to]: readonly [number, number]
): ReadonlyArray<Bar> => {
  if (stop < from || start > to) return []
  const left = Math.max(0, (start - from) / (to - from))
  const right = Math.min(1, (stop - from) / (to - from))
  return [{ target, label, of, left, width: right - left }]
}

const reignLanes = (history: History.History, now: number, shown: readonly [number, number]): ReadonlyArray<Lane> => {
  const names = [...new Set(["", ...history.reigns.map(({ election }) => election)])]
  return names.map((name) => ({
    key: `reigns ${name}`,
    label: name === "" ? "Leader" : `Leader of ${name}`,
    bars: history.reigns.flatMap(({ election, from, leader, to }, index) =>
      election === name ? barOf({ kind: "reign", index }, leader.name, leader.id, [from, to ?? now], shown) : []
    )
  }))
}

const awayLanes = (history: History.History, now: number, shown: readonly [number, number]): ReadonlyArray<Lane> => {
  const lanes = new Map<string, { readonly label: string; readonly bars: Array<Bar> }>()
  // The newest first, so that their rows are those that stay where there are too many.
  for (const [index, { from, member, to }] of [...history.absences.entries()].toReversed()) {
    const bars = barOf({ kind: "absence", index }, member.name, member.id, [from, to ?? now], shown)
    if (bars.length === 0) continue
    const lane = lanes.get(member.id)
    if (lane !== undefined) lane.bars.push(...bars)
    else if (lanes.size < maxAway) lanes.set(member.id, { label: `${member.name} away`, bars: [...bars] })
  }
  return [...lanes].map(([id, { bars, label }]) => ({ key: `away ${id}`, label, bars }))
}

/** The rows of a history, as far as it lies in the window: who led, who was away, and when the server itself was paused. */
export const lanes = (history: History.History, window: Window, now: number): ReadonlyArray<Lane> => {
  const shown = bounds(window, now)
  const pauses = history.pauses.flatMap(({ at, for: length }, index) =>
    barOf({ kind: "pause", index }, "paused", null, [at - length, at], shown)
  )
  return [
    ...reignLanes(history, now, shown),
    ...awayLanes(history, now, shown),
    ...(pauses.length === 0 ? [] : [{ key: "pauses", label: "Own pauses", bars: pauses }])
  ]
}

const steps = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400, 172_800, 604_800]

/** The times that are marked, at most so many of them: whole ones, by a clock that is `offset` ms ahead of UTC. */
export const ticks = (
  window: Window,
  now: number,
  most: number,
  offset = 0
): ReadonlyArray<{ readonly at: number; readonly left: number }> => {
  const [from, to] = bounds(window, now)
  const step = 1_000 * (steps.find((seconds) => window.span / (seconds * 1_000) <= most) ?? 604_800)
  const begin = Math.ceil((from + offset) / step) * step - offset
  return Array.from({ length: Math.max(0, Math.floor((to - begin) / step) + 1) }, (_, index) => {
    const at = begin + index * step
    return { at, left: (at - from) / (to - from) }
    // One at the very edge would be cut off.
  }).filter(({ left }) => left > 0.02 && left < 0.98)
}
