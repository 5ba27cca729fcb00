/** One start of one server of a simulated group, and its end. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import type * as Server from "../../server/Server.ts"
import type * as SimulatedClock from "../SimulatedClock.ts"
import type * as SimulatedNetwork from "../SimulatedNetwork.ts"

export interface Start {
  readonly server: Server.ServerShape
  readonly host: SimulatedNetwork.Host
  readonly ownProcess: SimulatedClock.Process
  readonly scope: Scope.Closeable
  readonly reader: Fiber.Fiber<void>
}

export const close = ({ ownProcess, reader, scope }: Start): Effect.Effect<void> =>
  Scope.close(scope, Exit.void).pipe(
    Effect.provideService(Clock.Clock, ownProcess.clock),
    // Its events end with the server: those before that are read first.
    Effect.andThen(Fiber.await(reader)),
    Effect.asVoid
  )

/** Of one that was killed: nobody hears of it, and no time passes. */
export const bury = (start: Start): Effect.Effect<void> =>
  start.host.killEndpoints.pipe(Effect.andThen(start.ownProcess.hurry), Effect.andThen(close(start)))
