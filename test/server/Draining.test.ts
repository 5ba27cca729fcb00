/** How a lead ends with the app: drained, or given up with its singleton; and whether a server is well. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Group from "../../src/server/Group.ts"
import * as Leadership from "../../src/server/Leadership.ts"
import type * as Server from "../../src/server/Server.ts"
import { SimulatedGroup } from "../../src/testing/index.ts"

const three = (leadership: "bully" | "lease" = "bully") =>
  SimulatedGroup.make({
    servers: 3,
    seed: "draining",
    settings: (index) => ({
      profile: "fast",
      name: `n${index}`,
      priority: index,
      ...leadership === "lease" ? { leadership, groupSize: 3 } : {}
    })
  })

const servicesOf = (server: Server.ServerShape) =>
  Layer.merge(Layer.succeed(Group.Group, server.group), Layer.succeed(Leadership.Leadership, server.leadership))

describe("an app that is drained (issue: the lead is handed over before requests are served to their end)", () => {
  for (const leadership of ["bully", "lease"] as const) {
    it.effect(`hands over all leads before its layer closes, which may take long: ${leadership}`, () =>
      Effect.gen(function*() {
        const group = yield* three(leadership)
        yield* group.settle()
        const server = yield* group.server(2)
        const named = yield* server.leadership.of("billing")
        yield* group.advance("3 seconds")
        const log: Array<string> = []
        const work = Effect.acquireRelease(Effect.void, () => Effect.sync(() => log.push("work has ended")))
        const scope = yield* Scope.make()
        yield* Effect.forkIn(named.whileLeader(Effect.scoped(Effect.andThen(work, Effect.never))), scope)
        yield* Effect.forkIn(server.leadership.whileLeader(Effect.scoped(Effect.andThen(work, Effect.never))), scope)
        const http = Layer.effectDiscard(Effect.acquireRelease(
          Effect.void,
          () => Effect.andThen(Effect.sync(() => log.push("closes")), Effect.sleep("10 seconds"))
        ))
        const app = yield* Scope.fork(scope)
        yield* Layer.buildWithScope(Leadership.drainBefore(http).pipe(Layer.provide(servicesOf(server))), app)
        yield* group.advance("100 millis")
        assert.isTrue(yield* server.leadership.isLeader)
        const closing = yield* Effect.forkChild(Scope.close(app, Exit.void))
        yield* group.advance("1 second")
        assert.deepStrictEqual(log, ["work has ended", "work has ended", "closes"])
        assert.isUndefined(closing.pollUnsafe(), "it is still served to its end")
        assert.deepStrictEqual(yield* group.leaders, [1])
        // It takes the lead no more, though it ranks highest and is still a member.
        yield* group.advance("5 seconds")
        assert.deepStrictEqual(yield* group.leaders, [1])
        assert.isFalse(yield* named.isLeader)
        yield* group.advance("10 seconds")
        yield* Fiber.await(closing)
        yield* Scope.close(scope, Exit.void)
      }))
  }
})

describe("a singleton as a layer (issue: its end is the app's to choose)", () => {
  const exhausted = Effect.fnUntraced(function*(options: { readonly onExhausted?: "fail" | "ineligible" }) {
    const group = yield* three()
    yield* group.settle()
    const server = yield* group.server(2)
    const layer = Leadership.singletonLayer("cleaner", Effect.fail("no disk"), {
      schedule: Schedule.max([Schedule.spaced("100 millis"), Schedule.recurs(2)]),
      ...options
    })
    const app = yield* Effect.forkChild(Group.launch(layer).pipe(Effect.provide(servicesOf(server))))
    yield* group.advance("3 seconds")
    return { app, group, server }
  })

  it.effect("makes its server ineligible when its schedule is exhausted, and the app goes on", () =>
    Effect.gen(function*() {
      const { app, group, server } = yield* exhausted({})
      assert.isUndefined(app.pollUnsafe())
      assert.deepStrictEqual(yield* group.leaders, [1])
      assert.isTrue((yield* server.group.healthy).healthy)
      yield* Fiber.interrupt(app)
    }).pipe(Effect.provide(Logger.layer([]))))

  it.effect("ends the app and leaves the group, where it is to fail, and says what failed", () =>
    Effect.gen(function*() {
      const { app, group, server } = yield* exhausted({ onExhausted: "fail" })
      const exit = app.pollUnsafe()
      assert.isTrue(exit !== undefined && Exit.isFailure(exit))
      const failure = Cause.squash((exit as Exit.Failure<never, Group.GroupFailed>).cause) as Group.GroupFailed
      assert.instanceOf(failure, Group.GroupFailed)
      assert.strictEqual(failure.message, "the singleton cleaner has failed, and is not started again")
      assert.strictEqual(failure.cause, "no disk")
      assert.deepStrictEqual(yield* group.leaders, [1])
      const { healthy, reasons } = yield* server.group.healthy
      assert.isFalse(healthy)
      assert.include(reasons.map(({ why }) => why), "it is left")
    }).pipe(Effect.provide(Logger.layer([]))))

  it.effect("leads in an election of its own, where that is named", () =>
    Effect.gen(function*() {
      const group = yield* three()
      yield* group.settle()
      const runs: Array<number> = []
      for (const index of [0, 1]) {
        const layer = Leadership.singletonLayer(
          "cleaner",
          Effect.andThen(Effect.sync(() => runs.push(index)), Effect.never),
          {
            election: "cleaning"
          }
        )
        const app = Layer.launch(layer).pipe(Effect.provide(servicesOf(yield* group.server(index))))
        yield* Effect.forkScoped(app)
      }
      yield* group.advance("3 seconds")
      assert.deepStrictEqual(yield* group.leaders, [2])
      assert.deepStrictEqual(runs, [1])
    }))
})

describe("whether a server is well (issue: an app's own health route)", () => {
  it.effect("it is not while it looks for its group, nor before it votes, nor once it has sent nothing for three heartbeats", () =>
    Effect.gen(function*() {
      const group = yield* three("lease")
      const of = (index: number) => Effect.flatMap(group.server(index), (server) => server.group.healthy)
      assert.deepStrictEqual(yield* of(0), {
        healthy: false,
        reasons: [{ reason: "joined", why: "it is discovering" }]
      })
      yield* group.advance("300 millis")
      const { reasons } = yield* of(0)
      assert.deepStrictEqual(reasons.map(({ reason }) => reason), ["votes"])
      yield* group.settle()
      assert.deepStrictEqual(yield* of(0), { healthy: true, reasons: [] })
      yield* group.pause(0)
      yield* group.advance("5 seconds")
      assert.deepStrictEqual((yield* of(0)).reasons.map(({ reason }) => reason), ["pulse"])
    }))
})
