/** Traces, metrics and logs on their way to a collector, by Effect's own exporter of OTLP. Loaded only where one is named. */
import * as Cause from "effect/Cause"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Otlp from "effect/observability/Otlp"
import * as OtlpExporter from "effect/observability/OtlpExporter"
import * as OtlpSerialization from "effect/observability/OtlpSerialization"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type * as Group from "../server/Group.ts"
import { SettingRefused } from "../settings/SettingRefused.ts"
import * as Metrics from "../status/metrics/Metrics.ts"
import { version } from "../status/Version.ts"

/** The way to a collector. */
export interface Collector {
  /** Runs with it, and sends the last of it at the end, for a bounded time. */
  readonly on: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | SettingRefused, R>
  /** Logs to the collector alone. */
  readonly only: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Sends the metrics of a group, until the scope closes. */
  readonly measure: (group: Group.GroupShape) => Effect.Effect<void, never, Scope.Scope>
}

/**
 * What holds unless the environment says otherwise: all three go there, as its standard has it; and what is left at the end has
 * a second to go.
 */
const otherwise = ConfigProvider.fromUnknown({
  OTEL_TRACES_EXPORTER: "otlp",
  OTEL_METRICS_EXPORTER: "otlp",
  OTEL_LOGS_EXPORTER: "otlp",
  OTEL_SERVICE_NAME: "bellwether",
  OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
  OTEL_EXPORTER_OTLP_TIMEOUT: "1000"
})

const protocols = { "http/protobuf": OtlpSerialization.layerProtobuf, "http/json": OtlpSerialization.layerJson }

const name = "OTEL_EXPORTER_OTLP_PROTOCOL"

const serialization = Effect.gen(function*() {
  const given = yield* Effect.orDie(Config.String(name))
  if (given === "http/protobuf" || given === "http/json") return protocols[given]
  return yield* new SettingRefused({
    setting: name,
    as: name,
    was: JSON.stringify(given),
    allowed: Object.keys(protocols).join(" or ")
  })
})

/** A variable that the exporter cannot read. */
const refused = (cause: Cause.Cause<never>) => {
  const error = Cause.squash(cause)
  const text = error instanceof Error ? error.message : String(error)
  const as = /OTEL_\w+/.exec(text)?.[0] ?? "a variable of OpenTelemetry"
  return new SettingRefused({ setting: as, as, was: "no value of its kind", allowed: text.replaceAll(/\s+/g, " ") })
}

/** The way to the collector. */
export const make: Effect.Effect<Collector, SettingRefused> = Effect.gen(function*() {
  const provider = ConfigProvider.orElse(yield* ConfigProvider.ConfigProvider, otherwise)
  const encoding = yield* Effect.provideService(serialization, ConfigProvider.ConfigProvider, provider)
  const layer = Otlp.layerFromConfig({ resource: { serviceVersion: version } }).pipe(
    Layer.provide([encoding, FetchHttpClient.layer]),
    Layer.provide(Layer.succeed(ConfigProvider.ConfigProvider, provider)),
    Layer.catchCause((cause) => Layer.effectDiscard(Effect.fail(refused(cause))))
  )
  let outside: ReadonlySet<unknown> = new Set()
  return {
    on: (effect) =>
      Effect.flatMap(Logger.CurrentLoggers, (loggers) => {
        outside = loggers
        return Effect.provide(effect, layer)
      }),
    only: (effect) =>
      Effect.updateService(
        effect,
        Logger.CurrentLoggers,
        (loggers) => new Set([...loggers].filter((logger) => !outside.has(logger)))
      ),
    measure: Effect.fnUntraced(function*(group) {
      yield* Metrics.keep(group)
      const exporter = yield* Effect.serviceOption(OtlpExporter.Flusher)
      // Before the series are taken away: a server that ran for less than an interval would never have been seen.
      if (Option.isSome(exporter)) {
        yield* Effect.addFinalizer(() => Effect.timeoutOption(Effect.interruptible(exporter.value.flush), "1 second"))
      }
    })
  }
})
