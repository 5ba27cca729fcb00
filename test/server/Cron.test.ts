/** Work by a schedule, as an app asks for it, on a simulated network (protocol, Scheduled runs). */
import { assert, describe, it } from "@effect/vitest"
import * as Cron from "effect/Cron"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Leadership from "../../src/server/Leadership.ts"
import type * as Settings from "../../src/settings/Settings.ts"
import { SimulatedGroup } from "../../src/testing/index.ts"

const everyTenSeconds = Cron.parseUnsafe("*/10 * * * * *", "UTC")

interface Run {
  readonly by: number
  readonly at: number
  readonly began: number
}

const noon = Date.UTC(2026, 5, 1, 12)

const byLease: Settings.Options = { profile: "fast", leadership: "lease", groupSize: 3 }

/** Three servers with the job; `work` is told which run it is. */
const group = Effect.fnUntraced(function*(
  options: Partial<SimulatedGroup.Options> & {
    readonly cron?: Leadership.CronOptions<never>
    readonly work?: (run: Run) => Effect.Effect<void>
    /** By how many ms the wall clock of each is ahead. */
    readonly ahead?: (index: number) => number
  } = {}
) {
  const { ahead = () => 0, cron, work = () => Effect.void, ...rest } = options
  const runs: Array<Run> = []
  const simulated: SimulatedGroup.SimulatedGroup = yield* SimulatedGroup.make({
    servers: 3,
    seed: 11,
    settings: (index) => ({ ...byLease, name: `n${index}`, priority: index, unicastPort: 40_000 + index }),
    ...rest,
    clocks: (index) => ({ wallAhead: noon + ahead(index) }),
    app: (server, index) =>
      server.leadership.cron("clean", everyTenSeconds, (at) =>
        Effect.gen(function*() {
          const run = { by: index, at: DateTime.toEpochMillis(at), began: yield* simulated.now }
          runs.push(run)
          yield* work(run)
        }), cron)
  })
  yield* simulated.settle()
  const until = (count: number) =>
    simulated.until(`${count} runs`, Effect.sync(() => runs.length >= count), { within: "1 minute" })
  /** Each instant once, in order, and none missing where none may be. */
  const assertOnce = (gaps: "none" | "some" = "none") => {
    for (const [index, run] of runs.entries()) {
      const before = runs[index - 1]
      if (before === undefined) continue
      assert.isAbove(run.at, before.at, JSON.stringify(runs))
      if (gaps === "none") assert.strictEqual(run.at, before.at + 10_000, JSON.stringify(runs))
    }
  }
  return { group: simulated, runs, until, assertOnce }
})

