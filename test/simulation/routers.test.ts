/**
 * Groups that are spread over networks with routers between them (protocol 2): whom a server speaks to, and whom it hears.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Settings from "../../src/settings/Settings.ts"
import * as World from "./World.ts"

const networkOf = (ip: string) => ip.slice(0, ip.lastIndexOf("."))

/** Three servers on one network, two on another, the last of the highest rank. */
const spread = Effect.fnUntraced(function*(settings: (name: string) => Settings.Options) {
  const world = yield* World.make({ seed: 1 })
  const start = (name: string, ip: string, priority: number) =>
    world.start(name, { priority, unicastPort: 4_000, ...settings(name) }, { ip })
  for (const [index, ip] of ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.1.1"].entries()) {
    yield* start(`s${index + 1}`, ip, index)
  }
  return { world, newcomer: start("s5", "10.0.1.2", 4) }
})

/** What was said by unicast from one network to another. */
const crossed = (world: World.World) =>
  world.said.filter(({ from, to }) => to !== null && networkOf(to.ip) !== networkOf(from.ip))

const sizes = (world: World.World) =>
  Effect.forEach(world.nodes(), ({ group }) => Effect.map(group.members, ({ length }) => length))

describe("over routers", () => {
  it.effect("one seed is enough for all where the networks are named, also to a leader that dies on the other side", () =>
    Effect.gen(function*() {
      const { newcomer, world } = yield* spread(() => ({
        profile: "fast",
        multicast: false,
        seeds: ["10.0.0.1:4000"],
        networks: ["10.0.0.0/16"]
      }))
      yield* World.pass(2_000)
      assert.deepStrictEqual(yield* sizes(world), [4, 4, 4, 4])
      const last = yield* newcomer
      yield* World.pass(1_000)
      assert.deepStrictEqual(yield* sizes(world), [5, 5, 5, 5, 5])
      assert.strictEqual(world.agreed()?.leader.id, last.self.id)
      yield* last.kill
      yield* World.pass(5_000)
      assert.deepStrictEqual(yield* sizes(world), [4, 4, 4, 4])
      assert.strictEqual(world.agreed()?.leader.priority, 3)
    }))

  it.effect("where they are not named, nobody becomes a member who cannot be answered, and nothing crosses but to a seed", () =>
    Effect.gen(function*() {
      const { newcomer, world } = yield* spread(() => ({ profile: "fast", multicast: false, seeds: ["10.0.0.1:4000"] }))
      yield* newcomer
      yield* World.pass(10_000)
      // Each of those beyond the router knows the seed alone, which does not hear it.
      assert.deepStrictEqual(yield* sizes(world), [3, 3, 3, 1, 1])
      assert.deepStrictEqual([...new Set(crossed(world).map(({ to }) => to?.ip))], ["10.0.0.1"])
    }))

  it.effect.each([true, false])(
    "multicast that routers carry is answered by unicast only where the networks are named: %s",
    (named) =>
      Effect.gen(function*() {
        const { newcomer, world } = yield* spread(() => ({ ttl: 2, networks: named ? ["10.0.0.0/16"] : [] }))
        yield* World.pass(2_000)
        yield* newcomer
        yield* World.pass(500)
        assert.strictEqual(crossed(world).length > 0, named)
        // Long before a heartbeat, where its questions are answered.
        const [, , , , known] = yield* sizes(world)
        assert.strictEqual(known === 5, named)
      })
  )
})
