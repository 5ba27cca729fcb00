/**
 * Whole servers that lead by a majority lease, on the simulated network (protocol, majority lease).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as Event from "../../src/protocol/model/Event.ts"
import * as Leadership from "../../src/server/Leadership.ts"
import type * as Settings from "../../src/settings/Settings.ts"
import { SimulatedGroup, VirtualTime } from "../../src/testing/index.ts"

const lease: Settings.Options = { profile: "fast", leadership: "lease" }
const L = 1_500

/** That many servers, the last of the highest rank, which lead by a lease of 1.5 s. */
const make = (servers: number, options: Partial<SimulatedGroup.Options> = {}, settings: Settings.Options = {}) =>
  SimulatedGroup.make({
    servers,
    seed: 17,
    settings: (index) => ({ ...lease, groupSize: servers, priority: index, name: `n${index}`, ...settings }),
    ...options
  })

const run = <A, E>(effect: Effect.Effect<A, E>) => VirtualTime.run(effect)

const events = <Name extends Event.Event["event"]>(
  seen: ReadonlyArray<SimulatedGroup.Seen>,
  name: Name
): ReadonlyArray<Extract<Event.Event, { readonly event: Name }>> =>
  seen.flatMap(({ event }) => event.event === name ? [event as Extract<Event.Event, { readonly event: Name }>] : [])

/** What each server says of the end of the last reign. */
const causes = Effect.fnUntraced(function*(group: SimulatedGroup.SimulatedGroup, index: number) {
  return events(yield* group.events(index), "LeaderChanged").filter(({ leader }) => leader === null).map(({ cause }) =>
    cause
  )
})

/** Lets time pass, and looks every 5 ms that at most one server leads. */
const watch = Effect.fnUntraced(function*(group: SimulatedGroup.SimulatedGroup, millis: number) {
  for (let passed = 0; passed < millis; passed += 5) {
    yield* group.advance(5)
    const leaders = yield* group.leaders
    assert.isAtMost(leaders.length, 1, leaders.join())
  }
})

