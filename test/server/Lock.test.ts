/** Locks, as apps take them, on a simulated network (protocol, Grants). */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Grant from "../../src/server/Grant.ts"
import * as Lock from "../../src/server/Lock.ts"
import * as Server from "../../src/server/Server.ts"
import type * as Settings from "../../src/settings/Settings.ts"
import { SimulatedGroup, VirtualTime } from "../../src/testing/index.ts"

/** Leases last 1.5 s here, grants 6 s, and work has 500 ms to stop. */
const byLease: Settings.Options = { profile: "fast", leadership: "lease", groupSize: 3, stopTimeout: "500 millis" }
const expiry = 6_000
const keys: Settings.Options = { key: Buffer.alloc(32, 1).toString("base64") }

/** One run under a lock: who ran when, in true time. `end` is null while it runs. */
interface Run {
  readonly by: string
  readonly token: string
  readonly begin: number
  end: number | null
}

/** A call of `withLock`, and what came of it. */
interface Call {
  readonly fiber: Effect.Effect<Fiber.Fiber<unknown, unknown>>
  exit: Exit.Exit<unknown, unknown> | null
}

const tagOf = ({ exit }: Call): string => {
  if (exit === null) return "waits"
  if (Exit.isSuccess(exit)) return "done"
  const [reason] = exit.cause.reasons
  return reason?._tag === "Fail" ? (reason.error as { readonly _tag: string })._tag : reason?._tag ?? "none"
}

const errorOf = ({ exit }: Call): Lock.LockTimeout | Grant.GrantsRefused =>
  Exit.isFailure(exit!)
    ? Cause.squash(exit.cause) as Lock.LockTimeout | Grant.GrantsRefused
    : assert.fail("it has succeeded")

/** Three servers, of which the last leads, whose apps do what the test asks for, each in its own process and by its own clock. */
const groupOf = Effect.fnUntraced(function*(settings: Settings.Options = {}) {
  const runs: Array<Run> = []
  const asked: Array<Queue.Queue<Effect.Effect<void>>> = []
  const group: SimulatedGroup.SimulatedGroup = yield* SimulatedGroup.make({
    servers: 3,
    seed: "locks",
    settings: (index) => ({
      ...byLease,
      name: `s${index}`,
      priority: index,
      unicastPort: 40_000 + index,
      ...settings,
      ...settings.multicast === false ? { seeds: ["10.0.0.1:40000"] } : {}
    }),
    app: (_, index) =>
      Effect.gen(function*() {
        asked[index] = yield* Queue.unbounded<Effect.Effect<void>>()
        while (true) yield* Effect.forkChild(yield* Queue.take(asked[index]), { startImmediately: true })
      })
  })
  yield* group.settle({ within: "1 minute" })
  yield* group.until("somebody leads", Effect.map(group.leaders, (all) => all.length === 1), { within: "1 minute" })
  // From then on what is free is granted at once.
  yield* group.advance(expiry)

  /** Has an effect run in the process of a server, under its lock. */
  const take = Effect.fnUntraced(function*(
    index: number,
    by: string,
    work: Effect.Effect<unknown, unknown, Grant.Grant>,
    options: Lock.Options & { readonly name?: string } = {}
  ) {
    const { name = "shared", ...rest } = options
    const { locks } = yield* group.server(index)
    const traced = Effect.gen(function*() {
      const { token } = yield* Grant.Grant
      const run: Run = { by, token, begin: yield* group.now, end: null }
      runs.push(run)
      return yield* Effect.onExit(work, () => Effect.map(group.now, (now) => void (run.end = now)))
    })
    let started: Fiber.Fiber<unknown, unknown> | undefined
    const call: Call = { exit: null, fiber: Effect.sync(() => started!) }
    const whole = Effect.withFiber<unknown, unknown>((fiber) => {
      started = fiber
      return Effect.onExit(locks.withLock(name, rest)(traced), (exit) => Effect.sync(() => void (call.exit = exit)))
    })
    yield* Queue.offer(asked[index]!, Effect.asVoid(Effect.exit(whole)))
    return call
  })
  const until = (what: string, predicate: () => boolean) =>
    group.until(what, Effect.sync(predicate), { within: "1 minute" })
  const ended = (...calls: ReadonlyArray<Call>) =>
    until("they have ended", () => calls.every(({ exit }) => exit !== null))
  /** No two overlap, and tokens rise. */
  const assertOneByOne = (except: ReadonlyArray<string> = []) => {
    for (const [index, run] of runs.entries()) {
      const before = runs[index - 1]
      if (before === undefined) continue
      assert.isTrue(run.token > before.token, JSON.stringify(runs))
      if (!except.includes(before.by)) assert.isAtMost(before.end ?? Infinity, run.begin, JSON.stringify(runs))
    }
  }
  return { group, runs, take, until, ended, assertOneByOne }
})

