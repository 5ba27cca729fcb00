import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Step from "../../src/protocol/Step.ts"
import type * as Group from "../../src/server/Group.ts"
import * as Profile from "../../src/settings/Profile.ts"
import { SimulatedGroup } from "../../src/testing/index.ts"

describe("the events of a group", () => {
  it.effect("begin with Started and end with Left for a reader that subscribes as the layer is built, with the view at the start", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const views: Array<Group.View> = []
      const outlives = yield* Effect.scope
      const group = yield* SimulatedGroup.make({
        servers: 2,
        seed: "from the start",
        settings: (index) => ({ profile: "fast", priority: index }),
        app: Effect.fnUntraced(function*({ group }, index) {
          if (index !== 1) return yield* Effect.never
          const { events, sequence, view } = yield* Scope.provide(group.subscribe, outlives)
          assert.strictEqual(sequence, 0)
          views.push(view)
          // Not in the process, which ends before the stream does.
          yield* Effect.forkDetach(Stream.runForEach(events, ({ event }) => Effect.sync(() => seen.push(event))))
          return yield* Effect.never
        })
      })
      yield* group.settle()
      yield* group.stop(1)
      assert.deepStrictEqual(views.map(({ members, reign }) => [members.length, reign]), [[1, null]])
      assert.deepStrictEqual([seen[0], seen.at(-1)], ["Started", "Left"])
      assert.includeMembers(seen, ["MemberJoined", "LeaderChanged"])
    }))

  it.effect("are the later ones for a reader that subscribes later, with the view of that moment", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make({ servers: 2, seed: "later", settings: { profile: "fast" } })
      yield* group.settle()
      const { group: { subscribe, view } } = yield* group.server(0)
      const later = yield* subscribe
      assert.deepStrictEqual(later.view, yield* view)
      assert.isAbove(later.sequence, 0)
      yield* group.stop(1)
      const first = yield* Stream.runHead(later.events)
      assert.strictEqual(Option.getOrUndefined(first)?.event, "MemberRemoved")
    }))

  it.effect("are read on from where a reader stopped, as if it had not", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make({ servers: 2, seed: "read on", settings: { profile: "fast" } })
      yield* group.settle()
      const { group: { subscribe, subscribeAfter, view } } = yield* group.server(0)
      const { sequence } = yield* subscribe
      const all = yield* subscribeAfter(0)
      const events = yield* Stream.runCollect(Stream.take(all.events, sequence))
      assert.strictEqual(events[0]?.event, "Started")
      const rest = yield* subscribeAfter(sequence - 1)
      assert.deepStrictEqual([rest.view, rest.sequence], [yield* view, sequence - 1])
      assert.deepStrictEqual(yield* Stream.runHead(rest.events), Option.fromNullishOr(events.at(-1)))
    }))
})

describe("the failure of a server (docs/promises.md, the host program never dies of the network)", () => {
  it.effect("may be waited for and no longer: the server stays, and leads on", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make({ servers: 2, seed: 3, settings: { profile: "fast" } })
      const leader = yield* group.settle()
      const { group: { failed }, leadership } = yield* group.server(leader)
      yield* Effect.raceFirst(Effect.void, failed)
      assert.isTrue(Option.isNone(yield* Effect.timeoutOption(failed, 0)))
      yield* group.advance("5 seconds")
      assert.isTrue(yield* leadership.isLeader)
      const removed = (yield* group.events(1 - leader)).filter(({ event }) => event.event === "MemberRemoved")
      assert.deepStrictEqual(removed, [])
    }))

  it.effect("is told once it has left its group, also if nobody waited for it meanwhile", () =>
    Effect.gen(function*() {
      const broken = { index: -1 }
      const group = yield* SimulatedGroup.make({
        servers: 2,
        seed: 3,
        settings: (index) => ({ profile: "fast", priority: index }),
        transition: (before, input, now) => {
          if (input._tag === "Sweep" && before.self.priority === broken.index) throw new Error("a bug")
          return Step.step(before, input, now)
        }
      })
      yield* group.settle()
      const { group: { failed } } = yield* group.server(1)
      yield* Effect.raceFirst(Effect.void, failed)
      broken.index = 1
      const waiting = yield* Effect.forkChild(Effect.flip(failed), { startImmediately: true })
      let waited = 0
      while (waiting.pollUnsafe() === undefined && waited++ < 600) yield* group.advance("100 millis")
      assert.strictEqual((yield* Fiber.join(waiting)).fiber, "cleanup")
      const removed = (yield* group.events(0)).flatMap(({ event }) =>
        event.event === "MemberRemoved" ? [event.reason._tag] : []
      )
      assert.deepStrictEqual(removed, ["Left"])
    }).pipe(Effect.provide(Logger.layer([]))))
})

describe("the vote of a server that leads by a lease", () => {
  it.effect("is waited for: after a start that knows of none before it, and not longer than it leaves the group", () =>
    Effect.gen(function*() {
      const settings = { profile: "fast", leadership: "lease", groupSize: 3, unicastPort: 47_778 } as const
      const group = yield* SimulatedGroup.make({ servers: 3, seed: 3, settings })
      const votesIn = Effect.flatMap(group.server(0), (server) => server.group.votesIn)
      assert.isAbove(yield* votesIn, 1_400)
      const waits = yield* Effect.forkScoped(Effect.flatMap(group.server(0), (server) => server.group.votes))
      yield* group.advance(1_400)
      assert.isUndefined(waits.pollUnsafe())
      yield* group.advance(200)
      assert.isDefined(waits.pollUnsafe())
      assert.strictEqual(yield* votesIn, 0)
      yield* Effect.flatMap(group.server(0), (server) => server.group.votes)
      const { group: last } = yield* group.server(1)
      yield* group.kill(1)
      yield* group.start(1)
      const leaves = yield* Effect.forkScoped(Effect.flatMap(group.server(1), (server) => server.group.votes))
      yield* group.advance(100)
      yield* group.stop(1)
      yield* group.advance(100)
      assert.isDefined(leaves.pollUnsafe())
      assert.strictEqual(yield* last.votesIn, 0)
    }))

  it.effect("is there from the start without leases", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make({ servers: 1, seed: 3, settings: { profile: "fast" } })
      const server = yield* group.server(0)
      yield* server.group.votes
      assert.strictEqual(yield* server.group.votesIn, 0)
    }))
})

describe("the pulse of a server", () => {
  it.effect("is never longer ago than a heartbeat while it is well, with or without a network, and shows that it is not", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make({ servers: 2, seed: 3, settings: { profile: "fast" } })
      const interval = Duration.toMillis(Profile.profiles.fast.heartbeatInterval)
      const { group: { pulse } } = yield* group.server(0)
      for (const happens of [group.settle(), group.partition([[0], [1]])]) {
        yield* happens
        for (let at = 0; at < 20; at++) {
          yield* group.advance(interval * 0.3)
          assert.isAtMost(yield* pulse, interval + 1)
        }
      }
      yield* group.pause(0)
      yield* group.advance(interval * 10)
      assert.isAtLeast(yield* pulse, interval * 9)
    }))
})
