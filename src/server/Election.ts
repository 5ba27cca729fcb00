/**
 * Election: starts the server's part in the protocol and runs the pause detector: after a pause the process must not act on
 * what it held before. The rules are in `protocol/election`.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
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
  const checkEach = (interval: number) => state.step({ _tag: "CheckPause" }).pipe(Ticks.spaced(interval))
  // Every step is a look at the clocks. A leader that keeps a pace makes one with each sign of life; the work of another
  // depends on the looks of this fiber.
  const checks = Timing.keepsPace(timing)
    ? checkEach(Timing.pauseCheckInterval(timing))
    : state.working.pipe(
      Stream.changes,
      Stream.map((works) => Timing.checkInterval(timing, works)),
      Stream.switchMap((interval) => Stream.fromEffect(checkEach(interval))),
      Stream.runDrain
    )
  yield* supervisor.keep("watch", checks)
})
