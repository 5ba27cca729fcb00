/** A span for each election that a server takes part in: from its beginning to its end, with the outcome. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import type * as Tracer from "effect/Tracer"
import type * as Elections from "../engine/Elections.ts"

/** Takes what begins and ends. It must not be called within a step, since a tracer of the app may run. */
export type Follow = (changes: Elections.Changes) => void

/** Makes it; elections that last when the scope closes end with it. */
export const make = Effect.fnUntraced(function*(
  server: Readonly<Record<"group" | "node", string>>
): Effect.fn.Return<Follow, never, Scope.Scope> {
  const context = yield* Effect.context()
  const clock = yield* Clock.Clock
  const open = new Map<string, Tracer.Span>()
  const begin = (election: string) =>
    Effect.map(
      Effect.makeSpan("Server.election", { root: true, attributes: { ...server, election } }),
      (span) => void open.set(election, span)
    )
  const end = ({ election, ...found }: Elections.Ended) =>
    Effect.sync(() => {
      const span = open.get(election)
      if (span === undefined) return
      open.delete(election)
      for (const [key, value] of Object.entries(found)) span.attribute(key, value)
      span.end(clock.currentTimeNanosUnsafe(), Exit.void)
    })
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      for (const span of open.values()) span.end(clock.currentTimeNanosUnsafe(), Exit.void)
      open.clear()
    })
  )
  return ({ begun, ended }) => {
    // A tracer that throws is the app's: it changes nothing here.
    Effect.runSyncExitWith(context)(
      Effect.andThen(Effect.forEach(ended, end), Effect.forEach(begun, begin))
    )
  }
})
