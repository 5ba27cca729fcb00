/**
 * Whole servers with their real fibers under `TestClock`: how long the silent stay members, and who leads after each kind of
 * trouble. No real time passes.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as World from "./World.ts"
import { eventsOf, pass } from "./World.ts"

const hour = 3_600_000

const leadersOf = (world: World.World) =>
  Effect.map(
    Effect.filter(world.nodes(), ({ leadership }) => leadership.isLeader),
    (all) => all.map(({ name }) => name)
  )

describe("A silent member (4.4)", () => {
  it.effect("is removed after (30, 46] s of silence, and not a millisecond before 30, whenever it fell silent", () =>
    Effect.gen(function*() {
      for (let seed = 0; seed < 12; seed++) {
        yield* Effect.scoped(Effect.gen(function*() {
          const world = yield* World.make({ seed })
          const [first, , last] = yield* world.startAll(3)
          yield* pass(20_000 + seed * 1_301)
          yield* last!.host.disconnect
          const silentFrom = yield* world.now
          yield* last!.kill
          yield* pass(60_000)
          const [removed, ...more] = eventsOf(first!, "MemberRemoved")
          assert.deepStrictEqual(more, [])
          const { reason } = removed!.event
          assert(reason._tag === "Silent")
          assert.isAbove(reason.for, 30_000)
          assert.isAtMost(reason.for, 46_000)
          // It may have been heard up to one heartbeat before it fell silent.
          assert.isAbove(removed!.at - silentFrom, 20_000)
          assert.isAtMost(removed!.at - silentFrom, 46_000)
        }))
      }
    }))

  it.effect("whose host refuses is removed as crashed at the next sweep after one missed heartbeat (4.4)", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: 3 })
      const [first, , last] = yield* world.startAll(3)
      yield* pass(20_000)
      yield* last!.kill
      yield* pass(31_000)
      const [removed] = eventsOf(first!, "MemberRemoved")
      assert.strictEqual(removed?.event.reason._tag, "Crashed")
    }))
})

describe("An election (5)", () => {
  it.effect(
    "of fifty servers that start at once ends with one reign, the highest ranked, within the window and a stagger",
    () =>
      Effect.gen(function*() {
        for (const loss of [0, 0.1]) {
          yield* Effect.scoped(Effect.gen(function*() {
            const world = yield* World.make({ seed: 50, loss })
            const nodes = yield* world.startAll(50)
            assert.isAtMost(yield* world.untilAgreed(10_000), loss === 0 ? 350 : 1_500)
            assert.strictEqual(world.agreed()?.leader.id, nodes[0]!.self.id)
            yield* pass(2_000)
            for (const node of nodes) {
              assert.strictEqual((yield* node.group.members).length, 50)
              assert.strictEqual(eventsOf(node, "LeaderChanged").length, 1, "nobody changed its mind")
            }
          }))
        }
      }),
    60_000
  )

  it.effect("is called by a higher ranked newcomer, which then leads", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: 5 })
      const [first] = yield* world.startAll(3)
      yield* pass(5_000)
      const newcomer = yield* world.start("newcomer", { priority: 99 })
      yield* pass(1_000)
      assert.strictEqual(world.agreed()?.leader.id, newcomer.self.id)
      assert.strictEqual(eventsOf(first!, "LeaderChanged").at(-1)?.event.cause, "HigherRank")
    }))

  it.effect("is not won by a higher ranked newcomer where preempt is off (preempt: false)", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: 6 })
      const [first] = yield* world.startAll(3, { preempt: false })
      yield* pass(5_000)
      const reign = world.agreed()
      yield* world.start("newcomer", { priority: 99, preempt: false })
      yield* pass(60_000)
      assert.deepStrictEqual(world.agreed(), reign)
      yield* first!.leave
      yield* pass(5_000)
      assert.strictEqual(world.agreed()?.leader.priority, 99, "the place is free for it once it is vacant")
    }))

  it.effect("gives each part of a split a leader, and one to the whole within a heartbeat of the heal", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: 7 })
      const nodes = yield* world.startAll(5)
      yield* pass(5_000)
      yield* world.network.partition([["s1", "s2", "s3"], ["s4", "s5"]])
      yield* pass(60_000)
      assert.deepStrictEqual(yield* leadersOf(world), ["s1", "s4"])
      yield* world.network.heal
      yield* pass(11_000)
      assert.deepStrictEqual(yield* leadersOf(world), ["s1"])
      assert.strictEqual(world.agreed()?.leader.id, nodes[0]!.self.id)
      for (const { group } of nodes) assert.strictEqual((yield* group.members).length, 5)
    }))

  it.effect("is not called by a wall clock that jumps an hour, either way", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: 8, epoch: 1_785_000_000_000 })
      const nodes = yield* world.startAll(3)
      yield* pass(5_000)
      const reign = world.agreed()
      for (const by of [hour, -2 * hour]) {
        for (const { host } of nodes) yield* host.clock.jumpWallClock(by)
        yield* pass(120_000)
        assert.deepStrictEqual(world.agreed(), reign)
        for (const node of nodes) assert.strictEqual(eventsOf(node, "MemberRemoved").length, 0)
      }
    }))
})

describe("A start (4, incarnations)", () => {
  it.effect("with a fixed port is the same id in a new incarnation, also where the clock was set back before it", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: 9, epoch: 1_785_000_000_000 })
      const [first] = yield* world.startAll(2)
      const settings = { priority: 9, unicastPort: 4_000 }
      const before = yield* world.start("restarts", settings)
      yield* pass(5_000)
      for (const back of [0, hour]) {
        const [last] = world.nodes().slice(-1)
        yield* last!.kill
        yield* pass(1)
        yield* last!.host.clock.jumpWallClock(-back)
        const after = yield* world.start("restarts", settings)
        yield* pass(45_000)
        assert.strictEqual(after.self.id, before.self.id)
        const members = yield* first!.group.members
        assert.strictEqual(members.length, 3)
        const seen = members.find(({ id }) => id === after.self.id)
        assert.strictEqual(seen?.incarnation, (yield* after.group.self).incarnation)
        assert.strictEqual(world.agreed()?.leader.id, after.self.id)
      }
      const [last] = world.nodes().slice(-1)
      assert.strictEqual(eventsOf(last!, "IncarnationRaised").length, 1, "only the clock that was set back needed it")
    }))
})

describe("A blocked loop (4, a stall is not a death)", () => {
  for (const [who, index] of [["leader", 0], ["follower", 1]] as const) {
    it.effect(`of a ${who}, for three time-outs, evicts nobody of those it could not hear`, () =>
      Effect.gen(function*() {
        const world = yield* World.make({ seed: 10 + index })
        const nodes = yield* world.startAll(3)
        yield* pass(12_000)
        const { host } = nodes[index]!
        yield* host.pause
        yield* pass(90_000)
        yield* host.resume()
        yield* pass(60_000)
        assert.deepStrictEqual(eventsOf(nodes[index]!, "MemberRemoved"), [])
        const [stalled] = eventsOf(nodes[index]!, "Stalled")
        assert.isAbove(stalled!.event.for, 89_000)
        assert.strictEqual(world.agreed()?.leader.id, nodes[0]!.self.id)
        for (const { group } of nodes) assert.strictEqual((yield* group.members).length, 3)
      }))
  }
})

describe("A suspended machine (4, a stall is not a death)", () => {
  for (const first of ["datagrams", "sleepers"] as const) {
    for (const [who, index] of [["leader", 0], ["follower", 1]] as const) {
      it.effect(`that of a ${who}, for three time-outs, evicts nobody when it wakes and leads no more, ${first} first`, () =>
        Effect.gen(function*() {
          const world = yield* World.make({ seed: 20 + index })
          const nodes = yield* world.startAll(3)
          yield* pass(12_000)
          const { host, leadership } = nodes[index]!
          // The others fall silent first: it goes to sleep when all its questions to them are asked, and on waking it
          // would find them unanswered.
          const others = nodes.filter((_, other) => other !== index)
          for (const other of others) yield* other.host.disconnect
          const since = world.said.length
          const asked = () =>
            world.said.slice(since).filter(({ by, message, to }) =>
              by === nodes[index]!.name && to?.ip === others[0]!.self.ip && message.type === "SERVER_PROBE"
            ).length
          for (let waited = 0; waited < 60_000 && asked() < 5; waited += 50) yield* pass(50)
          assert.strictEqual(asked(), 5)
          yield* host.suspend
          for (const other of others) yield* other.host.connect
          yield* pass(90_000)
          const before = world.said.length
          yield* host.wake(first)
          assert.isFalse(yield* leadership.isLeader, "from the first moment on")
          yield* pass(200)
          const mine = world.said.slice(before).filter(({ by }) => by === nodes[index]!.name)
          assert.deepInclude(mine.filter(({ to }) => to === null).map(({ message }) => message.type), "SERVER_PROBE")
          yield* pass(60_000)
          assert.deepStrictEqual(eventsOf(nodes[index]!, "MemberRemoved"), [])
          const [stalled] = eventsOf(nodes[index]!, "Stalled")
          assert.isAbove(stalled!.event.for, 89_000)
          assert.strictEqual(world.agreed()?.leader.id, nodes[0]!.self.id)
          for (const { group } of nodes) assert.strictEqual((yield* group.members).length, 3)
        }))
    }
  }
})
