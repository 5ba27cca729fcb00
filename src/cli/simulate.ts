/**
 * `simulate`: runs whole groups on a simulated network, with their real code, under faults drawn from a seed, and says
 * of each promise whether it held. Nothing of it touches the real network.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import type * as Settings from "../group/Settings.ts"
import * as Faults from "../testing/Faults.ts"
import * as Shrink from "../testing/Shrink.ts"
import * as Simulation from "../testing/Simulation.ts"
import * as Timeline from "../testing/Timeline.ts"
import * as CommandLine from "./options.ts"
import * as Output from "./output.ts"

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

const width = 30

/** A bar on a terminal's standard error, drawn over itself; nothing elsewhere. */
const bar = () => {
  if (!process.stderr.isTTY) return { show: () => Effect.void, clear: Effect.void }
  const draw = (text: string) => Effect.sync(() => void process.stderr.write(`\r${text}\x1b[K`))
  return {
    show: (done: number, text: string) => {
      const full = Math.min(width, Math.floor(done * width))
      return draw(`[${"#".repeat(full)}${" ".repeat(width - full)}] ${text}`)
    },
    clear: draw("")
  }
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
  faults: Object.fromEntries(Faults.kinds.map((kind) => [kind, 0])) as Record<Faults.Fault["kind"], number>
})

export const simulate = Effect.fnUntraced(function*(settings: Settings.Settings, options: Options) {
  const { faults, json, minutes, runs, servers, untilFailure } = options
  const millis = minutes * 60_000
  const total = makeTotal()
  const progress = bar()
  const run = (seed: number): Simulation.Options => ({
    servers,
    seed,
    millis,
    faults,
    settings: simulated(settings),
    progress: (passed) => {
      const share = untilFailure || runs === 1 ? passed / millis : (total.runs + passed / millis) / runs
      return progress.show(share, `seed ${seed}, ${Timeline.formatTime(passed)} of ${Timeline.formatTime(millis)}`)
    }
  })
  const single = runs === 1 && !untilFailure
  const last = untilFailure ? Infinity : options.seed + runs - 1
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
    for (const kind of Faults.kinds) total.faults[kind] += report.happened[kind]
    // So that a signal is heard between two runs.
    yield* Effect.yieldNow
    const isBroken = report.violations.length > 0
    if (single) {
      yield* progress.clear
      yield* json ? Output.line(JSON.stringify(report)) : Output.line(page(report, seconds).join("\n"))
    }
    if (!isBroken) continue
    total.broken += 1
    const short = yield* Shrink.shrink(run(seed), report, {
      tell: (faults, left) => progress.show(1, `seed ${seed}: still broken with ${faults} faults, ${left} tries left`)
    })
    yield* progress.clear
    yield* json
      ? Output.line(JSON.stringify({ shrunk: short }))
      : Output.line(["", `seed ${seed}, shrunk to ${short.story.length} faults:`, ...Timeline.lines(short)].join("\n"))
    return yield* new PromiseBroken({
      seed,
      invariants: [...new Set(report.violations.map(({ invariant }) => invariant))]
    })
  }
  yield* progress.clear
  if (!single) yield* Output.line(json ? JSON.stringify(total) : summary(total).join("\n"))
})

/** What of the settings has a part in a simulated run. */
const simulated = (settings: Settings.Settings): Settings.Options =>
  Object.fromEntries(CommandLine.simulatedKeys.map((key) => [key, settings[key]]))

const page = (report: Simulation.Report, seconds: number): ReadonlyArray<string> => [
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

const speed = (virtual: number, seconds: number): string =>
  `${Math.round(virtual / Math.max(seconds, 0.001))} virtual seconds a second`

const summary = (total: ReturnType<typeof makeTotal>): ReadonlyArray<string> => [
  `${total.runs} runs, ${total.reigns} reigns, ${total.steps} steps, every promise held, `
  + speed(total.virtualSeconds, total.seconds),
  ...Object.entries(total.faults).map(([kind, count]) => `  ${kind.padEnd(14)} ${count}`)
]
