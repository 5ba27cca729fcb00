/**
 * Whole servers with a link that is missing in one direction, or both: a member that others hear stays (protocol, section 4,
 * witnesses).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as World from "./World.ts"

const { eventsOf, pass, saidOf } = World

const removed = (node: World.Node): ReadonlyArray<string> =>
  eventsOf(node, "MemberRemoved").map(({ event }) => event.member.name)

describe("Witnesses", () => {
  it.effect("keep a member that one server does not hear, for as long as it lives, and not for longer", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: 21 })
      const nodes = yield* world.startAll(5)
      const [first, second] = [nodes[0]!, nodes[1]!]
      yield* pass(25_000)
      yield* world.network.cut("s2", "s1")
      yield* pass(10 * 60_000)
      for (const node of nodes) assert.deepStrictEqual(removed(node), [])
      assert.deepStrictEqual(
        eventsOf(first, "LinkMissing").map(({ event }) => [event.member.name, event.way]),
        [["s2", "Incoming"]]
      )
      assert.deepStrictEqual(
        eventsOf(second, "LinkMissing").map(({ event }) => [event.member.name, event.way]),
        [["s1", "Outgoing"]]
      )
      const known = (yield* first.group.lastHeard).get(second.self.id)
      assert.isAtLeast(known?.ago ?? 0, 10 * 60_000)
      assert.include(nodes.map(({ self }) => self.id), known?.through)
      // A few questions for each time that it is overdue, and not one more for each other member.
      assert.isAtMost(saidOf(world, "WITNESS_ASK").length, 10 * 60_000 / 15_000 * 8)
      const at = yield* world.now
      yield* second.host.disconnect
      yield* pass(46_600)
      for (const node of nodes) if (node !== second) assert.deepStrictEqual(removed(node), ["s2"])
      for (const node of nodes) {
        if (node === second) continue
        const [gone] = eventsOf(node, "MemberRemoved")
        assert.isAtMost((gone?.at ?? Infinity) - at, 46_550, node.name)
      }
    }))

  it.effect("are asked few questions where half of a group falls silent", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: 22 })
      const nodes = yield* world.startAll(40)
      yield* pass(25_000)
      for (const node of nodes.slice(0, 20)) yield* node.host.disconnect
      yield* pass(60_000)
      for (const node of nodes.slice(20)) assert.strictEqual(removed(node).length, 20)
      // Each asks four others in two datagrams, twice. Only who fell silent last of those asked about was heard since.
      assert.isAtMost(saidOf(world, "WITNESS_ASK").length, 20 * 4 * 2 * 3)
      // Their leader was one of these: it was missed first, and asked about by itself.
      assert.isAtMost(saidOf(world, "WITNESS").length, 2 * 20 * 4)
    }))
})
