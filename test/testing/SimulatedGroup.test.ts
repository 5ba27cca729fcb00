import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import { SimulatedGroup, VirtualTime } from "../../src/testing/index.ts"

const five: SimulatedGroup.Options = { servers: 5, seed: 42, settings: { profile: "fast" } }

const names = (seen: ReadonlyArray<SimulatedGroup.Seen>) => seen.map(({ event }) => event.event)

describe("SimulatedGroup", () => {
  it.effect("starts whole servers that find each other and agree on the highest ranked", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make({
        servers: 3,
        seed: 1,
        settings: (index) => ({ priority: index, name: `n${index}` })
      })
      assert.strictEqual(yield* group.settle({ within: "1 second" }), 2)
      assert.deepStrictEqual(yield* group.leaders, [2])
      const views = yield* group.views
      assert.deepStrictEqual([...views.values()].map(({ members }) => members.map(({ name }) => name)), [
        ["n2", "n1", "n0"],
        ["n2", "n1", "n0"],
        ["n2", "n1", "n0"]
      ])
      assert.include(names(yield* group.events(0)), "LeaderChanged")
    }))

  it.effect("kills without a goodbye: nothing is sent, and no finalizer runs before the end of the group", () =>
    Effect.gen(function*() {
      const ended: Array<string> = []
      const scope = yield* Scope.make()
      const group = yield* Scope.provide(
        SimulatedGroup.make({
          ...five,
          app: (server, index) =>
            server.leadership.whileLeader(
              Effect.onInterrupt(Effect.never, () => Effect.sync(() => ended.push(`s${index}`)))
            )
        }),
        scope
      )
      const leader = yield* group.settle()
      const sender = (yield* group.host(leader)).name
      let sent = 0
      yield* group.network.tap(({ what, ...record }) => {
        if (what === "sent" && record.sender === sender) sent++
      })
      yield* group.kill(leader)
      assert.strictEqual(yield* group.state(leader), "killed")
      const next = yield* group.settle()
      assert.notStrictEqual(next, leader)
      yield* group.advance("1 minute")
      assert.strictEqual(sent, 0)
      assert.deepStrictEqual(ended, [])
      const removed = (yield* group.events(next)).find(({ event }) => event.event === "MemberRemoved")!
      assert.strictEqual(removed.event.event === "MemberRemoved" && removed.event.reason._tag, "Crashed")
      yield* Scope.close(scope, Exit.void)
      assert.sameMembers(ended, [`s${leader}`, `s${next}`])
    }))

  it.effect("crashes a machine so that nobody even refuses, and starts it again", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make(five)
      const leader = yield* group.settle()
      yield* group.crash(leader)
      const next = yield* group.settle()
      const removed = (yield* group.events(next)).find(({ event }) => event.event === "MemberRemoved")!
      assert.strictEqual(removed.event.event === "MemberRemoved" && removed.event.reason._tag, "Silent")
      yield* group.start(leader)
      yield* group.settle()
      assert.strictEqual((yield* group.views).size, 5)
    }))

  it.effect("stops with a goodbye, in virtual time", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make(five)
      const leader = yield* group.settle()
      const before = yield* group.now
      yield* group.stop(leader)
      assert.isAtMost((yield* group.now) - before, 1_000)
      assert.strictEqual(names(yield* group.events(leader)).at(-1), "Left")
      const next = yield* group.settle({ within: "1 second" })
      const removed = (yield* group.events(next)).find(({ event }) => event.event === "MemberRemoved")!
      assert.strictEqual(removed.event.event === "MemberRemoved" && removed.event.reason._tag, "Left")
    }))

  it.effect("restarts under a new incarnation", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make({ ...five, settings: { profile: "fast", unicastPort: 4_000 } })
      yield* group.settle()
      const incarnation = Effect.flatMap(group.server(2), ({ group }) => group.self).pipe(
        Effect.map(({ incarnation }) => incarnation)
      )
      const before = yield* incarnation
      yield* group.restart(2)
      yield* group.settle()
      assert.isAbove(yield* incarnation, before)
    }))

  it.effect("pauses a leader, whom others replace, and who learns of it when it is resumed", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make(five)
      const leader = yield* group.settle()
      yield* group.pause(leader)
      yield* group.advance("5 seconds")
      const next = yield* group.awaitLeader()
      assert.notStrictEqual(next, leader)
      yield* group.resume(leader)
      yield* group.settle()
      assert.include(names(yield* group.events(leader)), "Stalled")
    }))

  it.effect("suspends a machine whole: what was called for from outside it waits too", () =>
    Effect.gen(function*() {
      const steps: Array<number> = []
      const group = yield* SimulatedGroup.make({
        ...five,
        onStep: ({ at, index }) => void (index === 4 && steps.push(at))
      })
      assert.strictEqual(yield* group.awaitLeader(), 4)
      const { leadership } = yield* group.server(4)
      yield* leadership.resign
      yield* group.advance("50 millis")
      yield* group.suspend(4)
      const from = yield* group.now
      yield* group.advance("5 seconds")
      assert.deepStrictEqual(steps.filter((at) => at > from), [])
      yield* group.wake(4)
      yield* group.settle()
    }))

  it.effect("has a leader in each part of a partition, and one after it is healed", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make(five)
      yield* group.settle()
      yield* group.partition([[0, 1], [2, 3, 4]])
      yield* group.advance("10 seconds")
      const [small, large] = [yield* group.settle({ among: [0, 1] }), yield* group.settle({ among: [2, 3, 4] })]
      assert.notStrictEqual(small, large)
      assert.sameMembers([...(yield* group.leaders)], [small, large])
      yield* group.heal
      yield* group.settle()
      assert.strictEqual((yield* group.leaders).length, 1)
    }))

  it.effect("jumps a wall clock and nobody is evicted for it", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make(five)
      yield* group.settle()
      for (const by of ["1 hour", -7_200_000] as const) {
        yield* group.jumpWallClock(1, by)
        yield* group.advance("1 minute")
      }
      assert.notInclude(names(yield* group.timeline), "MemberRemoved")
    }))

  it.effect("runs the app of each server in that server's time, and ends it with the server", () =>
    Effect.gen(function*() {
      const beats: Array<number> = [0, 0, 0]
      const group = yield* SimulatedGroup.make({
        servers: 3,
        seed: 1,
        clocks: (index) => ({ rate: index === 1 ? 2 : 1 }),
        app: (_, index) =>
          Effect.forever(Effect.andThen(
            Effect.sleep("1 second"),
            Effect.sync(() => {
              beats[index] = beats[index]! + 1
            })
          ))
      })
      yield* group.advance("10 seconds")
      assert.deepStrictEqual(beats, [10, 20, 10])
      yield* group.kill(0)
      yield* group.pause(1)
      yield* group.advance("10 seconds")
      assert.deepStrictEqual(beats, [10, 20, 20])
    }))

  it.effect("fails a wait with what was waited for, the seed and a dump of everybody", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make(five)
      yield* group.settle()
      yield* group.pause(3)
      const failure = yield* Effect.flip(group.until("pigs fly", Effect.succeed(false), { within: "1 second" }))
      assert.include(failure.message, "not within 1000 ms: pigs fly (seed 42)")
      assert.match(failure.message, /s3 10\.0\.0\.4 paused, start 1: follows s\d in term \d+, sees/)
      assert.match(failure.message, /\d+\.\d+ s\d LeaderChanged/)
    }))

  it.effect("names its seed and shows everybody where a test fails by an assertion of its own", () =>
    Effect.gen(function*() {
      const logged: Array<string> = []
      const keep = Logger.make<unknown, void>(({ message }) => void logged.push(String(message)))
      const test = (outcome: Effect.Effect<unknown, unknown>) =>
        Effect.gen(function*() {
          const group = yield* SimulatedGroup.make(five)
          yield* group.settle()
          yield* group.advance("2 seconds")
          yield* outcome
        }).pipe(Effect.scoped, Effect.exit, Effect.provide(Logger.layer([keep])))
      yield* test(Effect.void)
      yield* test(Effect.interrupt)
      yield* test(Effect.fail(new SimulatedGroup.NotSettled({ what: "pigs fly", within: 1, seed: 42, dump: "" })))
      assert.deepStrictEqual(logged, [])
      yield* test(Effect.sync(() => assert.fail("not what was expected")))
      assert.strictEqual(logged.length, 1)
      assert.match(logged[0]!, /^failed \d+ ms into a simulated run of seed 42\n/)
      assert.match(logged[0]!, /s3 10\.0\.0\.4 running, start 1: follows s\d in term \d+, sees/)
    }))

  it.effect("fails a wait when an app does", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make({
        ...five,
        app: (_, index) => Effect.andThen(Effect.sleep("1 second"), index === 1 ? Effect.die("a bug") : Effect.never)
      })
      const failure = yield* Effect.flip(group.until("never", Effect.succeed(false)))
      assert.match(failure.message, /its app failed: .*a bug/)
      assert.isBelow(yield* group.now, 1_100)
    }))

  it.effect("takes a verb that makes no sense for a defect", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make(five)
      for (const verb of [group.start(0), group.resume(0), group.kill(9)]) {
        assert.isTrue(Exit.isFailure(yield* Effect.exit(verb)))
      }
    }))

  const story = (seed: number) =>
    Effect.scoped(Effect.gen(function*() {
      const group = yield* SimulatedGroup.make({
        ...five,
        seed,
        loss: 0.1,
        duplicate: 0.1,
        reorder: 0.1,
        traceCapacity: 100_000
      })
      yield* group.advance("5 seconds")
      yield* group.kill(0)
      yield* group.pause(1)
      yield* group.advance("5 seconds")
      yield* group.restart(0)
      yield* group.resume(1)
      yield* group.partition([[0, 1], [2, 3]])
      yield* group.advance("5 seconds")
      yield* group.heal
      yield* group.stop(2)
      yield* group.advance("5 seconds")
      const trace = yield* group.network.trace
      return JSON.stringify([yield* group.timeline, trace.map(({ at, payload, sender }) => [at, sender, [...payload]])])
    }))

  it.effect("tells the same story for the same seed, byte for byte, and another for another", () =>
    VirtualTime.run(Effect.gen(function*() {
      const first = yield* story(7)
      assert.isAbove(first.length, 100_000)
      assert.isTrue((yield* story(7)) === first)
      assert.isFalse((yield* story(8)) === first)
    })))

  it.effect("tells the same story under TestClock too", () =>
    Effect.gen(function*() {
      assert.isTrue((yield* story(7)) === (yield* story(7)))
    }))

  it.effect("leaves nothing behind when its scope closes, and lets no time pass for it", () =>
    Effect.gen(function*() {
      const hosts = yield* Effect.scoped(Effect.gen(function*() {
        const group = yield* SimulatedGroup.make(five)
        yield* group.settle()
        yield* group.kill(0)
        yield* group.pause(1)
        yield* group.suspend(2)
        return yield* group.network.hosts
      }))
      const at = yield* Clock.currentTimeMillis
      for (const host of hosts) {
        assert.strictEqual(yield* host.endpoints, 0)
        assert.strictEqual(yield* host.clock.sleepers, 0)
      }
      assert.isBelow(at, 2_000)
    }))

  it.effect("tells of no dead fiber when it closes while a client has something under way", () =>
    Effect.gen(function*() {
      const logged: Array<string> = []
      const keep = Logger.make<unknown, void>(({ message }) => void logged.push(String(message)))
      yield* VirtualTime.run(Effect.gen(function*() {
        const group = yield* SimulatedGroup.make({ servers: 3, seed: 5, settings: { profile: "fast" } })
        yield* group.settle()
        const client = yield* group.clients.at(yield* group.clients.add())
        for (const from of ["s0", "s1", "s2", "c0"]) yield* group.network.cut(from, "s3")
        yield* group.add
        yield* group.advance("5 seconds")
        yield* Effect.forkDetach(Effect.ignore(client.send({ text: "hello" })), { startImmediately: true })
        yield* group.advance("5 seconds")
      })).pipe(Effect.provide(Logger.layer([keep])))
      assert.deepStrictEqual(logged, [])
    }))
})
