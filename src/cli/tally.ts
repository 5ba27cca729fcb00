/** What the runs of one `simulate` came to, all together. Pure. */
import * as Faults from "../simulator/Faults.ts"
import type * as Simulation from "../simulator/Simulation.ts"
import type * as Watcher from "../simulator/Watcher.ts"

export interface Tally {
  readonly runs: number
  readonly broken: number
  readonly virtualSeconds: number
  readonly seconds: number
  readonly reigns: number
  readonly steps: number
  readonly datagrams: number
  readonly verdicts: ReadonlyArray<Watcher.Verdict>
  readonly faults: Simulation.Report["happened"]
}

const eachKind = (count: (kind: Faults.Fault["kind"]) => number) =>
  Object.fromEntries(Faults.kinds.map((kind) => [kind, count(kind)])) as Record<Faults.Fault["kind"], number>

export const empty: Tally = {
  runs: 0,
  broken: 0,
  virtualSeconds: 0,
  seconds: 0,
  reigns: 0,
  steps: 0,
  datagrams: 0,
  verdicts: [],
  faults: eachKind(() => 0)
}

/** With one more run, which took so many seconds. */
export const add = (tally: Tally, report: Simulation.Report, seconds: number): Tally => ({
  runs: tally.runs + 1,
  broken: tally.broken + (report.violations.length > 0 ? 1 : 0),
  virtualSeconds: tally.virtualSeconds + report.millis / 1_000,
  seconds: tally.seconds + seconds,
  reigns: tally.reigns + report.led.length,
  steps: tally.steps + report.steps,
  datagrams: tally.datagrams + report.datagrams.delivered,
  verdicts: together(tally.verdicts, report.verdicts),
  faults: eachKind((kind) => tally.faults[kind] + report.happened[kind])
})

/** How often each promise was looked at in all, and where it was first broken. */
const together = (
  before: ReadonlyArray<Watcher.Verdict>,
  verdicts: ReadonlyArray<Watcher.Verdict>
): ReadonlyArray<Watcher.Verdict> =>
  verdicts.map((verdict) => {
    const former = before.find(({ invariant }) => invariant === verdict.invariant)
    return former === undefined
      ? verdict
      : { ...verdict, checks: former.checks + verdict.checks, violation: former.violation ?? verdict.violation }
  })

/** Virtual seconds a second. */
export const speed = ({ seconds, virtualSeconds }: Pick<Tally, "seconds" | "virtualSeconds">): number =>
  Math.round(virtualSeconds / Math.max(seconds, 0.001))
