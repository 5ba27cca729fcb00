/** The locks of shards where their time is short: what a runner is told, and when. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Entity from "effect/cluster/Entity"
import * as EntityAddress from "effect/cluster/EntityAddress"
import * as EntityId from "effect/cluster/EntityId"
import * as EntityType from "effect/cluster/EntityType"
import * as ShardId from "effect/cluster/ShardId"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Cluster from "../../src/Cluster.ts"
import * as Locks from "../../src/cluster/Locks.ts"
import * as VirtualTime from "../../src/testing/VirtualTime.ts"
import * as Contract from "./Contract.ts"
import * as Session from "./Session.ts"
import * as World from "./World.ts"

const { shards } = Contract

/** How often `Sharding` refreshes, and how long before its end a lock counts as lost, in ms. */
const [interval, stopTimeout] = [2_000, 500]

const isDefect = (exit: Exit.Exit<unknown, unknown>): boolean => Exit.isFailure(exit) && Cause.hasDies(exit.cause)

/** One runner, that has acquired a shard, for 6 s by its clock, in a group in which nobody leads any more. */
const alone = Effect.gen(function*() {
  const { group, leader, one, other, services, world } = yield* World.worldOf()
  const { runner: { address }, storage } = world.one
  const [shard] = shards(1) as [ShardId.ShardId]
  const { isHeld } = Context.get(services(one), Cluster.ShardLocks)
  yield* world.during(storage.acquire(address, [shard]))
  yield* group.kill(leader)
  yield* group.kill(other)
  return {
    group,
    /** How a refresh ends, and how many ms it takes. */
    refresh: Effect.gen(function*() {
      const before = yield* group.now
      const exit = yield* Effect.exit(world.during(storage.refresh(address, [shard])))
      return { exit, took: (yield* group.now) - before }
    }),
    /** For how many ms more the lock lasts. */
    left: group.until("it is over", Effect.map(isHeld(shard), (isHeld) => !isHeld), { within: "10 seconds" })
  }
})

describe("the locks of a runner that hears of no leader", () => {
  it.effect("are refreshed while they last beyond the next refresh, and in time for that", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { group, refresh } = yield* alone
      const first = yield* refresh
      assert.deepStrictEqual(first.exit, Exit.succeed(shards(1)))
      assert.isBelow(first.took, interval)
      yield* group.advance("200 millis")
      const next = yield* refresh
      assert.isTrue(Exit.isFailure(next.exit) && !isDefect(next.exit), "they last for less than that")
    })))

  it.effect("are lost, for the one that waits, while there is time to end what is done", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { group, left, refresh } = yield* alone
      yield* group.advance("4400 millis")
      const { exit, took } = yield* refresh
      assert.instanceOf(World.defectOf(exit), Cluster.LocksExpired)
      assert.isAbove(took, 500, "it waits as long as it can")
      assert.closeTo(yield* left, stopTimeout, 50)
    })))
})

describe("the lock of a shard", () => {
  it.effect("is lost so long before its end that what is done can end, also where nobody has been told to end it", () =>
    Effect.gen(function*() {
      const { answer, held, sessions } = yield* Session.make
      const terms = { groups: ["default"], shardsPerGroup: 9, expiry: 6_000, interval: Duration.millis(interval) }
      const locks = yield* Locks.make(sessions, terms, () => Effect.succeed(true))
      const acquiring = yield* Effect.forkChild(locks.acquire(shards(1)), { startImmediately: true })
      held.set(0, { token: "t", left: 6_000 })
      yield* answer()
      assert.deepStrictEqual(yield* Fiber.join(acquiring), shards(1))
      const refreshed = Effect.gen(function*() {
        const refreshing = yield* Effect.forkChild(Effect.exit(locks.refresh(shards(1))), { startImmediately: true })
        yield* answer()
        return yield* Fiber.join(refreshing)
      })
      held.set(0, { token: "t", left: stopTimeout + 1 })
      assert.deepStrictEqual(yield* refreshed, Exit.succeed(shards(1)))
      held.set(0, { token: "t", left: stopTimeout })
      assert.instanceOf(World.defectOf(yield* refreshed), Cluster.LocksExpired)
    }))

  it.effect("is that of its group: all of a runner are let go, and no others", () =>
    VirtualTime.run(Effect.gen(function*() {
      const groups = ["default", "mail"]
      const config = { shardsPerGroup: 1_500, availableShardGroups: groups, assignedShardGroups: groups }
      const { group, world: { during, one, other } } = yield* World.worldOf({ config: () => config })
      const all = groups.flatMap((group) => [1, 1_025, 1_500].map((id) => ShardId.make(group, id)))
      const acquire = ({ runner, storage }: Contract.Party, wanted: ReadonlyArray<ShardId.ShardId>) =>
        Effect.map(during(storage.acquire(runner.address, wanted)), (held) => held.map(String).toSorted())
      const names = all.map(String).toSorted()
      assert.deepStrictEqual(yield* acquire(one, all.slice(0, 3)), names.slice(0, 3))
      assert.deepStrictEqual(yield* acquire(other, all), names.slice(3))
      yield* during(other.storage.releaseAll(other.runner.address))
      const hasAll = Effect.map(Effect.orDie(acquire(one, all)), ({ length }) => length === all.length)
      yield* group.until("it has all", hasAll, { within: "3 seconds" })
    })))
})

describe("ShardLocks", () => {
  it.effect("runs nothing for an entity whose shard is another's", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { one, services, world } = yield* World.worldOf()
      const [shard, other] = shards(1, 2) as [ShardId.ShardId, ShardId.ShardId]
      yield* world.during(world.one.storage.acquire(world.one.runner.address, [shard]))
      const within = <A, E>(
        shardId: ShardId.ShardId,
        effect: Effect.Effect<A, E, Cluster.ShardLocks | Entity.CurrentAddress>
      ) =>
        effect.pipe(
          Effect.provideService(
            Entity.CurrentAddress,
            EntityAddress.make({ shardId, entityType: EntityType.make("Order"), entityId: EntityId.make("1") })
          ),
          Effect.provide(services(one))
        )
      assert.strictEqual(yield* within(shard, Cluster.ShardLocks.guard(Effect.succeed("run"))), "run")
      let hasRun = false
      const run = Effect.sync(() => void (hasRun = true))
      const lost = yield* Effect.flip(within(other, Cluster.ShardLocks.guard(run)))
      assert.instanceOf(lost, Cluster.ShardLockLost)
      assert.isFalse(hasRun)
    })))
})
