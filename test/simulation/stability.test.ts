/**
 * Servers that come and go: one that crashes again and again (`stableAfter`), and all that restart at once (protocol,
 * section 5).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Settings from "../../src/settings/Settings.ts"
import * as World from "./World.ts"

const { eventsOf, pass } = World

const crashing: Settings.Options = { unicastPort: 4_001, priority: 100 }

/** Three servers that follow the first, then a higher ranked one that lives 8 s, is killed, and starts again 2 s later. */
const crashLoop = Effect.fnUntraced(function*(seed: number, loss: number, settings: Settings.Options) {
  const world = yield* World.make({ seed, loss, listen: false })
  const nodes = yield* world.startAll(3, settings)
  yield* pass(120_000)
  const reign = world.agreed()
  assert.isNotNull(reign)
  const from = yield* world.now
  for (let times = 0; times < 10; times++) {
    const server = yield* world.start("s0", { ...settings, ...crashing })
    yield* pass(8_000)
    yield* server.kill
    yield* pass(2_000)
  }
  return { world, nodes, reign, from }
})

const leaders = (node: World.Node, from: number) =>
  eventsOf(node, "LeaderChanged", from).map(({ event }) => event.leader?.name ?? null)

describe("a highest ranked server that crashes and starts again", () => {
  it.effect.each([[1, 0], [2, 0], [3, 0.1], [4, 0.1], [5, 0.1]] as const)(
    "does not move the lead while it lives shorter than stableAfter (5, stableAfter; seed %i, loss %d)",
    ([seed, loss]) =>
      Effect.gen(function*() {
        const { from, nodes, reign, world } = yield* crashLoop(seed, loss, { stableAfter: "1 minute" })
        for (const node of nodes) assert.deepStrictEqual(leaders(node, from), [])
        assert.deepStrictEqual(world.agreed(), reign)
      })
  )

  it.effect("moves it each time with stableAfter 0: the Bully's rule (5)", () =>
    Effect.gen(function*() {
      const { from, nodes } = yield* crashLoop(6, 0, {})
      for (const node of nodes) {
        assert.strictEqual(leaders(node, from).filter((name) => name === "s0").length, 10)
      }
    }))

  it.effect("leads when it has lived for stableAfter, without a gap (5, stableAfter)", () =>
    Effect.gen(function*() {
      const { nodes, world } = yield* crashLoop(7, 0, { stableAfter: "1 minute" })
      const server = yield* world.start("s0", { stableAfter: "1 minute", ...crashing })
      yield* pass(59_900)
      assert.strictEqual(world.agreed()?.leader.id, nodes[0]!.self.id)
      yield* pass(200)
      assert.strictEqual(world.agreed()?.leader.id, server.self.id)
      for (const node of nodes) {
        assert.isTrue(eventsOf(node, "LeaderChanged").every(({ event }) => event.leader !== null))
      }
    }))

  it.effect("takes the place as soon as it is vacant (5, stableAfter)", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: 8 })
      const nodes = yield* world.startAll(3, { stableAfter: "1 minute" })
      // A first start: all are newcomers, and ask before they lead.
      assert.isAtMost(yield* world.untilAgreed(3_000), 1_500)
      yield* pass(60_000)
      const server = yield* world.start("s0", { stableAfter: "1 minute", ...crashing })
      yield* pass(1_000)
      assert.strictEqual(world.agreed()?.leader.id, nodes[0]!.self.id)
      yield* nodes[0]!.leave
      yield* pass(200)
      assert.strictEqual(world.agreed()?.leader.id, server.self.id)
    }))

  it.effect.each([["2 minutes", 0], ["0 millis", 1]] as const)(
    "under the majority lease too, when it lives for longer than its silent start: stableAfter %s, it leads %i times (6)",
    ([stableAfter, times]) =>
      Effect.gen(function*() {
        const world = yield* World.make({ seed: 10, listen: false })
        const settings = { stableAfter, leadership: "lease", groupSize: 4 } as const
        const nodes = yield* world.startAll(3, settings)
        yield* pass(200_000)
        assert.isNotNull(world.agreed())
        const from = yield* world.now
        const server = yield* world.start("s0", { ...settings, ...crashing })
        yield* pass(60_000)
        yield* server.kill
        yield* pass(1_000)
        for (const node of nodes) {
          assert.strictEqual(leaders(node, from).filter((name) => name === "s0").length, times)
        }
      })
  )

  it.effect("leaves the lead of every election where it is, and takes all of them when its time has come (5)", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: 11, listen: false })
      const settings = { stableAfter: "1 minute" } as const
      const leads = (node: World.Node) => Effect.map(node.leadership.of("billing"), ({ isLeader }) => isLeader)
      const nodes = yield* world.startAll(3, settings)
      const [first] = yield* Effect.forEach(nodes, leads)
      yield* pass(120_000)
      const server = yield* world.start("s0", { ...settings, ...crashing })
      const newcomer = yield* leads(server)
      yield* pass(59_000)
      assert.deepStrictEqual([yield* first!, yield* newcomer], [true, false])
      yield* pass(2_000)
      assert.deepStrictEqual([yield* first!, yield* newcomer], [false, true])
      assert.strictEqual(world.agreed()?.leader.id, server.self.id)
    }))

  it.effect("is one of two halves that meet: one leads, and in the end the highest ranked (5, stableAfter)", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: 9 })
      const settings = { stableAfter: "2 minutes" } as const
      yield* world.startAll(3, settings)
      yield* pass(200_000)
      yield* world.network.partition([["s1", "s2", "s3"], ["s0"]])
      const server = yield* world.start("s0", { ...settings, ...crashing })
      yield* server.host.clock.jumpWallClock("1 hour")
      yield* pass(20_000)
      assert.strictEqual(server.reign()?.leader.id, server.self.id)
      yield* world.network.heal
      yield* pass(15_000)
      // Its reign is the greater one: of two that meet, that stays, as without preempt.
      assert.strictEqual(world.agreed()?.leader.id, server.self.id)
      yield* pass(200_000)
      assert.strictEqual(world.agreed()?.leader.id, server.self.id)
    }))
})

