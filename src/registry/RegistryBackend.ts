/** A registry as what `Group` and `Leadership` stand on. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Backend from "../backend/Backend.ts"
import type { RegistryEngine } from "./RegistryEngine.ts"
import * as RegistryState from "./RegistryState.ts"
import * as RegistryStep from "./RegistryStep.ts"

/** That of one server, over its state. */
export const make = (engine: RegistryEngine, whose: Backend.Whose): Backend.Backend => ({
  whose,
  view: Effect.map(engine.state, RegistryStep.view),
  views: engine.views,
  events: engine.events,
  tell: (event) => Effect.map(Clock.currentTimeMillis, (at) => engine.events.publish({ at, ...event })),
  own: (election) => Effect.map(engine.state, (state) => RegistryStep.leads(state, engine.now(), election)),
  ownReigns: engine.ownReigns,
  followed: (election) => Effect.map(engine.state, (state) => RegistryState.election(state, election)?.reign ?? null),
  entered: Effect.map(engine.state, RegistryState.elections),
  hasRoom: (election) => Effect.map(engine.state, (state) => RegistryStep.hasRoom(state, election)),
  isGivenUp: (election) =>
    Effect.map(engine.state, (state) => RegistryState.election(state, election)?.hasNoWork === true),
  transferRefusal: (to, election) =>
    Effect.map(engine.state, (state) => RegistryStep.transferRefusal(state, to, election)),
  transfersWithin: 2 * engine.stateUnsafe().timing.coordinatorTimeout,
  step: engine.step,
  mark: engine.mark,
  wall: Effect.sync(() => engine.now().wall)
})
