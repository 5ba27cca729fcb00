/**
 * Election: starts the server's part in the protocol and runs the pause detector: after a pause the process must not act on
 * what it held before. The rules are in `protocol/election`.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Supervisor from "../engine/Supervisor.ts"
import * as Ticks from "../engine/Ticks.ts"
import * as Timing from "../protocol/model/Timing.ts"
import type * as ServerEngine from "./ServerEngine.ts"

/** Starts the fiber. */
export const run = Effect.fnUntraced(function*(
  timing: Timing.Timing,
  state: ServerEngine.ServerEngine,
  supervisor: Supervisor.Supervisor
): Effect.fn.Return<void, never, Scope.Scope> {
  yield* state.step({ _tag: "Start" })
  yield* supervisor.keep(
    "watch",
    state.step({ _tag: "CheckPause" }).pipe(Ticks.spaced(Timing.pauseCheckInterval(timing)))
  )
})
