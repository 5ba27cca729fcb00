/** `doctor` with the backend etcd. It exits with 1 if something keeps etcd from keeping the group, else with 0. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as EtcdDiagnosis from "../../doctor/etcd/EtcdDiagnosis.ts"
import * as EtcdExamination from "../../doctor/etcd/EtcdExamination.ts"
import * as Finding from "../../doctor/Finding.ts"
import * as NodeEtcd from "../../NodeEtcd.ts"
import type * as Given from "../given.ts"
import * as Output from "../output.ts"
import { ProblemsFound } from "../problemsFound.ts"
import * as Terminal from "../terminal.ts"
import * as Flags from "./flags.ts"
import * as EtcdGiven from "./given.ts"

const encode = Schema.encodeSync(EtcdDiagnosis.Report)

interface Asked {
  readonly flags: Given.Given
  readonly etcd: Flags.Flags
  readonly json: boolean
  /** How long one question may take. */
  readonly timeout: Option.Option<Duration.Duration>
  readonly watch: Option.Option<Duration.Duration>
}

export const doctor = Effect.fnUntraced(function*({ etcd: given, flags, json, timeout, watch }: Asked) {
  if (Option.isSome(watch)) {
    return yield* Flags.refuseInEtcd("watch", "--watch", "with the backend lan")
  }
  const { asGiven, etcd, options, settings } = yield* EtcdGiven.resolve(flags, given)
  if (!json && process.stderr.isTTY) yield* Output.complain("asking etcd ...")
  const limit = Duration.toMillis(Option.getOrElse(timeout, () => Duration.seconds(2)))
  const observations = yield* EtcdExamination.examine({ ...etcd, group: settings.group, limit }).pipe(
    Effect.provide(NodeEtcd.layerClient(options.tls)),
    Effect.mapError(asGiven)
  )
  const report = EtcdDiagnosis.report(observations)
  const text = json
    ? JSON.stringify(encode(report))
    : EtcdDiagnosis.render(report, yield* Terminal.style).join("\n")
  yield* Output.line(text)
  if (report.healthy) return
  return yield* new ProblemsFound({ problems: Finding.problemsAmong(report.findings) })
})
