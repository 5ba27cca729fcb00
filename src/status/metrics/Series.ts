/** The series of one server in a registry of metrics: read all at once, so that they are of one instant. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type * as Scope from "effect/Scope"
import type * as Group from "../../server/Group.ts"
import { version } from "../Version.ts"
import * as Definitions from "./Definitions.ts"
import * as Readings from "./Readings.ts"

/** The series of one server. */
export interface Series {
  /** Reads the server: its series are of this instant from now on, and what is no more is taken away. */
  readonly read: Effect.Effect<void>
}

type State = Metric.CounterState<number> | Metric.GaugeState<number> | Metric.HistogramState

/** One series in a registry. */
interface One {
  readonly registration: Metric.Registration
  state: State
}

const stateOf = ({ metric, value }: Readings.Reading): State => {
  if (typeof value === "number") {
    return Definitions.metrics[metric].type === "counter" ? { count: value, incremental: true } : { value }
  }
  let below = 0
  const buckets = value.bounds.map((bound, at): [number, number] => {
    below += value.counts[at] ?? 0
    return [bound, below]
  })
  return { buckets, count: value.count, sum: value.sum, min: value.min ?? 0, max: value.max ?? 0 }
}

const metricOf = (key: Definitions.Key): Metric.Metric<never, State> => {
  const { help, name, type } = Definitions.metrics[key]
  switch (type) {
    case "counter":
      return Metric.counter(name, { description: help, incremental: true })
    case "gauge":
      return Metric.gauge(name, { description: help })
    case "histogram":
      return Metric.histogram(name, { description: help, boundaries: [] })
  }
}

/** Keeps the series of one server in a registry, until the scope closes. */
export const make = Effect.fnUntraced(function*(
  group: Group.GroupShape,
  registry: Metric.MetricRegistry
): Effect.fn.Return<Series, never, Scope.Scope> {
  const context = Context.make(Metric.MetricRegistry, registry)
  const { id } = yield* group.self
  const ours = { group: group.settings.group, node: id }
  const series = new Map<string, One>()
  const register = ({ labels, metric }: Readings.Reading, state: State): One => {
    // The exporter of OTLP takes the unit from an attribute of that name, and that of Prometheus passes over it.
    const attributes = { ...ours, ...labels, unit: Definitions.metrics[metric].unit }
    const made: One = {
      state,
      registration: Metric.registerUnsafe(Metric.withAttributes(metricOf(metric), attributes), context, {
        get: () => made.state,
        update: () => {},
        modify: () => {}
      })
    }
    return made
  }
  const show = (readings: ReadonlyArray<Readings.Reading>): void => {
    const gone = new Set(series.keys())
    for (const reading of readings) {
      const key = JSON.stringify([reading.metric, reading.labels])
      gone.delete(key)
      const found = series.get(key)
      const state = stateOf(reading)
      if (found === undefined) series.set(key, register(reading, state))
      else found.state = state
    }
    for (const key of gone) {
      series.get(key)?.registration.remove()
      series.delete(key)
    }
  }
  yield* Effect.addFinalizer(() => Effect.sync(() => show([])))
  const { backend, settings } = group
  return {
    read: Effect.zipWith(
      group.status,
      group.counters,
      (status, counts) => show(Readings.of({ version, backend: backend.name, settings, status, counts }))
    )
  }
})