describe("a cron job with a lease (protocol, Scheduled runs)", () => {
  it.effect("runs each instant once, on the leader, named by the instant", () =>
    Effect.gen(function*() {
      const { assertOnce, runs, until } = yield* group()
      yield* until(4)
      assertOnce()
      for (const { at, by } of runs) {
        assert.strictEqual(by, 2)
        assert.strictEqual(at % 10_000, 0)
      }
    }))

  it.effect("goes by the clock of the server, also where it is not run in the server's app", () =>
    Effect.gen(function*() {
      const simulated = yield* SimulatedGroup.make({
        servers: 3,
        seed: 11,
        settings: (index) => ({ ...byLease, name: `n${index}`, priority: index, unicastPort: 40_000 + index }),
        clocks: () => ({ wallAhead: noon })
      })
      yield* simulated.settle()
      const runs: Array<number> = []
      for (const index of [0, 1, 2]) {
        const { leadership } = yield* simulated.server(index)
        const job = leadership.cron(
          "clean",
          everyTenSeconds,
          (at) => Effect.sync(() => void runs.push(DateTime.toEpochMillis(at)))
        )
        yield* Effect.forkScoped(job)
      }
      yield* simulated.until("3 runs", Effect.sync(() => runs.length >= 3), { within: "1 minute" })
      assert.deepStrictEqual(runs, [noon + 10_000, noon + 20_000, noon + 30_000])
    }))

  it.effect("goes on with the next instant where the leader dies in a run, and does not repeat that run", () =>
    Effect.gen(function*() {
      const { assertOnce, group: servers, runs, until } = yield* group({
        work: ({ by }) => by === 2 ? Effect.never : Effect.void
      })
      yield* until(1)
      yield* servers.kill(2)
      yield* until(4)
      assertOnce()
      assert.deepStrictEqual(runs.map(({ by }) => by), [2, 1, 1, 1])
    }))

  it.effect("repeats that run, for `once`", () =>
    Effect.gen(function*() {
      const { group: servers, runs, until } = yield* group({
        cron: { catchUp: "once" },
        work: ({ by }) => by === 2 ? Effect.never : Effect.void
      })
      yield* until(1)
      yield* servers.kill(2)
      yield* until(4)
      const [first, second, third, fourth] = runs
      assert.deepStrictEqual(runs.slice(0, 4).map(({ by }) => by), [2, 1, 1, 1])
      assert.strictEqual(second!.at, first!.at)
      assert.strictEqual(third!.at, first!.at + 10_000)
      assert.strictEqual(fourth!.at, first!.at + 20_000)
    }))

  it.effect("does not repeat a run that is done, for `once`", () =>
    Effect.gen(function*() {
      const { assertOnce, group: servers, runs, until } = yield* group({ cron: { catchUp: "once" } })
      yield* until(2)
      yield* servers.advance("100 millis")
      yield* servers.kill(2)
      yield* until(4)
      assertOnce()
      assert.deepStrictEqual(runs.slice(0, 4).map(({ by }) => by), [2, 2, 1, 1])
    }))

  it.effect("runs what was missed while nobody led: not at all, or the newest once, as it was asked for", () =>
    Effect.forEach(["skip", "once"] as const, (catchUp) =>
      Effect.scoped(Effect.gen(function*() {
        const { group: servers, runs, until } = yield* group({ cron: { catchUp } })
        yield* until(2)
        yield* servers.advance("1 second")
        // No majority for 34 s: three instants pass.
        yield* servers.partition([[0], [1], [2]])
        yield* servers.advance("34 seconds")
        assert.strictEqual(runs.length, 2, "nobody leads, so nothing runs")
        yield* servers.heal
        yield* until(4)
        const second = runs[1]!.at
        assert.deepStrictEqual(
          runs.slice(2, 4).map(({ at }) => (at - second) / 10_000),
          catchUp === "once" ? [3, 4] : [4, 5]
        )
      })), { discard: true }))

  it.effect("never runs an instant again on a leader whose clock is 2 s behind", () =>
    Effect.gen(function*() {
      const { assertOnce, group: servers, runs, until } = yield* group({
        ahead: (index) => index === 1 ? -2_000 : 0
      })
      yield* until(2)
      yield* servers.kill(2)
      yield* until(5)
      assertOnce()
      assert.deepStrictEqual(runs.slice(0, 5).map(({ by }) => by), [2, 2, 1, 1, 1])
    }))

  it.effect(
    "is safe at each moment of a failover: the leader is cut off, then killed, at each tenth of a second about an instant",
    () =>
      Effect.forEach(Array.from({ length: 12 }, (_, tenth) => tenth), (tenth) =>
        Effect.scoped(Effect.gen(function*() {
          const { assertOnce, group: servers, until } = yield* group({
            seed: 100 + tenth,
            ahead: (index) => index === 0 ? 600 : index === 1 ? -600 : 0
          })
          yield* until(1)
          yield* servers.advance(9_400 + 100 * tenth)
          yield* servers.partition([[0, 1], [2]])
          yield* servers.advance("3 seconds")
          yield* servers.kill(2)
          yield* servers.heal
          yield* until(4)
          assertOnce("some")
        })), { discard: true }),
    300_000
  )

  it.effect("waits with a run until a majority has noted it, and gives it up with the lead", () =>
    Effect.gen(function*() {
      const { assertOnce, group: servers, runs, until } = yield* group()
      yield* until(1)
      yield* servers.advance("9900 millis")
      // Nobody hears the leader from now on: its mark reaches nobody, and its lease ends.
      yield* servers.partition([[0, 1], [2]])
      yield* servers.advance("5 seconds")
      assert.strictEqual(runs.filter(({ by }) => by === 2).length, 1)
      yield* until(3)
      assertOnce("some")
      assert.deepStrictEqual(runs.slice(0, 3).map(({ by }) => by), [2, 1, 1])
    }))

  it.effect("goes on after a run that failed: with the next instant, or for `once` with the same", () =>
    Effect.forEach(["skip", "once"] as const, (catchUp) =>
      Effect.scoped(Effect.gen(function*() {
        let failures = 1
        const { runs, until } = yield* group({
          cron: { catchUp },
          work: () => Effect.suspend(() => failures-- > 0 ? Effect.die(new Error("a bug")) : Effect.void)
        })
        yield* until(3)
        const ticks = runs.slice(0, 3).map(({ at }) => (at - runs[0]!.at) / 10_000)
        assert.deepStrictEqual(ticks, catchUp === "once" ? [0, 0, 1] : [0, 1, 2])
      })), { discard: true }))

  it.effect("has one run at a time, and skips the instants that pass meanwhile", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const { group: servers, runs, until } = yield* group({
        work: () => Deferred.await(gate)
      })
      yield* until(1)
      yield* servers.advance("25 seconds")
      assert.strictEqual(runs.length, 1)
      yield* Deferred.succeed(gate, undefined)
      yield* until(2)
      assert.strictEqual(runs[1]!.at, runs[0]!.at + 30_000)
    }))
})

describe("a cron job without a lease (protocol, Scheduled runs)", () => {
  it.effect("runs each instant once while the group is whole, through a death of the leader", () =>
    Effect.gen(function*() {
      const { assertOnce, group: servers, runs, until } = yield* group({
        settings: (index) => ({ profile: "fast", name: `n${index}`, priority: index, unicastPort: 40_000 + index }),
        ahead: (index) => index === 1 ? -2_000 : 0
      })
      yield* until(2)
      yield* servers.kill(2)
      yield* until(5)
      assertOnce()
      assert.deepStrictEqual(runs.slice(0, 5).map(({ by }) => by), [2, 2, 1, 1, 1])
    }))
})
