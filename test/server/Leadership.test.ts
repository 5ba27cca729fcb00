import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Leadership from "../../src/server/Leadership.ts"
import type * as Server from "../../src/server/Server.ts"
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

  for (
    const [what, stop, goOn] of [["a stall", "pause", "resume"], ["a suspension", "suspend", "wake"]] as const
  ) {
    it.effect(`is refused by \`isLeader\` and by the guard from the first moment after ${what}, and interrupted within one look of the pause detector`, () =>
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
        yield* group[stop](2)
        yield* group.advance("5 seconds")
        // Its fibers have not run yet: only the clock can know.
        assert.isFalse(yield* server.leadership.isLeader)
        assert.isTrue(Option.isNone(yield* server.leadership.current))
        assert.strictEqual((yield* Effect.flip(write))._tag, "NotLeading")
        assert.deepStrictEqual(log, [])
        yield* group[goOn](2)
        yield* group.advance("100 millis")
        assert.deepStrictEqual(log, ["interrupted"])
        yield* group.advance("2 seconds")
        assert.deepStrictEqual(yield* group.leaders, [2])
      }))
  }

  it.effect("that does not end does not hold up the leaving for more than a second", () =>
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

  it.effect("goes on in the next reign if one follows the other at once, and the lead is not given up for it", () =>
    Effect.gen(function*() {
      // The story: a leader that meets a newer reign of a lower rank takes a greater one at once. Its work had ended in
      // time, but was taken for work that had not, and the new reign was resigned.
      const group = yield* SimulatedGroup.make(three)
      yield* group.settle()
      const log: Array<string> = []
      yield* Effect.forkScoped(work(yield* group.server(2), log))
      yield* group.partition([[0, 1], [2]])
      yield* group.advance("5 seconds")
      const [first] = log
      yield* group.heal
      yield* group.advance("1 second")
      assert.deepStrictEqual(yield* group.leaders, [2])
      assert.deepStrictEqual(terms(log), ["begins", "ended", "begins"])
      assert.strictEqual(log[1]?.split(" ")[1], first?.split(" ")[1])
      const changes = (yield* group.events(2)).map(({ event }) => event).filter(({ event }) =>
        event === "LeaderChanged"
      )
      assert.deepStrictEqual(changes.map((change) => change.event === "LeaderChanged" && change.cause), [
        "Start",
        "Superseded"
      ])
    }))

  it.effect("that overran keeps its server from standing until it has finished: the lead does not come and go", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make(three)
      yield* group.settle()
      const server = yield* group.server(2)
      let stubborn = true
      yield* Effect.forkScoped(server.leadership.whileLeader(Effect.suspend(() => {
        if (!stubborn) return Effect.never
        stubborn = false
        return Effect.uninterruptible(Effect.sleep("1 minute"))
      })))
      yield* group.advance("10 millis")
      yield* server.leadership.resign
      yield* group.advance("55 seconds")
      assert.deepStrictEqual(yield* group.leaders, [1])
      yield* group.stop(1)
      yield* group.stop(0)
      yield* group.advance("2 seconds")
      assert.deepStrictEqual(yield* group.leaders, [], "rather nobody than one whose work would overlap")
      yield* group.advance("3 seconds")
      assert.deepStrictEqual(yield* group.leaders, [2])
      const reigns = (yield* group.events(2)).filter(({ event }) =>
        event.event === "LeaderChanged" && event.leader?.name === "n2"
      )
      assert.lengthOf(reigns, 2)
    }))

  it.effect("that overran after a pause makes its server give the next reign up, for that cause", () =>
    Effect.gen(function*() {
      // A leader that keeps a pace is replaced by then.
      const group = yield* SimulatedGroup.make({
        ...three,
        settings: (index) => ({ profile: "fast", priority: index, leaderInterval: "500 millis" })
      })
      yield* group.settle()
      const server = yield* group.server(2)
      let begun = 0
      yield* Effect.forkScoped(server.leadership.whileLeader(Effect.suspend(() => {
        begun++
        return begun > 1 ? Effect.never : Effect.uninterruptible(Effect.sleep("10 seconds"))
      })))
      yield* group.advance("10 millis")
      yield* group.pause(2)
      yield* group.advance("1 second")
      yield* group.resume(2)
      yield* group.advance("1 second")
      assert.deepStrictEqual(yield* group.leaders, [1])
      yield* group.advance("8 seconds")
      for (const index of [0, 1, 2]) {
        const causes = (yield* group.events(index)).map(({ event }) =>
          event.event === "LeaderChanged" ? event.cause : ""
        )
        assert.includeMembers(causes, ["Stalled", "WorkOverran"])
      }
    }))

  it.effect("of several callers never overlaps with the next reign's of any of them", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make(three)
      yield* group.settle()
      const { leadership } = yield* group.server(2)
      const running = new Map<number, number>()
      const overlaps: Array<string> = []
      let stubborn = true
      const one = (takes: number) =>
        Effect.gen(function*() {
          const { term } = yield* Leadership.Reign
          running.set(term, (running.get(term) ?? 0) + 1)
          if (running.size > 1) overlaps.push([...running.keys()].join())
          return yield* Effect.never.pipe(
            Effect.onInterrupt(() =>
              Effect.andThen(
                Effect.suspend(() => Effect.sleep(stubborn ? takes : 0)),
                Effect.sync(() => {
                  const left = running.get(term)! - 1
                  if (left === 0) running.delete(term)
                  else running.set(term, left)
                })
              )
            )
          )
        })
      yield* Effect.forkScoped(leadership.whileLeader(one(1)))
      yield* Effect.forkScoped(leadership.whileLeader(one(3_000)))
      yield* group.advance("10 millis")
      assert.deepStrictEqual([...running.values()], [2], "under one reign they run side by side")
      for (let round = 0; round < 3; round++) {
        yield* group.pause(2)
        yield* group.advance("1 second")
        yield* group.resume(2)
        yield* group.advance("15 seconds")
        assert.deepStrictEqual([...running.values()], [2])
      }
      assert.deepStrictEqual(overlaps, [])
      stubborn = false
    }))

  it.effect("that one caller's failure ends begins again for the other with the next reign", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make({ ...three, servers: 1 })
      yield* group.settle()
      const log: Array<string> = []
      const server = yield* group.server(0)
      yield* Effect.forkScoped(work(server, log))
      yield* group.advance("10 millis")
      const exit = yield* Effect.exit(server.leadership.whileLeader(Effect.fail("no disk")))
      assert.deepStrictEqual(exit, Exit.fail("no disk"))
      yield* group.advance("2 seconds")
      assert.deepStrictEqual(terms(log), ["begins", "ended", "begins"])
    }))

  it.effect("that is asked for anew waits for work that overran when its caller was interrupted, in the same reign", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make(three)
      yield* group.settle()
      const server = yield* group.server(2)
      const stubborn = yield* Effect.forkScoped(
        server.leadership.whileLeader(Effect.uninterruptible(Effect.sleep("5 seconds")))
      )
      yield* group.advance("10 millis")
      const before = yield* group.now
      yield* Effect.forkScoped(Fiber.interrupt(stubborn))
      yield* group.advance("501 millis")
      assert.isDefined(stubborn.pollUnsafe(), "the caller waits for stopTimeout and no longer")
      const log: Array<string> = []
      yield* Effect.forkScoped(work(server, log))
      yield* group.until("the work begins", Effect.sync(() => log.length > 0))
      assert.isAtLeast((yield* group.now) - before, 4_990)
      assert.deepStrictEqual(yield* group.leaders, [2])
    }))

  it.effect("that notices by the guard that its reign is over has not failed", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make(three)
      yield* group.settle()
      const { leadership } = yield* group.server(2)
      let runs = 0
      const guarded = Leadership.Reign.guard(Effect.void).pipe(Effect.delay("50 millis"), Effect.forever)
      const fiber = yield* Effect.forkScoped(
        leadership.whileLeader(Effect.andThen(Effect.sync(() => runs++), guarded))
      )
      yield* group.advance("10 millis")
      yield* group.pause(2)
      yield* group.advance("5 seconds")
      // Its work wakes before the pause detector does.
      yield* group.resume(2, "sleepers")
      yield* group.advance("5 seconds")
      assert.isUndefined(fiber.pollUnsafe())
      assert.strictEqual(runs, 2)
    }))
})