describe("a group that leads by a lease", () => {
  it.effect("grants nothing in its first lease's time, then has the highest ranked lead", () =>
    run(Effect.scoped(Effect.gen(function*() {
      const group = yield* make(3)
      yield* watch(group, L - 10)
      assert.deepStrictEqual(yield* group.leaders, [])
      assert.strictEqual(yield* group.settle({ within: 200 }), 2)
      yield* watch(group, 5 * L)
      assert.deepStrictEqual(yield* group.leaders, [2])
      assert.strictEqual(events(yield* group.timeline, "LeaderChanged").length, 3, "once, at each")
    }))))

  it.effect("has another leader within 1.2 leases after the leader was killed, and none before the lease is over", () =>
    run(Effect.scoped(Effect.gen(function*() {
      const group = yield* make(3)
      yield* group.settle()
      yield* group.advance("1 second")
      yield* group.kill(2)
      const took = yield* group.until("another leads", Effect.map(group.leaders, (leaders) => leaders.length === 1))
      assert.deepStrictEqual(yield* group.leaders, [1])
      assert.isAbove(took, L * 0.8)
      assert.isBelow(took, L * 1.2)
    }))))

  it.effect("has another leader at once where the leader leaves or resigns: it gives its lease back", () =>
    run(Effect.scoped(Effect.gen(function*() {
      const group = yield* make(3)
      yield* group.settle()
      yield* (yield* group.server(2)).leadership.resign
      yield* group.advance(100)
      assert.deepStrictEqual(yield* group.leaders, [1])
      yield* group.advance("5 seconds")
      assert.deepStrictEqual(yield* group.leaders, [2], "it is outranked, and yields")
      yield* group.stop(2)
      yield* group.advance(100)
      assert.deepStrictEqual(yield* group.leaders, [1])
    }))))

  it.effect("is led on where a higher ranked server hears all and is heard by the leader alone: that is no majority", () =>
    run(Effect.scoped(Effect.gen(function*() {
      const group = yield* make(5)
      yield* group.kill(4)
      yield* group.settle()
      yield* group.advance("5 seconds")
      const from = yield* group.now
      const reigns = (yield* group.timeline).length
      yield* group.start(4)
      for (const deaf of [0, 1, 2]) yield* group.cut(4, deaf)
      yield* watch(group, 8 * L)
      assert.deepStrictEqual(yield* group.leaders, [3])
      const changes = (yield* group.timeline).slice(reigns).filter(({ at, event, index }) =>
        index !== 4 && at >= from && event.event === "LeaderChanged"
      )
      assert.deepStrictEqual(changes, [])
      yield* group.heal
      yield* watch(group, 2 * L)
      assert.deepStrictEqual(yield* group.leaders, [4], "heard by all, it leads")
    }))))

  it.effect("keeps its leader where preempt is off", () =>
    run(Effect.scoped(Effect.gen(function*() {
      const group = yield* make(3, {}, { preempt: false })
      yield* group.settle()
      yield* (yield* group.server(2)).leadership.resign
      yield* group.advance("10 seconds")
      assert.deepStrictEqual(yield* group.leaders, [1])
    }))))

  it.effect("has no leader without a majority, says why, and has one again with it", () =>
    run(Effect.scoped(Effect.gen(function*() {
      const group = yield* make(3)
      yield* group.settle()
      yield* group.kill(0)
      yield* group.advance("5 seconds")
      assert.deepStrictEqual(yield* group.leaders, [2])
      yield* group.kill(1)
      yield* group.advance(L)
      assert.deepStrictEqual(yield* group.leaders, [])
      assert.deepStrictEqual(yield* causes(group, 2), ["MajorityLost"])
      yield* group.advance("20 seconds")
      assert.deepStrictEqual(yield* group.leaders, [])
      assert.deepInclude(events(yield* group.events(2), "NoMajority"), {
        ...events(yield* group.events(2), "NoMajority")[0]!,
        members: 1,
        needed: 2,
        groupSize: 3
      })
      yield* group.start(0)
      yield* watch(group, L - 10)
      assert.deepStrictEqual(yield* group.leaders, [], "who has just started does not vote")
      yield* watch(group, 1_000)
      assert.strictEqual((yield* group.leaders).length, 1)
      yield* watch(group, 5 * L)
      assert.deepStrictEqual(yield* group.leaders, [2])
    }))))

  it.effect("that is split leads in the larger part only, and in one again after the heal", () =>
    run(Effect.scoped(Effect.gen(function*() {
      const group = yield* make(5)
      yield* group.settle()
      yield* group.partition([[4, 3], [0, 1, 2]])
      yield* watch(group, 10 * L)
      assert.deepStrictEqual(yield* group.leaders, [2])
      assert.deepStrictEqual(yield* causes(group, 4), ["MajorityLost"])
      yield* group.heal
      yield* watch(group, 10 * L)
      assert.deepStrictEqual(yield* group.leaders, [4])
      assert.strictEqual(yield* group.settle(), 4)
    }))))

  it.effect("of which four live, voting two and two for a while, soon agrees", () =>
    run(Effect.forEach([1, 2, 3, 4, 5, 6], (seed) =>
      Effect.scoped(Effect.gen(function*() {
        const group = yield* make(5, { seed })
        yield* group.settle()
        yield* group.kill(4)
        yield* group.partition([[0, 1], [2, 3]])
        // Each half sees a majority still, and has one that stands and one that votes for it.
        yield* group.advance(L + 50)
        assert.deepStrictEqual(yield* group.leaders, [])
        yield* group.heal
        const took = yield* group.until("one leads", Effect.map(group.leaders, (leaders) => leaders.length === 1))
        assert.isBelow(took, L, `seed ${seed}`)
      })))))

  it.effect("a leader that was suspended, its monotonic clock with it, does not lead when it wakes", () =>
    run(Effect.scoped(Effect.gen(function*() {
      const group = yield* make(3)
      yield* group.settle()
      const { leadership } = yield* group.server(2)
      yield* group.suspend(2)
      yield* group.advance("10 seconds")
      assert.deepStrictEqual(yield* group.leaders, [1])
      yield* group.wake(2)
      assert.isFalse(yield* leadership.isLeader)
      yield* watch(group, 1_000)
      assert.strictEqual((yield* causes(group, 2))[0], "Stalled")
      yield* watch(group, 5 * L)
      assert.strictEqual(yield* group.settle(), 2)
    }))))

  it.effect("a leader that was paused does not lead when it goes on, regardless of which is read first", () =>
    run(Effect.scoped(Effect.gen(function*() {
      for (const first of ["datagrams", "sleepers"] as const) {
        const group = yield* make(3)
        yield* group.settle()
        yield* group.pause(2)
        yield* group.advance("10 seconds")
        assert.deepStrictEqual(yield* group.leaders, [1])
        yield* group.resume(2, first)
        yield* watch(group, 5 * L)
        assert.strictEqual(yield* group.settle(), 2)
      }
    }))))

  it.effect("a wall clock set forward costs at most one election; set back, none", () =>
    run(Effect.scoped(Effect.gen(function*() {
      const group = yield* make(3)
      yield* group.settle()
      yield* group.jumpWallClock(2, "-1 hour")
      yield* watch(group, 3 * L)
      assert.deepStrictEqual(yield* causes(group, 2), [])
      yield* group.jumpWallClock(2, "1 hour")
      yield* watch(group, 3 * L)
      assert.deepStrictEqual(yield* causes(group, 2), ["LeaseLost"])
      assert.deepStrictEqual(yield* group.leaders, [2])
    }))))

  it.effect("clocks that differ by the drift that is allowed for, and a fifth of all datagrams lost: never two", () =>
    run(Effect.scoped(Effect.gen(function*() {
      const group = yield* make(5, {
        loss: 0.2,
        clocks: (index) => ({ rate: index % 2 === 0 ? 1.01 : 0.99 })
      })
      yield* watch(group, 30 * L)
      assert.strictEqual((yield* group.leaders).length, 1)
    }))))

  it.effect("a server that restarts at once does not vote, though its earlier start had", () =>
    run(Effect.scoped(Effect.gen(function*() {
      const group = yield* make(3)
      yield* group.settle()
      yield* group.crash(2)
      yield* group.restart(1)
      yield* group.restart(0)
      yield* watch(group, L - 10)
      assert.deepStrictEqual(yield* group.leaders, [])
      yield* watch(group, L)
      assert.deepStrictEqual(yield* group.leaders, [1])
    }))))

  it.effect("a group of one leads alone", () =>
    run(Effect.scoped(Effect.gen(function*() {
      const group = yield* make(1)
      yield* group.advance(L + 100)
      assert.deepStrictEqual(yield* group.leaders, [0])
      yield* watch(group, 5 * L)
      assert.strictEqual(events(yield* group.timeline, "LeaderChanged").length, 1)
    }))))
})

