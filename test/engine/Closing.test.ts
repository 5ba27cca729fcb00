import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Client from "../../src/client/Client.ts"
import * as Group from "../../src/server/Group.ts"
import * as Leadership from "../../src/server/Leadership.ts"
import * as Server from "../../src/server/Server.ts"
import { SimulatedGroup, SimulatedNetwork } from "../../src/testing/index.ts"

const stopTimeout = 5_000

const two: SimulatedGroup.Options = {
  servers: 2,
  seed: "leaving",
  settings: (index) => ({ profile: "fast", priority: index, stopTimeout })
}

/** Stops the leader, whose work takes so long to end and is no child of the server: when the other hears of it, and why. */
const stopWhileWorking = Effect.fnUntraced(function*(takes: number) {
  const group = yield* SimulatedGroup.make(two)
  yield* group.settle()
  const { leadership } = yield* group.server(1)
  let endedAt = Infinity
  yield* leadership.whileLeader(
    Effect.onInterrupt(Effect.never, () =>
      Effect.andThen(
        Effect.sleep(takes),
        Effect.map(group.now, (now) => {
          endedAt = now
        })
      ))
  ).pipe(Effect.forkDetach)
  yield* group.advance("10 millis")
  const from = yield* group.now
  yield* group.stop(1)
  yield* group.advance("10 millis")
  const seen = yield* group.events(0)
  const removed = seen.filter(({ event }) => event.event === "MemberRemoved")
  return {
    workEnds: endedAt - from,
    removed: removed.map(({ at, event }) => ({
      after: at - from,
      reason: event.event === "MemberRemoved" ? event.reason._tag : ""
    }))
  }
})

describe("a server that is closed (protocol 5, leaving)", () => {
  it.effect("says goodbye when leading work has ended, also where that is none of its own scope and takes seconds", () =>
    Effect.gen(function*() {
      const { removed, workEnds } = yield* stopWhileWorking(2_000)
      assert.deepStrictEqual(removed.map(({ reason }) => reason), ["Left"])
      assert.strictEqual(workEnds, 2_000)
      assert.isAtLeast(removed[0]!.after, workEnds)
      assert.isAtMost(removed[0]!.after, workEnds + 100)
    }))

  it.effect("says goodbye when work that does not end has had its time", () =>
    Effect.gen(function*() {
      const { removed, workEnds } = yield* stopWhileWorking(60_000)
      assert.deepStrictEqual(removed.map(({ reason }) => reason), ["Left"])
      assert.strictEqual(workEnds, Infinity)
      assert.isAtLeast(removed[0]!.after, stopTimeout)
      assert.isAtMost(removed[0]!.after, stopTimeout + 100)
    }))
})

/** Two servers and a client of one group, built in a test's scope. */
const built = Effect.gen(function*() {
  const network = yield* SimulatedNetwork.make({ seed: 1 })
  const server = (name: string, priority: number) =>
    Effect.flatMap(network.host({ name }), (host) =>
      Layer.build(
        Layer.fresh(Server.layer({ profile: "fast", priority })).pipe(Layer.provide(host.layerDatagrams))
      ))
  const low = yield* server("low", 0)
  const high = yield* server("high", 1)
  const host = yield* network.host({ name: "client" })
  yield* Layer.build(Client.layer({ profile: "fast" }).pipe(Layer.provide(host.layerDatagrams)))
  return { low, high }
})

describe("layers under a TestClock (bellwether/testing)", () => {
  it.effect("close while their clock is stopped, and no virtual time passes for it", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const { high } = yield* Scope.provide(built, scope)
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual((yield* Effect.provide(Group.Group.use(({ members }) => members), high)).length, 2)
      const before = yield* Clock.monotonicTimeNanos
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(yield* Clock.monotonicTimeNanos, before)
    }))

  it.effect.each(["in the layers", "outside of them"])(
    "close also where leading work %s needs virtual time to end",
    (where) =>
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        const { high } = yield* Scope.provide(built, scope)
        const stubborn = Effect.onInterrupt(Effect.never, () => Effect.sleep(Duration.hours(1)))
        const work = Effect.provide(Leadership.Leadership.use(({ whileLeader }) => whileLeader(stubborn)), high)
        yield* where === "in the layers" ? Effect.forkIn(work, scope) : Effect.forkDetach(work)
        yield* TestClock.adjust("5 seconds")
        yield* Scope.close(scope, Exit.void)
      })
  )

  it.effect("say goodbye where the clock is moved meanwhile", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const network = yield* SimulatedNetwork.make({ seed: 1 })
      const build = (name: string) =>
        Effect.flatMap(network.host({ name }), (host) =>
          Layer.build(Layer.fresh(Server.layer({ profile: "fast" })).pipe(Layer.provide(host.layerDatagrams))))
      const stays = yield* build("stays")
      yield* Scope.provide(build("leaves"), scope)
      yield* TestClock.adjust("5 seconds")
      const members = Effect.provide(
        Group.Group.use(({ members }) =>
          members
        ),
        stays
      )
      assert.strictEqual((yield* members).length, 2)
      yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
      yield* TestClock.adjust("100 millis")
      assert.strictEqual((yield* members).length, 1)
    }))
})
