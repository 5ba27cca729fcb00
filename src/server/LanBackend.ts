/** The protocol of the LAN as what `Group` and `Leadership` stand on. */
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import type * as Backend from "../backend/Backend.ts"
import * as ElectionContext from "../protocol/election/ElectionContext.ts"
import * as NamedElections from "../protocol/election/NamedElections.ts"
import * as SteppingDown from "../protocol/election/SteppingDown.ts"
import * as Election from "../protocol/model/Election.ts"
import * as Step from "../protocol/Step.ts"
import type * as ServerEngine from "./ServerEngine.ts"

/** That of one server, over its state. */
export const make = (engine: ServerEngine.ServerEngine, whose: Backend.Whose): Backend.Backend => ({
  whose,
  view: Effect.map(engine.state, Step.view),
  views: engine.views,
  events: engine.events,
  tell: engine.tell,
  own: (election) => Effect.zipWith(engine.state, engine.now, (state, now) => Step.leads(state, now, election)),
  ownReigns: engine.ownReigns,
  followed: (election) => Effect.map(engine.state, (state) => ElectionContext.register(state, election)?.reign ?? null),
  entered: Effect.map(engine.state, ({ named }) => [Election.ofGroup, ...HashMap.keys(named)]),
  hasRoom: (election) => Effect.map(engine.state, (state) => NamedElections.hasRoom(state, election)),
  isGivenUp: (election) =>
    Effect.map(engine.state, (state) => ElectionContext.register(state, election)?.hasNoWork === true),
  transferRefusal: (to, election) => Effect.map(engine.state, (state) => SteppingDown.refusal(state, to, election)),
  transfersWithin: 2 * engine.stateUnsafe().timing.coordinatorTimeout,
  step: engine.step,
  mark: engine.mark,
  wall: Effect.map(engine.now, ({ wall }) => wall)
})
