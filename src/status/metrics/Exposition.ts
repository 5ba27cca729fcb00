/** The metrics of one server as the text that Prometheus reads, of this server alone, without what else the process keeps. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import type * as Scope from "effect/Scope"
import type * as Group from "../../server/Group.ts"
import * as Series from "./Series.ts"

/** A way to read a server, at that instant. */
export const make = Effect.fnUntraced(function*(
  group: Group.GroupShape
): Effect.fn.Return<{ readonly text: Effect.Effect<string> }, never, Scope.Scope> {
  const registry: Metric.MetricRegistry = new Map()
  const { read } = yield* Series.make(group, registry)
  const context = Context.make(Metric.MetricRegistry, registry)
  return { text: Effect.map(read, () => PrometheusMetrics.formatUnsafe(context)) }
})
