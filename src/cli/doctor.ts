/**
 * `doctor`: explains an empty list of members. It examines the network and says what it found and what to do about it. It
 * exits with 1 if something keeps servers from finding each other, else with 0.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Diagnosis from "../doctor/Diagnosis.ts"
import * as DiagnosisText from "../doctor/DiagnosisText.ts"
import * as Examination from "../doctor/Examination.ts"
import * as Finding from "../doctor/Finding.ts"
import * as FindingText from "../doctor/FindingText.ts"
import type * as Settings from "../settings/Settings.ts"
import * as Text from "../status/Text.ts"
import * as NodeDatagrams from "../transport/node/NodeDatagrams.ts"
import * as NodeInterfaces from "../transport/node/NodeInterfaces.ts"
import * as NodeKernel from "../transport/node/NodeKernel.ts"
import * as NodePorts from "../transport/node/NodePorts.ts"
import * as Output from "./output.ts"
import { ProblemsFound } from "./problemsFound.ts"
import * as Terminal from "./terminal.ts"

const encode = Schema.encodeSync(Diagnosis.Report)
const checkEvery = Duration.millis(100)
const unreadCapacity = 1_024

interface Options {
  readonly json: boolean
  /** How long to listen; by default for a heartbeat, and for another where one seems to be missing. */
  readonly timeout: Option.Option<Duration.Duration>
  /** How long to go on and report what changes. */
  readonly watch: Option.Option<Duration.Duration>
}

export const doctor = Effect.fnUntraced(
  function*(settings: Settings.Settings, options: Options) {
    const { failed, observations } = yield* Examination.make(settings)
    const report = Effect.map(observations, Diagnosis.report)
    const judged = Option.match(options.watch, {
      onNone: () => once(settings, options, report),
      onSome: (watch) => watched(settings, options, report, watch)
    })
    const { findings, healthy } = yield* Effect.raceFirst(judged, failed)
    if (!healthy) {
      return yield* new ProblemsFound({ problems: Finding.problemsAmong(findings) })
    }
  },
  Effect.scoped,
  Effect.provide(Layer.mergeAll(NodeDatagrams.layer, NodeInterfaces.layer, NodeKernel.layer, NodePorts.layer))
)

/** A report as it is asked for. */
const textOf = (report: Diagnosis.Report, json: boolean) =>
  json
    ? Effect.succeed(JSON.stringify(encode(report)))
    : Effect.map(Terminal.style, (style) => DiagnosisText.render(report, style).join("\n"))

/** Listens until more listening would change nothing, or until the time is over. */
const listen = Effect.fnUntraced(function*(
  settings: Settings.Settings,
  timeout: Options["timeout"],
  report: Effect.Effect<Diagnosis.Report>
) {
  const heartbeat = Duration.toMillis(settings.heartbeatInterval)
  // A little more than one heartbeat; than two before it is said that those of a server do not arrive. Not less than a busy
  // host may need for one answer.
  const first = Option.getOrElse(Option.map(timeout, Duration.toMillis), () => Math.max(2_000, heartbeat * 1.2 + 500))
  const second = Option.isSome(timeout) ? first : Math.max(4_000, heartbeat * 2.4 + 500)
  while (true) {
    const seen = yield* report
    const { lasted } = seen.observations
    const enough = lasted >= (Diagnosis.isSuspect(seen.observations) ? second : first)
    if (enough || Diagnosis.isSettled(seen.observations)) return seen
    yield* Effect.sleep(checkEvery)
  }
})

const once = Effect.fnUntraced(function*(
  settings: Settings.Settings,
  { json, timeout }: Options,
  report: Effect.Effect<Diagnosis.Report>
) {
  if (!json && process.stderr.isTTY) yield* Output.complain("listening ...")
  const seen = yield* listen(settings, timeout, report)
  yield* Output.line(yield* textOf(seen, json))
  return seen
})

const keyOf = ({ about, finding }: Finding.AnyFinding): string => `${finding} ${about.join(" ")}`

/** A report at first, then each finding that comes or goes, and a report at the end. A problem counts even if it is gone by then. */
const watched = Effect.fnUntraced(function*(
  settings: Settings.Settings,
  { json, timeout }: Options,
  report: Effect.Effect<Diagnosis.Report>,
  watch: Duration.Duration
) {
  const start = yield* Clock.currentTimeMillis
  const first = yield* once(settings, { json, timeout, watch: Option.none() }, report)
  let before = first
  let healthy = first.healthy
  // The examination must not wait for the reader: it would miss what changes meanwhile.
  const lines = yield* Output.lines({
    capacity: unreadCapacity,
    lost: (count) => json ? "" : `${count} lines are missing here, as nobody read them\n`
  })
  const show = (report: Diagnosis.Report) => Effect.map(textOf(report, json), (text) => lines.add(`${text}\n`))
  const say = (text: string) => Effect.map(Clock.currentTimeMillis, (at) => lines.add(`${Text.clock(at)}  ${text}\n`))
  while ((yield* Clock.currentTimeMillis) - start < Duration.toMillis(watch)) {
    yield* Effect.sleep("1 second")
    const now = yield* report
    const come = now.findings.filter((one) => !before.findings.some((other) => keyOf(other) === keyOf(one)))
    const gone = before.findings.filter((one) => !now.findings.some((other) => keyOf(other) === keyOf(one)))
    if (come.length + gone.length > 0) {
      if (json) yield* show(now)
      else {
        for (const one of gone) yield* say(`no longer: ${Text.clean(one.says)}`)
        for (const one of come) yield* say(FindingText.line(one))
      }
    }
    healthy &&= now.healthy
    before = now
  }
  yield* show(before)
  yield* lines.flushed
  return { ...before, healthy }
})
