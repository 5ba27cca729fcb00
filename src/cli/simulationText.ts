/** What a person reads of simulated runs. Pure. */
import type * as Faults from "../simulator/Faults.ts"
import type * as Simulation from "../simulator/Simulation.ts"
import * as Timeline from "../simulator/Timeline.ts"
import * as Tally from "./tally.ts"

/** Where a run was when it was stopped. */
export interface Stopped {
  readonly seed: number
  /** Virtual milliseconds since its start. */
  readonly at: number
}

/** A time of a run, to the second: `00:02:00`. */
export const toSecond = (millis: number): string => Timeline.formatTime(millis).slice(0, -4)

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`

const speedOf = (tally: Pick<Tally.Tally, "seconds" | "virtualSeconds">): string =>
  `${Tally.speed(tally)} virtual seconds a second`

/** One run. */
export const page = (report: Simulation.Report, seconds: number, faults: Faults.Profile): ReadonlyArray<string> => [
  ...(faults === "none" || report.story.length > 0
    ? []
    : [
      `no fault fits into ${toSecond(report.millis)}: they come in storms with calms of ${
        toSecond(report.settlesWithin)
      } between them`
    ]),
  ...Timeline.lines(report),
  "",
  ...Timeline.verdicts(report),
  "",
  `seed ${report.seed}: ${report.servers} servers${
    report.voters < report.servers ? `, ${report.voters} of them with a vote` : ""
  }, ${Timeline.formatTime(report.millis)}, ${report.story.length} faults, `
  + `${report.led.length} reigns, ${report.steps} steps, ${report.datagrams.delivered} datagrams delivered, `
  + speedOf({ virtualSeconds: report.millis / 1_000, seconds })
]

/** The shortest run found that breaks what the run of this seed broke. */
export const shrunk = (seed: number, short: Simulation.Report): ReadonlyArray<string> => [
  `seed ${seed}, shrunk to ${counted(short.story.length, "fault")}:`,
  ...Timeline.lines(short)
]

/** All runs, and where the last was if it was stopped. */
export const summary = (tally: Tally.Tally, stopped: Stopped | null): ReadonlyArray<string> => {
  if (tally.runs === 0) return ["stopped before the first run was over: nothing can be said of its promises"]
  return [
    ...(stopped === null
      ? []
      : [`stopped at ${toSecond(stopped.at)} of seed ${stopped.seed}; what was run before:`]),
    `${counted(tally.runs, "run")}, ${tally.reigns} reigns, ${tally.steps} steps, ${
      tally.broken === 0 ? "every promise held" : `a promise was broken in ${tally.broken}`
    }, ${speedOf(tally)}`,
    ...Object.entries(tally.faults).map(([kind, count]) => `  ${kind.padEnd(14)} ${count}`),
    ...Timeline.verdicts(tally)
  ]
}