describe("work under a lease", () => {
  it.effect("has ended before another server can lead, also where the leader is cut off", () =>
    run(Effect.scoped(Effect.gen(function*() {
      let working = 0
      let most = 0
      const terms: Array<number> = []
      const group = yield* make(3, {
        app: (server) =>
          server.leadership.whileLeader(Effect.gen(function*() {
            working += 1
            most = Math.max(most, working)
            terms.push((yield* Leadership.Reign).term)
            // Finalizers take nearly all of the time that they have.
            return yield* Effect.onInterrupt(
              Effect.never,
              () => Effect.andThen(Effect.sleep(450), Effect.sync(() => void (working -= 1)))
            )
          }))
      })
      yield* group.settle()
      for (const others of [[0, 1], [0, 1, 2], [0, 1]]) {
        yield* group.partition([others, [0, 1, 2].filter((index) => !others.includes(index))])
        yield* watch(group, 4 * L)
        yield* group.heal
        yield* watch(group, 6 * L)
      }
      assert.strictEqual(most, 1)
      assert.isAtLeast(terms.length, 4)
      assert.deepStrictEqual(terms, terms.toSorted((a, b) => a - b))
    }))))

  it.effect("has ended before another server can lead, also where the leader was paused for less than its lease", () =>
    run(Effect.scoped(Effect.gen(function*() {
      let working = 0
      let most = 0
      const group = yield* make(3, {
        app: (server) =>
          server.leadership.whileLeader(
            Effect.acquireUseRelease(
              Effect.sync(() => void (most = Math.max(most, ++working))),
              () => Effect.never,
              () => Effect.andThen(Effect.sleep(450), Effect.sync(() => void (working -= 1)))
            )
          )
      })
      yield* group.settle()
      for (const [stand, goOn] of [[group.pause, group.resume], [group.suspend, group.wake]] as const) {
        const at = yield* group.now
        yield* stand(2)
        yield* group.advance(600)
        yield* goOn(2)
        yield* watch(group, 400)
        assert.deepStrictEqual(yield* group.leaders, [], "the work that woke is still ending")
        yield* watch(group, 6 * L)
        assert.deepStrictEqual(yield* group.leaders, [2])
        const ends = (yield* group.events(1)).flatMap(({ at: when, event }) =>
          when > at && event.event === "LeaderChanged" && event.leader === null ? [event.cause] : []
        )
        assert.deepStrictEqual(ends[0], "Stalled", "the others hear why, when it has")
      }
      assert.strictEqual(most, 1)
    }))))

  it.effect("guarded by its reign does not run once the lease is over, regardless of the timers", () =>
    run(Effect.scoped(Effect.gen(function*() {
      const ran: Array<number> = []
      const refused: Array<number> = []
      const group = yield* make(3, {
        app: (server, index) =>
          index < 2 ? Effect.void : server.leadership.whileLeader(Effect.gen(function*() {
            const { term } = yield* Leadership.Reign
            // It does not hear that it is interrupted.
            yield* Effect.uninterruptible(Effect.gen(function*() {
              for (let i = 0; i < 40; i += 1) {
                const exit = yield* Effect.exit(Leadership.Reign.guard(Effect.sync(() => void ran.push(term))))
                if (Exit.isFailure(exit)) return void refused.push(term)
                yield* Effect.sleep(50)
              }
            }))
          }))
      })
      yield* group.settle()
      const { leadership } = yield* group.server(2)
      const { term } = Option.getOrThrow(yield* leadership.current)
      yield* group.advance(1_000)
      yield* group.suspend(2)
      const before = ran.length
      yield* group.advance("5 seconds")
      yield* group.wake(2)
      yield* group.advance(200)
      assert.strictEqual(ran.filter((under) => under === term).length, before)
      assert.deepStrictEqual(refused, [term])
    }))))

  it.effect("that does not end in time keeps everyone waiting until the lease is over, and is told", () =>
    run(Effect.scoped(Effect.gen(function*() {
      const group = yield* make(3)
      yield* group.settle()
      const { leadership } = yield* group.server(2)
      yield* Effect.forkScoped(leadership.whileLeader(Effect.uninterruptible(Effect.sleep("20 seconds"))))
      yield* group.advance(1_000)
      yield* leadership.resign
      yield* watch(group, 700)
      assert.deepStrictEqual(yield* group.leaders, [])
      yield* watch(group, 2 * L)
      assert.deepStrictEqual(yield* group.leaders, [1])
      assert.strictEqual(events(yield* group.events(2), "WorkOverran").length, 1)
    }))))
})

