/** Whether traces, metrics and logs go to a collector, by the variables that OpenTelemetry names. What sends them is loaded then. */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import { SettingRefused } from "../settings/SettingRefused.ts"
import type { Collector } from "./otlp.ts"

const endpoints = ["", "TRACES_", "METRICS_", "LOGS_"].map((signal) => `OTEL_EXPORTER_OTLP_${signal}ENDPOINT`)

/** The way to the collector that the environment names; null where it names none. An address that is none is refused. */
export const asked: Effect.Effect<Collector | null, SettingRefused> = Effect.gen(function*() {
  let isAsked = false
  for (const name of endpoints) {
    const given = yield* Effect.orElseSucceed(Config.option(Config.String(name)), () => null)
    if (given === null || given._tag === "None" || given.value === "") continue
    if (!/^https?:/i.test(given.value) || !URL.canParse(given.value)) {
      return yield* new SettingRefused({
        setting: name,
        as: name,
        was: JSON.stringify(given.value),
        allowed: "an address such as http://127.0.0.1:4318"
      })
    }
    isAsked = true
  }
  if (!isAsked) return null
  const { make } = yield* Effect.promise(() => import("./otlp.ts"))
  return yield* make
})
