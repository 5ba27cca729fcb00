/** The view and the events of a group that has two backends: what each of them tells, put together in one order. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Backend from "../backend/Backend.ts"
import * as EventHub from "../engine/EventHub.ts"
import * as Latest from "../engine/Latest.ts"
import type * as Supervisor from "../engine/Supervisor.ts"
import type * as Event from "../protocol/model/Event.ts"
import type * as Step from "../protocol/Step.ts"
import type * as Pairing from "../server/Pairing.ts"
import * as Joining from "./Joining.ts"
import { keepReading } from "./Reading.ts"

/** What the app sees and hears. */
export interface JoinedEvents extends Pick<Backend.Backend, "view" | "views" | "tell"> {
  readonly events: EventHub.EventHub<Step.View, Event.Event>
}

/** The same, and what reads both until the scope closes. */
export interface Running extends JoinedEvents {
  readonly run: (supervisor: Supervisor.Supervisor) => Effect.Effect<void, never, Scope.Scope>
}

/** Makes it. Nothing is read yet. */
export const make = Effect.fnUntraced(function*(
  first: Pairing.Part,
  second: Pairing.Part
): Effect.fn.Return<Running, never, Scope.Scope> {
  const one = yield* first.backend.events.subscribe
  const other = yield* second.backend.events.subscribe
  let joined = Joining.make(one.view, other.view)
  const view = yield* Latest.make(Joining.view(joined))
  const hub = yield* EventHub.make<Step.View, Event.Event>(view.get, first.group.settings.eventHistory)
  const hear = (from: Joining.From) => (event: Event.Event) =>
    Effect.sync(() => {
      const [after, told] = Joining.tell(joined, from, event)
      const isSame = Joining.showsSame(joined, after)
      joined = after
      if (!isSame) view.set(Joining.view(after))
      for (const each of told) hub.publish(each)
    })
  return {
    view: Effect.sync(view.get),
    views: view.changes,
    events: hub,
    tell: (event) => Effect.map(Clock.currentTimeMillis, (at) => hub.publish({ at, ...event })),
    run: (supervisor) =>
      Effect.andThen(
        keepReading(supervisor, "events of the first", one.events, hear("first")),
        keepReading(supervisor, "events of the second", other.events, hear("second"))
      )
  }
})