const order = (runs: ReadonlyArray<Run>) => runs.map(({ by }) => by).join(" ")

const kinds: ReadonlyArray<readonly [string, Settings.Options]> = [
  ["by multicast", {}],
  ["without multicast", { multicast: false }],
  ["under a key", keys]
]

describe("a lock (protocol, Grants)", () => {
  for (const [how, settings] of kinds) {
    it.effect(`is held by one at a time, in the order in which they came to the leader, ${how}`, () =>
      VirtualTime.run(Effect.gen(function*() {
        const { assertOneByOne, ended, group, runs, take } = yield* groupOf(settings)
        const calls: Array<Call> = []
        for (const [index, by] of [[0, "a"], [1, "b"], [0, "c"], [2, "d"], [1, "e"]] as const) {
          calls.push(yield* take(index, by, Effect.sleep("1 second")))
          yield* group.advance("100 millis")
        }
        yield* ended(...calls)
        assert.strictEqual(order(runs), "a b c d e")
        assertOneByOne()
        assert.deepStrictEqual(calls.map(tagOf), ["done", "done", "done", "done", "done"])
        // Passed on within a few datagrams.
        for (const [at, { begin }] of runs.slice(1).entries()) assert.isBelow(begin - runs[at]!.end!, 50)
      })))
  }

  it.effect("of another name is another lock", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { ended, runs, take, until } = yield* groupOf()
      const first = yield* take(0, "a", Effect.sleep("1 second"))
      const second = yield* take(1, "b", Effect.sleep("1 second"), { name: "another" })
      yield* until("both run", () => runs.length === 2)
      assert.deepStrictEqual(runs.map(({ end }) => end), [null, null])
      yield* ended(first, second)
    })))

  it.effect("gives what the effect gives, and is free however that ends, once its finalizers have", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { assertOneByOne, ended, group, runs, take, until } = yield* groupOf()
      const slowly = Effect.ensuring(Effect.never, Effect.sleep("2 seconds"))
      const gives = yield* take(0, "gives", Effect.succeed("a value"))
      const fails = yield* take(0, "fails", Effect.fail({ _tag: "Own" }))
      const dies = yield* take(0, "dies", Effect.die("a defect"))
      const is = yield* take(0, "is interrupted", slowly)
      yield* group.advance("1 millis")
      const last = yield* take(1, "last", Effect.void)
      yield* until("it is its turn", () => order(runs).endsWith("is interrupted"))
      yield* Effect.forkChild(Fiber.interrupt(yield* is.fiber), { startImmediately: true })
      yield* group.advance("1 second")
      assert.strictEqual(tagOf(last), "waits")
      yield* ended(gives, fails, dies, is, last)
      assert.deepStrictEqual(gives.exit, Exit.succeed("a value"))
      assert.deepStrictEqual([fails, dies, is, last].map(tagOf), ["Own", "Die", "Interrupt", "done"])
      assertOneByOne()
    })))

  it.effect("is the grant of the effect: its token is current, and is no more when the effect has ended", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { ended, take } = yield* groupOf()
      let kept: Grant.Grant["Service"] | undefined
      const call = yield* take(
        0,
        "a",
        Effect.gen(function*() {
          kept = yield* Grant.Grant
          return [yield* kept.isCurrent, yield* Grant.Grant.guard(Effect.succeed("guarded"))]
        })
      )
      yield* ended(call)
      assert.deepStrictEqual(call.exit, Exit.succeed([true, "guarded"]))
      const { isCurrent, name, resource, token } = kept!
      assert.deepStrictEqual([name, resource, yield* isCurrent], ["shared", 0, false])
      const late = yield* Effect.flip(Effect.provideService(Grant.Grant.guard(Effect.void), Grant.Grant, kept!))
      assert.strictEqual(late.message, `"shared" is held no more by the grant ${token}`)
    })))

  it.effect("is waited for as long as was said, and the one that gave up is passed over", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { ended, group, runs, take } = yield* groupOf()
      const first = yield* take(0, "a", Effect.sleep("3 seconds"))
      yield* group.advance("100 millis")
      const gives = yield* take(1, "b", Effect.void, { within: "1 second" })
      const is = yield* take(1, "c", Effect.void)
      yield* group.advance("100 millis")
      const last = yield* take(2, "d", Effect.void)
      yield* group.advance("100 millis")
      yield* Fiber.interrupt(yield* is.fiber)
      yield* ended(first, gives, last)
      assert.strictEqual(order(runs), "a d")
      assert.isBelow(runs[1]!.begin - runs[0]!.end!, 50)
      const error = errorOf(gives)
      assert.strictEqual(error.message, "the lock \"shared\" was not granted within 1s: others hold it")
      assert.strictEqual(error.reason, "held")
    })))

  it.effect("that was granted to one which has just given up is given back at once", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { ended, group, runs, take } = yield* groupOf()
      // The leader's datagrams to server 1 take their time: its grant is under way when it gives up.
      const first = yield* take(2, "a", Effect.sleep("1 second"))
      yield* group.advance("100 millis")
      const gives = yield* take(1, "b", Effect.void, { within: "1100 millis" })
      yield* group.advance("100 millis")
      const last = yield* take(0, "c", Effect.void)
      yield* group.setLink(2, 1, { delay: { min: 300, max: 300 } })
      yield* ended(first, gives, last)
      assert.deepStrictEqual([tagOf(gives), tagOf(last)], ["LockTimeout", "done"])
      assert.strictEqual(order(runs), "a c")
      assert.isBelow(runs[1]!.begin - runs[0]!.end!, 1_000)
    })))

  it.effect("says that nobody leads, where that is why it was not granted in time", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { ended, group, take } = yield* groupOf()
      yield* group.kill(2)
      yield* group.kill(1)
      yield* group.advance("10 seconds")
      const call = yield* take(0, "a", Effect.void, { within: "2 seconds" })
      yield* ended(call)
      assert.strictEqual(errorOf(call).reason, "noLeader")
      assert.strictEqual(
        errorOf(call).message,
        "the lock \"shared\" was not granted within 2s: nobody leads"
      )
    })))

  it.effect("stays with the one that has it when the leader is killed, and goes to the others after", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { assertOneByOne, ended, group, runs, take } = yield* groupOf()
      const whole = Effect.gen(function*() {
        for (let second = 0; second < 10; second++) yield* Grant.Grant.guard(Effect.sleep("1 second"))
      })
      const first = yield* take(0, "a", whole)
      yield* group.advance("100 millis")
      const second = yield* take(1, "b", Effect.sleep("1 second"))
      yield* group.advance("100 millis")
      yield* group.kill(2)
      yield* ended(first, second)
      assert.deepStrictEqual([tagOf(first), tagOf(second)], ["done", "done"])
      assert.strictEqual(order(runs), "a b")
      assertOneByOne()
      assert.isBelow(runs[1]!.begin - runs[0]!.end!, 1_000)
    })))

  it.effect("is granted again one expiry after a new leader has begun, where it was free", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { ended, group, runs, take } = yield* groupOf()
      yield* group.kill(2)
      const killed = yield* group.now
      const call = yield* take(0, "a", Effect.void)
      yield* ended(call)
      const waited = runs[0]!.begin - killed
      assert.isAbove(waited, expiry)
      assert.isBelow(waited, expiry + 3_000)
    })))

  it.effect("of a server that was killed is free one expiry later", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { ended, group, runs, take } = yield* groupOf()
      yield* take(0, "a", Effect.never)
      yield* group.advance("100 millis")
      const second = yield* take(1, "b", Effect.void)
      yield* group.advance("1 second")
      yield* group.kill(0)
      const killed = yield* group.now
      yield* ended(second)
      assert.isAbove(runs[1]!.begin, runs[0]!.begin + expiry - 100)
      assert.isBelow(runs[1]!.begin - killed, expiry + 1_000)
    })))

  it.effect("is lost by a server that was frozen: what runs is interrupted, and a guard runs nothing", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { assertOneByOne, ended, group, runs, take, until } = yield* groupOf()
      let written = 0
      const first = yield* take(
        0,
        "a",
        Effect.forever(Effect.andThen(Effect.sleep("100 millis"), Grant.Grant.guard(Effect.sync(() => void written++))))
      )
      yield* group.advance("1 second")
      const second = yield* take(1, "b", Effect.sleep("30 seconds"))
      yield* group.pause(0)
      yield* until("the other has it", () => runs.length === 2)
      const before = written
      yield* group.resume(0, "sleepers")
      yield* ended(first)
      assert.strictEqual(written, before)
      assert.strictEqual(tagOf(first), "GrantLost")
      assert.strictEqual(runs[1]!.end, null)
      yield* ended(second)
      assertOneByOne(["a"])
    })))

  it.effect("goes to the one after a server that is frozen while it is next, once that is no member any more", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { ended, group, runs, take } = yield* groupOf()
      const first = yield* take(2, "a", Effect.sleep("1 second"))
      yield* group.advance("100 millis")
      const frozen = yield* take(1, "b", Effect.void)
      yield* group.advance("100 millis")
      yield* group.pause(1)
      const last = yield* take(0, "c", Effect.void)
      yield* ended(first, last)
      assert.strictEqual(order(runs), "a c")
      assert.isBelow(runs[1]!.begin - runs[0]!.end!, 3_500)
      yield* group.resume(1)
      yield* ended(frozen)
      assert.strictEqual(order(runs), "a c b")
    })))

  it.effect("is lost by a server that is cut off, whose effect has ended before another has it", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { assertOneByOne, ended, group, runs, take } = yield* groupOf()
      const first = yield* take(0, "a", Effect.ensuring(Effect.never, Effect.sleep("400 millis")))
      yield* group.advance("1 second")
      const second = yield* take(1, "b", Effect.void)
      yield* group.advance("100 millis")
      yield* group.partition([[0], [1, 2]])
      yield* ended(first, second)
      assert.strictEqual(tagOf(first), "GrantLost")
      assertOneByOne()
      assert.isBelow(runs[1]!.begin - runs[0]!.end!, 3_000)
    })))

  it.effect("is free by the clock where the effect overruns its end, and the call ends with the effect", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { ended, group, runs, take } = yield* groupOf()
      const first = yield* take(0, "a", Effect.uninterruptible(Effect.sleep("20 seconds")))
      yield* group.advance("1 second")
      const second = yield* take(1, "b", Effect.void)
      yield* group.advance("100 millis")
      yield* group.partition([[0], [1, 2]])
      yield* group.advance("2 seconds")
      // The grant runs out while the group is whole again: what overruns does not keep it.
      yield* group.advance("3 seconds")
      yield* group.heal
      yield* ended(second)
      assert.strictEqual(tagOf(first), "waits")
      yield* ended(first)
      assert.strictEqual(tagOf(first), "GrantLost")
      assert.isAbove(runs[0]!.end! - runs[0]!.begin, 19_000)
    })))

  it.effect("is let go by a server that stops, once what runs under it has ended", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { ended, group, runs, take } = yield* groupOf()
      const { locks } = yield* group.server(0)
      const fork = (effect: Effect.Effect<void>) =>
        Effect.forkChild(Effect.flip(locks.withLock("shared")(effect)), { startImmediately: true })
      // As long as the server's own scope does not end it, it is ended as the server leaves.
      let end = 0
      const runsOn = yield* fork(
        Effect.ensuring(Effect.never, Effect.map(Effect.delay(group.now, "200 millis"), (now) => void (end = now)))
      )
      yield* group.advance("100 millis")
      const waits = yield* fork(Effect.void)
      const own = yield* take(0, "a", Effect.void)
      yield* group.advance("100 millis")
      const second = yield* take(1, "b", Effect.void)
      yield* group.advance("100 millis")
      yield* group.stop(0)
      yield* ended(own, second)
      assert.strictEqual(order(runs), "b")
      assert.isAbove(end, 0)
      assert.isAtMost(end, runs[0]!.begin)
      assert.isBelow(runs[0]!.begin - end, 100)
      const left = "\"shared\" cannot be held any more: this server has left the group"
      assert.deepStrictEqual([(yield* Fiber.join(runsOn))._tag, tagOf(own)], ["GrantLost", "Interrupt"])
      assert.strictEqual((yield* Fiber.join(waits)).message, left)
      assert.strictEqual((yield* Effect.flip(locks.withLock("shared")(Effect.void))).message, left)
    })))

  it.effect("is refused where others have another expiry for it, and where too many are waited for", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { ended, group, take } = yield* groupOf()
      yield* take(0, "a", Effect.never)
      yield* group.advance("100 millis")
      const differs = yield* take(1, "b", Effect.void, { expiry: "5 seconds" })
      yield* ended(differs)
      assert.strictEqual(
        errorOf(differs).message,
        "others hold \"shared\" with another expiry or count: these must be the same on all servers"
      )
      for (let waiting = 0; waiting < 1_024; waiting++) yield* take(1, "c", Effect.void)
      const full = yield* take(1, "d", Effect.void)
      yield* ended(full)
      assert.match(
        errorOf(full).message,
        /^no room for "shared": a server holds and waits for 1024/
      )
    })))

  it.effect("is refused with leadership: bully, and by a name that is none; other mistakes are defects", () =>
    VirtualTime.run(Effect.gen(function*() {
      const bully = yield* SimulatedGroup.make({ servers: 1, seed: 1, settings: { profile: "fast" } })
      const context = Server.services(yield* bully.server(0))
      const withLock = (name: string, options?: object) =>
        Effect.provide(Lock.withLock(name, options)(Grant.Grant), context)
      const refused = yield* Effect.flip(withLock("shared"))
      assert.strictEqual(
        refused.message,
        "\"shared\" cannot be held with leadership: bully, since two servers may lead while the network is split; allowed: leadership: lease"
      )
      for (const name of ["", " ", "a\u200bb", "x".repeat(101)]) {
        const error = yield* Effect.flip(withLock(name))
        assert.strictEqual(error._tag === "GrantsRefused" && error.reason, "name")
      }
      const defects: Array<string> = []
      const lease = yield* groupOf()
      const { locks } = yield* lease.group.server(0)
      const mistakes: ReadonlyArray<object> = [{ witin: "1 second" }, { within: 0 }, { expiry: "1 second" }, {
        expiry: "2 hours"
      }]
      for (const options of mistakes) {
        const exit = yield* Effect.exit(locks.withLock("shared", options)(Effect.void))
        if (Exit.isFailure(exit)) defects.push((Cause.squash(exit.cause) as Error).message)
      }
      assert.deepStrictEqual(defects, [
        "witin is no option; allowed: within is the nearest name",
        "within is 0; allowed: a duration of 1ms or more, as in 500ms, 10s, 2m",
        "expiry is \"1 second\"; allowed: a duration from 1.5s (3 x stopTimeout) to 1h",
        "expiry is \"2 hours\"; allowed: a duration from 1.5s (3 x stopTimeout) to 1h"
      ])
    })))
})
