import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Schedule from "effect/Schedule"
import type * as Event from "../../src/protocol/model/Event.ts"
import * as Leadership from "../../src/server/Leadership.ts"
import { SimulatedGroup } from "../../src/testing/index.ts"

const options: SimulatedGroup.Options = {
  servers: 3,
  seed: "singleton",
  settings: (index) => ({ profile: "fast", priority: index, name: `n${index}` })
}

type Failed = Extract<Event.Event, { readonly event: "WorkFailed" }>

const failures = (group: SimulatedGroup.SimulatedGroup, index: number) =>
  Effect.map(
    group.events(index),
    (events) => events.flatMap(({ event }): ReadonlyArray<Failed> => event.event === "WorkFailed" ? [event] : [])
  )

describe("a singleton (issue: leading work that goes on)", () => {
  it.effect("runs on the leader alone, and through a failover on the next one", () =>
    Effect.gen(function*() {
      const running = new Set<number>()
      const log: Array<string> = []
      const group = yield* SimulatedGroup.make({
        ...options,
        app: ({ leadership }, index) =>
          leadership.singleton(
            "cleaner",
            Effect.acquireUseRelease(
              Effect.sync(() => {
                running.add(index)
                log.push(`n${index}`)
              }),
              () => Effect.never,
              () => Effect.sync(() => running.delete(index))
            )
          )
      })
      yield* group.settle()
      yield* group.advance("10 millis")
      assert.deepStrictEqual([...running], [2])
      yield* group.stop(2)
      yield* group.settle()
      yield* group.advance("10 millis")
      assert.deepStrictEqual([...running], [1])
      yield* group.start(2)
      yield* group.advance("1 second")
      assert.deepStrictEqual([...running], [2])
      yield* group.kill(2)
      // The work of the killed process runs no more, and its finalizers have not run.
      running.delete(2)
      yield* group.settle()
      yield* group.advance("10 millis")
      assert.deepStrictEqual([...running], [1])
      assert.deepStrictEqual(log, ["n2", "n1", "n2", "n1"])
    }))

  it.effect("that fails is started again by the schedule, whether it failed or died; each failure is told", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make(options)
      yield* group.settle()
      const { leadership } = yield* group.server(2)
      const from = yield* group.now
      const at: Array<number> = []
      const causes = [Effect.fail("no disk"), Effect.die(new Error("a bug"))]
      const work = Effect.gen(function*() {
        at.push((yield* group.now) - from)
        return yield* causes[at.length - 1] ?? Effect.never
      })
      yield* Effect.forkScoped(leadership.singleton("cleaner", work, { schedule: Schedule.exponential("100 millis") }))
      yield* group.advance("1 second")
      assert.deepStrictEqual(at, [0, 100, 300])
      assert.deepStrictEqual(yield* group.leaders, [2])
      const told = yield* failures(group, 2)
      assert.deepStrictEqual(told.map(({ again, name }) => [name, again]), [["cleaner", 100], ["cleaner", 200]])
      assert.include(told[0]?.cause, "no disk")
      assert.include(told[1]?.cause, "a bug")
      assert.strictEqual(
        told[0]?.term,
        (yield* leadership.current).pipe((own) => own._tag === "Some" ? own.value.term : 0)
      )
    }))

  it.effect("whose schedule is exhausted resigns and fails with the last cause, and another server takes it on", () =>
    Effect.gen(function*() {
      const runs: Array<number> = []
      const exits: Array<Exit.Exit<never, string>> = []
      const group = yield* SimulatedGroup.make({
        ...options,
        app: ({ leadership }, index) =>
          leadership.singleton(
            "cleaner",
            Effect.andThen(
              Effect.sync(() => runs.push(index)),
              index === 2 ? Effect.fail("no disk") : Effect.never
            ),
            { schedule: Schedule.max([Schedule.spaced("100 millis"), Schedule.recurs(2)]) }
          ).pipe(Effect.exit, Effect.map((exit) => exits.push(exit)))
      })
      yield* group.settle()
      yield* group.advance("500 millis")
      assert.deepStrictEqual(runs, [2, 2, 2, 1])
      assert.deepStrictEqual(exits, [Exit.fail("no disk")])
      assert.deepStrictEqual(yield* group.leaders, [1])
      assert.deepStrictEqual((yield* failures(group, 2)).map(({ again }) => again), [100, 100, null])
      // It has failed for good there: with nothing to do, that server leaves the lead to the other.
      yield* group.advance("20 seconds")
      assert.deepStrictEqual([yield* group.leaders, runs], [[1], [2, 2, 2, 1]])
    }))

  it.effect("that has failed for good keeps its server from leading, also alone, until it is run anew", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make({ ...options, servers: 1 })
      yield* group.settle()
      const { leadership } = yield* group.server(0)
      const run = Effect.flip(leadership.singleton("cleaner", Effect.fail("no disk"), { schedule: Schedule.recurs(1) }))
      const giveUp = Effect.tap(Effect.forkChild(run), () => group.advance("1 second"))
      assert.strictEqual(yield* Fiber.join(yield* giveUp), "no disk")
      yield* group.advance("20 seconds")
      assert.deepStrictEqual(yield* group.leaders, [])

      const again = yield* giveUp
      yield* group.advance("5 seconds")
      assert.strictEqual(yield* Fiber.join(again), "no disk")
      assert.deepStrictEqual((yield* failures(group, 0)).map(({ again }) => again), [0, null, 0, null])
    }))

  it.effect("that has failed for good lets its server lead on for other work of that leadership, until that is gone too", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make(options)
      yield* group.settle()
      const { leadership } = yield* group.server(2)
      const other = yield* Effect.forkScoped(leadership.singleton("other", Effect.never))
      const failing = leadership.singleton("cleaner", Effect.fail("no disk"), { schedule: Schedule.recurs(0) })
      yield* Effect.forkScoped(failing)
      yield* group.advance("20 seconds")
      // It resigned, and took the lead back for the other.
      assert.deepStrictEqual(yield* group.leaders, [2])
      // Work that is taken away has not failed.
      other.interruptUnsafe()
      yield* group.advance("20 seconds")
      assert.deepStrictEqual(yield* group.leaders, [2])
    }))

  it.effect("that has failed for good in one election does not keep its server from leading in another", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make(options)
      yield* group.settle()
      const billing = yield* Effect.forEach(
        [0, 1, 2],
        (index) => Effect.flatMap(group.server(index), ({ leadership }) => leadership.of("billing"))
      )
      yield* group.advance("5 seconds")
      const leads = Effect.map(
        Effect.forEach(billing, ({ isLeader }) => isLeader),
        (all) => all.indexOf(true)
      )
      const first = yield* leads
      yield* Effect.forkScoped(
        billing[first]!.singleton("cleaner", Effect.fail("no disk"), { schedule: Schedule.recurs(0) })
      )
      yield* group.advance("20 seconds")
      const then = yield* leads
      assert.isTrue(then >= 0 && then !== first)
      assert.deepStrictEqual(yield* group.leaders, [2])
      assert.deepStrictEqual((yield* failures(group, first)).map(({ election }) => election), ["billing"])
    }))

  it.effect("and other leading work that fails is logged, with its cause, regardless of its caller", () =>
    Effect.gen(function*() {
      const logged: Array<string> = []
      const keep = Logger.make<unknown, void>(({ cause, logLevel, message }) => {
        logged.push(`${logLevel}: ${String(message)}; ${Cause.pretty(cause).split("\n")[0]}`)
      })
      const group = yield* SimulatedGroup.make({ ...options, servers: 1 })
      yield* group.settle()
      const { leadership } = yield* group.server(0)
      const fails = Effect.die(new Error("no disk"))
      yield* Effect.gen(function*() {
        yield* Effect.forkScoped(leadership.singleton("cleaner", fails, { schedule: Schedule.recurs(1) }))
        yield* group.advance("10 millis")
        yield* Effect.forkScoped(leadership.whileLeader(fails))
        yield* group.advance("5 seconds")
      }).pipe(Effect.provide(Logger.layer([keep])))
      assert.deepStrictEqual(logged.map((line) => line.replace(/term [0-9]+/, "term T")), [
        "Warn: the singleton cleaner failed in term T; it is started again after 0 ms; Error: no disk",
        "Error: the singleton cleaner failed in term T; it is not started again, and this server resigns; Error: no disk",
        "Error: leading work failed in term T; it is not started again, and this server resigns; Error: no disk"
      ])
      const told = yield* failures(group, 0)
      assert.deepStrictEqual(told.map(({ again, name }) => [name, again]), [["cleaner", 0], ["cleaner", null], [
        "",
        null
      ]])
    }))

  it.effect("has its schedule anew with each reign, and after a run that was long enough", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make({ ...options, servers: 1 })
      yield* group.settle()
      const { leadership } = yield* group.server(0)
      let runs = 0
      const lasts: ReadonlyArray<number> = [0, 5_000, 0, 5_000]
      const work = Effect.suspend(() => {
        runs++
        return runs > lasts.length ? Effect.never : Effect.delay(Effect.fail("no disk"), lasts[runs - 1]!)
      })
      yield* Effect.forkScoped(
        leadership.singleton("cleaner", work, {
          schedule: Schedule.max([Schedule.exponential("100 millis"), Schedule.recurs(2)]),
          healthyAfter: "5 seconds"
        })
      )
      yield* group.advance("20 seconds")
      // Four failures, and never more than two in a row.
      assert.strictEqual(runs, 5)
      assert.deepStrictEqual((yield* failures(group, 0)).map(({ again }) => again), [100, 100, 200, 100])

      yield* leadership.resign
      runs = 0
      yield* group.advance("20 seconds")
      assert.strictEqual(runs, 5)
      assert.deepStrictEqual((yield* failures(group, 0)).slice(4).map(({ again }) => again), [100, 100, 200, 100])
    }))

  it.effect("without a schedule is started again without end, after 250 ms, twice as long each time, 30 s at most", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make({ ...options, servers: 1 })
      yield* group.settle()
      const { leadership } = yield* group.server(0)
      yield* Effect.forkScoped(leadership.singleton("cleaner", Effect.fail("no disk")))
      yield* group.advance("3 minutes")
      assert.deepStrictEqual(
        (yield* failures(group, 0)).map(({ again }) => again).slice(0, 10),
        [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]
      )
      assert.deepStrictEqual(yield* group.leaders, [0])
    }))

  it.effect("is given the cause to decide by: a defect is not tried again here", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make(options)
      yield* group.settle()
      const { leadership } = yield* group.server(2)
      let runs = 0
      const work = Effect.suspend((): Effect.Effect<never, string> => {
        runs++
        return runs === 1 ? Effect.fail("no disk") : Effect.die("a bug")
      })
      const exit = yield* Effect.exit(
        leadership.singleton("cleaner", work, {
          schedule: Schedule.spaced("1 milli").pipe(
            Schedule.setInputType<Cause.Cause<string>>(),
            Schedule.while(({ input }) => !Cause.hasDies(input))
          )
        }).pipe(
          Effect.forkScoped,
          Effect.tap(() => group.advance("100 millis")),
          Effect.flatMap((fiber) => Effect.sync(() => fiber.pollUnsafe()))
        )
      )
      assert.isTrue(Exit.isSuccess(exit) && exit.value !== undefined && Exit.hasDies(exit.value))
      assert.strictEqual(runs, 2)
    }))

  it.effect("that succeeds is done until the next reign", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make({ ...options, servers: 1 })
      yield* group.settle()
      const { leadership } = yield* group.server(0)
      const reigns: Array<number> = []
      yield* Effect.forkScoped(
        leadership.singleton("cleaner", Effect.map(Leadership.Reign, ({ term }) => reigns.push(term)))
      )
      yield* group.advance("5 seconds")
      assert.lengthOf(reigns, 1)
      yield* leadership.resign
      yield* group.advance("5 seconds")
      assert.lengthOf(reigns, 2)
    }))

  const byTheClock: Record<string, Effect.Effect<void, unknown, Leadership.Reign>> = {
    "asks before it acts": Leadership.Reign.guard(Effect.void),
    "fails for a cause of its own": Effect.flatMap(
      Effect.flatMap(Leadership.Reign, ({ isCurrent }) => isCurrent),
      (isCurrent) => isCurrent ? Effect.void : Effect.fail("no disk")
    )
  }

  it.effect.each(Object.entries(byTheClock))(
    "whose reign is over by the clock has not failed, if it %s: nothing is told, and it begins with the next reign",
    ([, act]) =>
      Effect.gen(function*() {
        const group = yield* SimulatedGroup.make({ ...options, servers: 1 })
        yield* group.settle()
        const { leadership } = yield* group.server(0)
        let runs = 0
        const guarded = Effect.forever(Effect.delay(act, "50 millis"))
        yield* Effect.forkScoped(leadership.singleton("cleaner", Effect.andThen(Effect.sync(() => runs++), guarded)))
        yield* group.advance("10 millis")
        yield* group.pause(0)
        yield* group.advance("5 seconds")
        yield* group.resume(0, "sleepers")
        yield* group.advance("5 seconds")
        assert.deepStrictEqual([runs, yield* failures(group, 0)], [2, []])
      })
  )

  it.effect("of one name runs once on a server: a second one is a defect, and one after the first is not", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make(options)
      const { leadership } = yield* group.server(0)
      const first = yield* Effect.forkScoped(leadership.singleton("cleaner", Effect.never))
      yield* group.advance("10 millis")
      const second = yield* Effect.exit(leadership.singleton("cleaner", Effect.never))
      assert.isTrue(Exit.hasDies(second))
      first.interruptUnsafe()
      yield* group.advance("10 millis")
      const third = yield* Effect.forkScoped(leadership.singleton("cleaner", Effect.never))
      yield* group.advance("10 millis")
      assert.isUndefined(third.pollUnsafe())
    }))

  it.effect("is not run with unknown options: a misspelt one would pass in silence", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make({ ...options, servers: 1 })
      const { leadership } = yield* group.server(0)
      const run = (wrong: object) => Effect.exit(leadership.singleton("cleaner", Effect.void, wrong))
      assert.include(String(yield* run({ shedule: Schedule.forever })), "shedule is no option; allowed: schedule")
      assert.include(
        String(yield* run({ healthyAfter: "soon" })),
        "healthyAfter is soon; allowed: a duration of 1ms or more"
      )
    }))
})
