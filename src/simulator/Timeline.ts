/** What came of a simulated run, for people: who led when, what happened when, and what is to be said of each promise. */
import * as FaultText from "./FaultText.ts"
import type * as Simulation from "./Simulation.ts"

/** A time of a run: hours, minutes and seconds since its start. */
export const formatTime = (millis: number): string => {
  const seconds = Math.floor(millis / 1_000)
  const two = (value: number) => String(value).padStart(2, "0")
  const hours = two(Math.floor(seconds / 3_600))
  return `${hours}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}.${
    String(Math.floor(millis % 1_000)).padStart(3, "0")
  }`
}

/**
 * All that happened, a line each, in order of time: faults, reigns as their leaders saw them, and broken promises; of each
 * promise where it was first broken, and how often it was after that.
 */
export const lines = ({ led, millis, story, violations }: Simulation.Report): ReadonlyArray<string> => {
  const entries: Array<{ readonly at: number; readonly text: string }> = []
  for (const fault of story) {
    if (fault.at <= millis) entries.push({ at: fault.at, text: `fault   ${FaultText.describe(fault)}` })
  }
  for (const { from, server, term, until } of led) {
    const long = until === null ? "to the end" : `for ${((until - from) / 1_000).toFixed(3)} s`
    entries.push({ at: from, text: `leads   s${server} in term ${term}, ${long}` })
  }
  for (const invariant of new Set(violations.map((violation) => violation.invariant))) {
    const [first, ...more] = violations.filter((violation) => violation.invariant === invariant)
    if (first === undefined) continue
    const { at, server, what } = first
    const again = more.length === 0 ? "" : ` (and ${more.length} times more)`
    entries.push({ at, text: `BROKEN  ${invariant}${server === null ? "" : ` by s${server}`}: ${what}${again}` })
  }
  return entries.toSorted((a, b) => a.at - b.at).map(({ at, text }) => `${formatTime(at)}  ${text}`)
}

/** A line for each promise: whether it held, and how often it was looked at. */
export const verdicts = ({ verdicts }: Pick<Simulation.Report, "verdicts">): ReadonlyArray<string> =>
  verdicts.map(({ checks, invariant, promise, violation }) =>
    `${violation === null ? "held  " : "BROKEN"}  ${invariant}: ${promise} (looked at ${checks} times)`
  )
