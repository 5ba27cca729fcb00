import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Leadership from "../../src/group/Leadership.ts"
import type * as Server from "../../src/group/Server.ts"
import { SimulatedGroup } from "../../src/testing/index.ts"

const three: SimulatedGroup.Options = {
  servers: 3,
  seed: 7,
  settings: (index) => ({ profile: "fast", priority: index, name: `n${index}` })
}

/** Runs work on one server, and logs what becomes of it. */
const work = (server: Server.ServerShape, log: Array<string>, finalizer: Effect.Effect<void> = Effect.void) =>
  server.leadership.whileLeader(
    Effect.gen(function*() {
      const { term } = yield* Leadership.Reign
      log.push(`begins ${term}`)
      return yield* Effect.never.pipe(
        Effect.onInterrupt(() => Effect.andThen(finalizer, Effect.sync(() => log.push(`ended ${term}`))))
      )
    })
  )

const terms = (log: ReadonlyArray<string>) => log.map((line) => line.split(" ")[0])

describe("leading work (design 4, protocol 5)", () => {
  it.effect("runs under each reign, and its finalizers are done before the group hears of the end", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make(three)
      const leader = yield* group.settle()
      assert.strictEqual(leader, 2)
      const log: Array<string> = []
      const server = yield* group.server(leader)
      yield* Effect.forkScoped(work(server, log, Effect.sleep("200 millis")))
      yield* group.advance("10 millis")
      const { name } = yield* group.host(leader)
      const said: Array<string> = []
      yield* group.network.tap(({ payload, sender, what }) => {
        const text = new TextDecoder().decode(payload)
        if (what === "sent" && sender === name && text.includes("STEPPING_DOWN")) said.push(log.join())
      })
      yield* server.leadership.resign
      assert.isFalse(yield* server.leadership.isLeader)
      const next = yield* group.settle()
      assert.strictEqual(next, 1)
      assert.deepStrictEqual(terms(log), ["begins", "ended"])
      assert.isAbove(said.length, 0)
      for (const then of said) assert.include(then, "ended")
    }))

  it.effect("that was resigned goes to the next in rank at once, and stays there for a member time-out", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make(three)
      yield* group.settle()
      const server = yield* group.server(2)
      yield* server.leadership.resign
      yield* group.advance("100 millis")
      assert.deepStrictEqual(yield* group.leaders, [1])
      yield* group.advance("1 second")
      assert.deepStrictEqual(yield* group.leaders, [1])
      yield* group.advance("1 second")
      assert.deepStrictEqual(yield* group.leaders, [2])
      assert.deepStrictEqual(Exit.isFailure(yield* Effect.exit((yield* group.server(0)).leadership.resign)), true)
    }))

  it.effect("that succeeds waits for the next reign", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make(three)
      yield* group.settle()
      const runs: Array<number> = []
      const server = yield* group.server(2)
      const fiber = yield* Effect.forkScoped(
        server.leadership.whileLeader(
          Effect.flatMap(Leadership.Reign, ({ term }) => Effect.sync(() => runs.push(term)))
        )
      )
      yield* group.advance("5 seconds")
      assert.lengthOf(runs, 1)
      yield* server.leadership.resign
      yield* group.advance("5 seconds")
      assert.lengthOf(runs, 2)
      assert.isAbove(runs[1]!, runs[0]!)
      assert.isUndefined(fiber.pollUnsafe())
    }))

  it.effect("that fails resigns, then fails", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make(three)
      yield* group.settle()
      const server = yield* group.server(2)
      const exit = yield* Effect.exit(server.leadership.whileLeader(Effect.fail("no disk")))
      assert.deepStrictEqual(exit, Exit.fail("no disk"))
      yield* group.advance("100 millis")
      assert.deepStrictEqual(yield* group.leaders, [1])
    }))

  it.effect("that overruns is told, and never overlaps with that of the next reign", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make(three)
      yield* group.settle()
      const server = yield* group.server(2)
      let running = 0
      let most = 0
      let begun = 0
      const stubborn = Effect.gen(function*() {
        running++
        begun++
        most = Math.max(most, running)
        yield* Effect.uninterruptible(Effect.andThen(Effect.sleep("4 seconds"), Effect.sync(() => running--)))
        return yield* Effect.never
      })
      yield* Effect.forkScoped(server.leadership.whileLeader(stubborn))
      yield* group.advance("10 millis")
      yield* server.leadership.resign
      yield* group.advance("600 millis")
      // Half a second was its time: the group goes on without waiting any longer.
      assert.deepStrictEqual(yield* group.leaders, [1])
      const told = (yield* group.events(2)).filter(({ event }) => event.event === "WorkOverran")
      assert.lengthOf(told, 1)
      assert.strictEqual(begun, 1)
      yield* group.advance("20 seconds")
      assert.isAbove(begun, 1)
      assert.strictEqual(most, 1)
    }))

  it.effect("is refused by `isLeader` and by the guard from the first moment after a stall, and interrupted within one watch", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make(three)
      yield* group.settle()
      const server = yield* group.server(2)
      const log: Array<string> = []
      const guarded = yield* Deferred.make<Effect.Effect<void, Leadership.NotLeading>>()
      yield* Effect.forkScoped(server.leadership.whileLeader(
        Effect.gen(function*() {
          const reign = yield* Leadership.Reign
          yield* Deferred.succeed(
            guarded,
            Effect.provideService(Leadership.Reign.guard(Effect.void), Leadership.Reign, reign)
          )
          return yield* Effect.never.pipe(Effect.onInterrupt(() => Effect.sync(() => log.push("interrupted"))))
        })
      ))
      yield* group.advance("10 millis")
      const write = yield* Deferred.await(guarded)
      yield* write
      yield* group.pause(2)
      yield* group.advance("5 seconds")
      // Its fibers have not run yet: only the clock can know.
      assert.isFalse(yield* server.leadership.isLeader)
      assert.isTrue(Option.isNone(yield* server.leadership.current))
      assert.strictEqual((yield* Effect.flip(write))._tag, "NotLeading")
      assert.deepStrictEqual(log, [])
      yield* group.resume(2)
      yield* group.advance("100 millis")
      assert.deepStrictEqual(log, ["interrupted"])
      yield* group.advance("2 seconds")
      assert.deepStrictEqual(yield* group.leaders, [2])
    }))

  it.effect("that refuses to finish does not hold up a goodbye for more than a second", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make(three)
      yield* group.settle()
      const server = yield* group.server(2)
      yield* Effect.forkScoped(server.leadership.whileLeader(Effect.uninterruptible(Effect.sleep("1 hour"))))
      yield* group.advance("10 millis")
      const before = yield* group.now
      const stopping = yield* Effect.forkScoped(group.stop(2))
      yield* group.advance("1 second")
      yield* Fiber.join(stopping)
      const left = (yield* group.events(1)).find(({ event }) => event.event === "MemberRemoved")
      assert.strictEqual(left?.event.event === "MemberRemoved" && left.event.reason._tag, "Left")
      assert.isAtMost((left?.at ?? Infinity) - before, 1_000)
      assert.deepStrictEqual(yield* group.leaders, [1])
    }))

  it.effect("ends with the app that asked for it", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make(three)
      yield* group.settle()
      const log: Array<string> = []
      const fiber = yield* Effect.forkScoped(work(yield* group.server(2), log))
      yield* group.advance("10 millis")
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(terms(log), ["begins", "ended"])
      assert.deepStrictEqual(yield* group.leaders, [2])
    }))
})
