/**
 * Cleanup: every `cleanupInterval` looks for members that have been silent for too long, and tells once a minute how many
 * datagrams were dropped and why.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type * as GroupState from "./GroupState.ts"
import type { Settings } from "./Settings.ts"
import type * as Supervisor from "./Supervisor.ts"

/** What every server drops all the time, and no one need hear of: its own multicasts, come back. */
const ordinary: ReadonlySet<string> = new Set(["Own"])

/**
 * Starts both fibers. `receiveBufferDropped` is how many datagrams found the receive buffer full.
 *
 * @category constructors
 * @since 0.1.0
 */
export const run = Effect.fnUntraced(function*(
  settings: Settings,
  state: GroupState.GroupState,
  supervisor: Supervisor.Supervisor
): Effect.fn.Return<void, never, Scope.Scope> {
  const told = new Map<string, number>()
  const tell = Effect.gen(function*() {
    for (const [reason, total] of Object.entries(yield* state.dropped)) {
      const count = total - (told.get(reason) ?? 0)
      told.set(reason, total)
      if (count > 0 && !ordinary.has(reason)) yield* state.tell({ event: "Dropped", reason, count })
    }
  })
  yield* supervisor.keep(
    "cleanup",
    state.step({ _tag: "Sweep" }).pipe(Effect.schedule(Schedule.spaced(settings.cleanupInterval)))
  )
  yield* supervisor.keep("drops", tell.pipe(Effect.schedule(Schedule.spaced("1 minute"))))
})
