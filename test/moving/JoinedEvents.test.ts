/** The view and the events of a server with two backends, of what each of them tells. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as EventHub from "../../src/engine/EventHub.ts"
import * as Supervisor from "../../src/engine/Supervisor.ts"
import * as JoinedEvents from "../../src/moving/JoinedEvents.ts"
import type * as Event from "../../src/protocol/model/Event.ts"
import type * as Member from "../../src/protocol/model/Member.ts"
import type * as Step from "../../src/protocol/Step.ts"
import type * as Pairing from "../../src/server/Pairing.ts"
import { member, self } from "../backend/harness/One.ts"

const side = Effect.gen(function*() {
  const view: Step.View = { self, members: [self], reign: null, term: 0 }
  const hub = yield* EventHub.make<Step.View, Event.Event>(() => view, 10)
  const part = { backend: { events: hub }, group: { settings: { eventHistory: 10 } } } as unknown as Pairing.Part
  return { hub, part }
})

const joins = (who: Member.Member): Event.Event => ({ at: 1, event: "MemberJoined", member: who, via: "registry" })

describe("a server with two backends", () => {
  it.effect("tells an app what it shows it, in one order, whichever of the two has told it", () =>
    Effect.gen(function*() {
      const [first, second] = [yield* side, yield* side]
      const joined = yield* JoinedEvents.make(first.part, second.part)
      const { events, view } = yield* joined.events.subscribe
      assert.deepStrictEqual(view.members, [self])
      const heard: Array<string> = []
      yield* Effect.forkScoped(
        Stream.runForEach(events, (event) =>
          Effect.map(joined.view, ({ members }) => {
            heard.push(`${event.event} ${members.length}`)
          }))
      )
      // What was told before it is read is not lost.
      first.hub.publish(joins(member("one")))
      yield* joined.run(yield* Supervisor.make(() => Effect.void))
      yield* TestClock.adjust(1)
      second.hub.publish(joins(member("one")))
      second.hub.publish(joins(member("other")))
      yield* TestClock.adjust(1)
      yield* joined.tell({ event: "NetworkChanged", what: "etcd is away" })
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(heard, ["MemberJoined 2", "MemberJoined 3", "NetworkChanged 3"])
      assert.deepStrictEqual((yield* joined.view).members.map(({ name }) => name).toSorted(), ["one", "other", "self"])
    }))
})
