/**
 * Discovery: the listener that takes in what others say, and the probe that asks who is there, at the start and for as
 * long as nobody is.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Supervisor from "../engine/Supervisor.ts"
import * as Ticks from "../engine/Ticks.ts"
import type { Settings } from "../settings/Settings.ts"
import type * as Messenger from "../transport/Messenger.ts"
import type * as ServerEngine from "./ServerEngine.ts"

/** Starts both fibers. The listener first, so that no answer is missed: it gives each message to `hear`. */
export const run = Effect.fnUntraced(function*(
  settings: Settings,
  state: ServerEngine.ServerEngine,
  messenger: Messenger.Messenger,
  hear: (received: Messenger.Received) => void,
  supervisor: Supervisor.Supervisor
): Effect.fn.Return<void, never, Scope.Scope> {
  // It gives way to others by waiting for the next datagrams: the system is asked for a few at each turn of the event loop.
  const listen = Effect.forever(
    Effect.map(messenger.receive, (all) => {
      for (const received of all) hear(received)
    }),
    { disableYield: true }
  )
  yield* supervisor.keep("listener", listen)
  yield* supervisor.keep(
    "discovery",
    state.step({ _tag: "Discover" }).pipe(Ticks.repeated(settings.heartbeatInterval))
  )
})
