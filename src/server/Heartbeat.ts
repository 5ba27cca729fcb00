/** Heartbeat: says `SERVER_ALIVE` at once and then every `heartbeatInterval`, and counts how late that was. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Counters from "../engine/Counters.ts"
import type * as Supervisor from "../engine/Supervisor.ts"
import * as Ticks from "../engine/Ticks.ts"
import type { Settings } from "../settings/Settings.ts"
import type * as ServerEngine from "./ServerEngine.ts"

/** Starts the fiber. */
export const run = (
  settings: Settings,
  state: ServerEngine.ServerEngine,
  counters: Pick<Counters.Counters, "late">,
  supervisor: Supervisor.Supervisor
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.flatMap(Clock.Clock, (clock) => {
    const interval = Duration.toMillis(settings.heartbeatInterval)
    let dueAt = Infinity
    const say = Effect.sync(() => {
      const now = Number(clock.monotonicTimeNanosUnsafe()) / 1e6
      if (dueAt < Infinity) counters.late(Math.max(0, now - dueAt))
      state.offer({ _tag: "Heartbeat" })
      dueAt = now + interval
    })
    return supervisor.keep("heartbeat", Ticks.repeated(settings.heartbeatInterval)(say))
  })
