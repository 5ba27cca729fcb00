/** Heartbeat: says `SERVER_ALIVE` at once and then every `heartbeatInterval`. */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Supervisor from "../engine/Supervisor.ts"
import * as Ticks from "../engine/Ticks.ts"
import type { Settings } from "../settings/Settings.ts"
import type * as ServerEngine from "./ServerEngine.ts"

/** Starts the fiber. */
export const run = (
  settings: Settings,
  state: ServerEngine.ServerEngine,
  supervisor: Supervisor.Supervisor
): Effect.Effect<void, never, Scope.Scope> =>
  supervisor.keep(
    "heartbeat",
    state.step({ _tag: "Heartbeat" }).pipe(Ticks.repeated(settings.heartbeatInterval))
  )
