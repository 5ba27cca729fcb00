/** Child processes on Node, which are loaded with the first: a server that systemd does not ask for news never has one. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ChildProcessSpawner from "effect/process/ChildProcessSpawner"

/** Starts child processes. */
export const layer: Layer.Layer<ChildProcessSpawner.ChildProcessSpawner> = Layer.effect(
  ChildProcessSpawner.ChildProcessSpawner,
  Effect.gen(function*() {
    const scope = yield* Effect.scope
    const loaded = yield* Effect.cached(Effect.gen(function*() {
      const { layer } = yield* Effect.promise(() => import("@effect/platform-node/NodeServices"))
      return Context.get(yield* Layer.buildWithScope(layer, scope), ChildProcessSpawner.ChildProcessSpawner)
    }))
    return ChildProcessSpawner.make((command) => Effect.flatMap(loaded, (spawner) => spawner.spawn(command)))
  })
)
