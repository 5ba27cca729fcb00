/**
 * `simulate`: runs whole groups on a simulated network, with their real code, under faults drawn from a seed, and says
 * of each promise whether it held. Nothing of it touches the real network.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import type * as Settings from "../settings/Settings.ts"
import * as Faults from "../simulator/Faults.ts"
import * as Shrink from "../simulator/Shrink.ts"
import * as Simulation from "../simulator/Simulation.ts"
import * as Timeline from "../simulator/Timeline.ts"
import type * as Watcher from "../simulator/Watcher.ts"
import * as CommandLine from "./options.ts"
import * as Output from "./output.ts"
import * as Progress from "./progress.ts"

/** A promise was broken in a run: what it says was told already. */
class PromiseBroken extends Schema.TaggedError<PromiseBroken>()("PromiseBroken", {
  seed: Schema.Finite,
  invariants: Schema.Array(Schema.String)
}) {
  override readonly [Runtime.errorReported] = false
  override get message() {
    return `with seed ${this.seed} there was broken: ${this.invariants.join(", ")}`
  }
}

export interface Options {
  readonly servers: number
  readonly seed: number
  readonly minutes: number
  readonly faults: Faults.Profile
  readonly runs: number
  readonly untilFailure: boolean
  readonly json: boolean
}

/** What all runs of one call came to. */
const makeTotal = () => ({
  runs: 0,
  broken: 0,
  virtualSeconds: 0,
  seconds: 0,
  reigns: 0,
  steps: 0,
  datagrams: 0,
  verdicts: [] as ReadonlyArray<Watcher.Verdict>,
  faults: Object.fromEntries(Faults.kinds.map((kind) => [kind, 0])) as Record<Faults.Fault["kind"], number>
})

export const simulate = Effect.fnUntraced(function*(settings: Settings.Settings, options: Options) {
  const { faults, json, minutes, runs, servers, untilFailure } = options
  const millis = minutes * 60_000
  const single = runs === 1 && !untilFailure
  const total = makeTotal()
  const progress = Progress.make()
  // Where it is, for who stops it.
  const now = { seed: options.seed, at: 0 }
  const run = (seed: number): Simulation.Options => ({
    servers,
    seed,
    millis,
    faults,
    settings: simulated(settings),
    progress: (passed) => {
      now.seed = seed
      now.at = passed
      const share = runs === 1 ? passed / millis : (total.runs + passed / millis) / runs
      const of = single ? ` of ${toSecond(millis)}` : ""
      const which = single ? "" : `run ${total.runs + 1}${runs === 1 ? "" : ` of ${runs}`}, `
      return progress.show(share, `${which}seed ${seed}, ${toSecond(passed)}${of}`)
    }
  })
  const tellTotal = (stopped: typeof now | null) =>
    Output.line(
      json
        ? JSON.stringify({
          ...total,
          virtualSecondsASecond: perSecond(total.virtualSeconds, total.seconds),
          ...(stopped === null ? {} : { stopped })
        })
        : summary(total, stopped).join("\n")
    )

  const all = Effect.gen(function*() {
    // Without end, unless it is said how many at most.
    const last = untilFailure && runs === 1 ? Infinity : options.seed + runs - 1
    for (let { seed } = options; seed <= last; seed++) {
      const begin = yield* Clock.currentTimeMillis
      const report = yield* Simulation.run(run(seed))
      const seconds = ((yield* Clock.currentTimeMillis) - begin) / 1_000
      total.runs += 1
      total.seconds += seconds
      total.virtualSeconds += report.millis / 1_000
      total.reigns += report.led.length
      total.steps += report.steps
      total.datagrams += report.datagrams.delivered
      total.verdicts = together(total.verdicts, report.verdicts)
      for (const kind of Faults.kinds) total.faults[kind] += report.happened[kind]
      // So that a signal is heard between two runs.
      yield* Effect.yieldNow
      if (single) {
        yield* progress.clear
        yield* json ? Output.line(JSON.stringify(report)) : Output.line(page(report, seconds, faults).join("\n"))
      }
      if (report.violations.length === 0) continue
      total.broken += 1
      const broken = { seed, invariants: [...new Set(report.violations.map(({ invariant }) => invariant))] }
      // Now: to shrink it takes a while, and whoever does not wait for that must know the seed.
      if (!single) {
        yield* progress.clear
        yield* Output.line(json ? JSON.stringify({ broken }) : `seed ${seed} breaks ${broken.invariants.join(", ")}`)
      }
      const short = yield* Shrink.shrink({ ...run(seed), progress: undefined }, report, {
        tell: (faults, left) => progress.show(1, `seed ${seed}: still broken with ${faults} faults, ${left} tries left`)
      })
      yield* progress.clear
      yield* json
        ? Output.line(JSON.stringify({ shrunk: short }))
        : Output.line(
          [...(single ? [""] : []), `seed ${seed}, shrunk to ${counted(short.story.length, "fault")}:`].concat(
            Timeline.lines(short)
          ).join("\n")
        )
      if (!single) yield* tellTotal(null)
      return yield* new PromiseBroken(broken)
    }
    yield* progress.clear
    if (!single) yield* tellTotal(null)
  })

  // Who stops it need not read what was run.
  const tellSoon = Effect.timeoutOption(
    Effect.interruptible(Effect.ignore(Effect.suspend(() => tellTotal(now)))),
    "500 millis"
  )
  yield* Effect.onInterrupt(all, () => Effect.andThen(progress.clear, tellSoon))
})

const toSecond = (millis: number): string => Timeline.formatTime(millis).slice(0, -4)

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`

/** What of the settings has a part in a simulated run. */
const simulated = (settings: Settings.Settings): Settings.Options =>
  Object.fromEntries(CommandLine.simulatedKeys.map((key) => [key, settings[key]]))

const page = (report: Simulation.Report, seconds: number, faults: Faults.Profile): ReadonlyArray<string> => [
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
  `seed ${report.seed}: ${report.servers} servers, ${
    Timeline.formatTime(report.millis)
  }, ${report.story.length} faults, `
  + `${report.led.length} reigns, ${report.steps} steps, ${report.datagrams.delivered} datagrams delivered, `
  + speed(report.millis / 1_000, seconds)
]

const perSecond = (virtual: number, seconds: number): number => Math.round(virtual / Math.max(seconds, 0.001))

const speed = (virtual: number, seconds: number): string => `${perSecond(virtual, seconds)} virtual seconds a second`

/** What two runs, or more, say of each promise: how often it was looked at in all, and where it was first broken. */
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

const summary = (total: ReturnType<typeof makeTotal>, stopped: { seed: number; at: number } | null) => {
  const before = stopped === null
    ? []
    : [`stopped at ${toSecond(stopped.at)} of seed ${stopped.seed}; what was run before:`]
  if (total.runs === 0) return ["stopped before the first run was over: nothing can be said of its promises"]
  return [
    ...before,
    `${counted(total.runs, "run")}, ${total.reigns} reigns, ${total.steps} steps, ${
      total.broken === 0 ? "every promise held" : `a promise was broken in ${total.broken}`
    }, ${speed(total.virtualSeconds, total.seconds)}`,
    ...Object.entries(total.faults).map(([kind, count]) => `  ${kind.padEnd(14)} ${count}`),
    ...Timeline.verdicts(total)
  ]
}
