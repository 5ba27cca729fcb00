/**
 * The metrics of a server, for an app's own exporter of Effect's `Metric`s (Prometheus, OTLP):
 *
 * ```ts
 * import { Metrics } from "bellwether"
 * import * as NodeServer from "bellwether/NodeServer"
 * import * as Layer from "effect/Layer"
 *
 * export const app = Metrics.layer().pipe(Layer.provideMerge(NodeServer.layer({ group: "orders" })))
 * ```
 *
 * Nothing is done in the packet path: the server counts in plain numbers, which are read every few seconds.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Group from "../../server/Group.ts"
import * as Series from "./Series.ts"

export type { Definition, Key } from "./Definitions.ts"
export { metrics } from "./Definitions.ts"

/** How often the metrics in an app's registry are read, unless said otherwise. */
const every = Duration.seconds(5)

/**
 * Keeps the metrics of a group in the registry of the fiber that runs it, which is the one of the app unless another was provided,
 * until the scope closes. They are read again every 5 s, or as often as `every` says. Two groups do not mix: each has its labels.
 *
 * @category constructors
 * @since 0.1.0
 */
export const keep = Effect.fnUntraced(function*(
  group: Group.GroupShape,
  options: { readonly every?: Duration.Input | undefined } = {}
): Effect.fn.Return<void, never, Scope.Scope> {
  const { read } = yield* Series.make(group, yield* Metric.MetricRegistry)
  yield* read
  yield* Effect.forkScoped(Effect.schedule(read, Schedule.spaced(options.every ?? every)))
})

/**
 * The same for the one group of an app.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: { readonly every?: Duration.Input | undefined } = {}
): Layer.Layer<never, never, Group.Group> =>
  Layer.effectDiscard(Effect.flatMap(Group.Group, (group) => keep(group, options)))