describe("several elections by lease", () => {
  it.effect("each has one leader, also where most servers take no part: they vote all the same", () =>
    run(Effect.scoped(Effect.gen(function*() {
      const group = yield* make(5)
      yield* group.settle()
      const [one, two] = yield* Effect.forEach(
        [0, 1],
        (index) => Effect.flatMap(group.server(index), ({ leadership }) => leadership.of("billing"))
      )
      const count = Effect.map(Effect.filter([one!, two!], ({ isLeader }) => isLeader), (all) => all.length)
      yield* group.advance(L)
      assert.strictEqual(yield* count, 1)
      const first = (yield* one!.isLeader) ? 0 : 1
      yield* group.partition([[first], [0, 1, 2, 3, 4].filter((index) => index !== first)])
      for (let passed = 0; passed < 4 * L; passed += 10) {
        yield* group.advance(10)
        assert.isAtMost(yield* count, 1)
      }
      assert.isTrue(yield* [one!, two!][1 - first]!.isLeader)
    }))))
})

describe("settings that differ", () => {
  it.effect("a higher ranked server without leases joins: all are told, and who leads by a lease leads on", () =>
    run(Effect.scoped(Effect.gen(function*() {
      const group = yield* SimulatedGroup.make({
        servers: 3,
        seed: 17,
        settings: (index) =>
          index === 3
            ? { profile: "fast", priority: 9, name: "n3" }
            : { ...lease, groupSize: 3, priority: index, name: `n${index}` }
      })
      yield* group.settle()
      yield* group.add
      yield* group.advance(10 * L)
      assert.strictEqual((yield* group.leaders).includes(2), true)
      for (const index of [0, 1, 2]) {
        const seen = yield* group.events(index)
        assert.strictEqual(events(seen, "LeaderChanged").length, 1, "at the start")
        assert.deepInclude(events(seen, "SettingsDiffer")[0], { setting: "leadership", ours: "lease", theirs: "bully" })
      }
      assert.deepInclude(events(yield* group.events(3), "SettingsDiffer")[0], { ours: "bully", theirs: "lease" })
    }))))

  it.effect("are told, and nobody votes for who has others", () =>
    run(Effect.scoped(Effect.gen(function*() {
      const group = yield* SimulatedGroup.make({
        servers: 3,
        seed: 3,
        settings: (index) => ({ ...lease, groupSize: 3, ...(index === 2 ? { clockDrift: 0.02, priority: 1 } : {}) })
      })
      yield* group.advance(10 * L)
      const leaders = yield* group.leaders
      assert.strictEqual(leaders.length, 1)
      assert.notInclude(leaders, 2)
      assert.deepInclude(events(yield* group.events(leaders[0]!), "SettingsDiffer")[0], {
        setting: "clockDrift",
        ours: "0.01",
        theirs: "0.02"
      })
      assert.isAtLeast(events(yield* group.events(2), "SettingsDiffer").length, 1)
    }))))
})