describe("all servers restart at once", () => {
  it.effect.each(
    [
      [5, 0, 0],
      [5, 0.1, 0],
      [5, 0.1, 30_000],
      [20, 0, 0],
      [20, 0.1, 0],
      [20, 0.1, 30_000]
    ] as const
  )(
    "%i of them, loss %d, stableAfter %i ms: one leader, the highest ranked, and everybody in every view (5)",
    ([size, loss, stableAfter]) =>
      Effect.gen(function*() {
        const world = yield* World.make({ seed: size + loss, loss, listen: false })
        const settings = { stableAfter }
        const start = Effect.forEach(Array.from({ length: size }, (_, index) => index), (index) =>
          world.start(`s${index}`, { ...settings, priority: size - index, unicastPort: 4_000 }))
        const before = yield* start
        yield* world.untilAgreed(20_000)
        yield* pass(40_000)
        const term = world.agreed()?.term ?? Infinity
        for (const node of before) {
          yield* node.kill
        }
        yield* pass(500)
        const after = yield* start
        assert.isAtMost(yield* world.untilAgreed(20_000), 5_000)
        yield* pass(45_000)
        assert.strictEqual(world.agreed()?.leader.id, after[0]!.self.id)
        assert.isAbove(world.agreed()?.term ?? 0, term)
        for (const node of after) {
          const members = yield* node.group.members
          assert.sameDeepMembers(
            members.map(({ id, incarnation }) => ({ id, incarnation })),
            after.map(({ self }) => ({
              id: self.id,
              incarnation: self.incarnation
            }))
          )
        }
      })
  )
})
