/** What `Sharding` needs of a storage of runners, from a group of servers on a simulated network. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as RunnerHealth from "effect/cluster/RunnerHealth"
import * as RunnerStorage from "effect/cluster/RunnerStorage"
import type * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Cluster from "../../src/Cluster.ts"
import type * as Settings from "../../src/settings/Settings.ts"
import * as SimulatedGroup from "../../src/testing/SimulatedGroup.ts"
import * as VirtualTime from "../../src/testing/VirtualTime.ts"
import * as Contract from "./Contract.ts"
import * as Runners from "./Runners.ts"
import * as World from "./World.ts"

const { shards } = Contract

const { defectOf, worldOf } = World

describe("the storage of runners", () => {
  for (const [says, check] of [...Contract.cases, ...Contract.besides]) {
    it.effect(says, () => VirtualTime.run(Effect.flatMap(worldOf(), ({ world }) => check(world))))
  }

  it.effect("is none that is in memory: the cases show it", () =>
    Effect.gen(function*() {
      const broken: Array<string> = []
      for (const [says, check] of Contract.cases) {
        const storage = yield* RunnerStorage.makeMemory
        const party = (index: number): Contract.Party => ({ runner: Runners.runnerAt(index), storage })
        const until = (what: Effect.Effect<boolean>) =>
          Effect.flatMap(what, (is) => is ? Effect.void : Effect.die(says))
        const world: Contract.World = { one: party(0), other: party(1), during: (effect) => effect, until }
        if (Exit.isFailure(yield* Effect.exit(Effect.suspend(() => check(world))))) broken.push(says)
      }
      assert.include(broken, "locks a shard for one runner at a time")
    }))

  it.effect("dies at once when it is asked to refresh what is over by the clock", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { group, leader, one, other, world } = yield* worldOf()
      yield* world.during(world.one.storage.acquire(world.one.runner.address, shards(1, 2)))
      yield* group.pause(one)
      yield* group.until(
        "another has it",
        Effect.map(
          Effect.orDie(world.during(world.other.storage.acquire(world.other.runner.address, shards(1)))),
          (all) => all.length === 1
        ),
        { within: "10 seconds" }
      )
      yield* group.resume(one, "sleepers")
      const before = yield* group.now
      const exit = yield* Effect.exit(world.during(world.one.storage.refresh(world.one.runner.address, shards(1, 2))))
      assert.isAtMost(yield* group.now, before + 50)
      const defect = defectOf(exit)
      assert.instanceOf(defect, Cluster.LocksExpired)
      assert.deepStrictEqual(defect.shards, ["default:1", "default:2"])
      assert.notStrictEqual(leader, other)
    })))

  it.effect("takes a lock anew that was lost before anybody was told of it", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { group, one, world } = yield* worldOf()
      const acquire = world.one.storage.acquire(world.one.runner.address, shards(1))
      // Its answer is not waited for.
      yield* Effect.forkChild(acquire)
      yield* group.advance("1 second")
      yield* group.pause(one)
      yield* group.advance("10 seconds")
      yield* group.resume(one, "sleepers")
      yield* group.advance("1 second")
      assert.deepStrictEqual(yield* world.during(acquire), shards(1))
    })))

  it.effect("locks nothing, and does not fail, where nobody leads or a leader is new; refreshes fail where none answers", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { group, leader, one, other, world } = yield* worldOf()
      const { runner: { address }, storage } = world.one
      yield* world.during(storage.acquire(address, shards(1)))
      yield* group.kill(leader)
      yield* group.kill(other)
      yield* group.advance("3 seconds")
      assert.deepStrictEqual(yield* world.during(storage.acquire(address, shards(2))), [])
      const exit = yield* Effect.exit(world.during(storage.refresh(address, [])))
      assert.isTrue(Exit.isFailure(exit) && !Cause.hasDies(exit.cause))
      yield* group.advance("6 seconds")
      assert.instanceOf(defectOf(yield* Effect.exit(storage.refresh(address, shards(1)))), Cluster.LocksExpired)
      yield* group.start(leader)
      yield* group.start(other)
      yield* group.awaitLeader({ within: "1 minute" })
      assert.deepStrictEqual(yield* world.during(storage.acquire(address, shards(2))), [], "it is new")
      yield* group.advance("7 seconds")
      assert.deepStrictEqual(yield* world.during(storage.acquire(address, shards(1, 2))), shards(1, 2))
      assert.notStrictEqual(one, leader)
    })))

  it.effect("keeps what is held while the leader changes", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { group, leader, services, one, world } = yield* worldOf()
      const { runner: { address }, storage } = world.one
      yield* world.during(storage.acquire(address, shards(1)))
      const { token } = Context.get(services(one), Cluster.ShardLocks)
      const before = yield* token(shards(1)[0]!)
      yield* group.kill(leader)
      assert.deepStrictEqual(yield* world.during(storage.refresh(address, shards(1))), shards(1))
      assert.strictEqual(yield* token(shards(1)[0]!), before)
    })))

  it.effect("registers a runner anew, whose machine id was lost", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { group, one, world } = yield* worldOf()
      const { runner, storage } = world.one
      const id = yield* world.during(storage.register(runner, true))
      yield* group.pause(one)
      yield* group.advance("10 seconds")
      yield* group.resume(one, "sleepers")
      assert.deepStrictEqual(yield* storage.getRunners, [], "it does not see itself")
      assert.strictEqual(yield* world.during(storage.register(runner, true)), id)
      assert.deepStrictEqual((yield* storage.getRunners).map(([{ address }]) => address), [runner.address])
    })))

  it.effect("shows a runner no more whose server is gone, and says that it is not alive", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { group, other, one, services, world } = yield* worldOf()
      const { address } = world.other.runner
      const { isAlive } = Context.get(services(one), RunnerHealth.RunnerHealth)
      yield* world.during(world.other.storage.register(world.other.runner, true))
      yield* world.until(isAlive(address))
      yield* group.kill(other)
      yield* world.until(Effect.map(isAlive(address), (isAlive) => !isAlive))
    })))

  it.effect("holds nothing where runners go by another expiration, and goes on with the others", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { group, services } = yield* Runners.groupOf({
        config: (index) => index === 0 ? { shardLockExpiration: "9 seconds" } : {}
      })
      yield* group.advance("12 seconds")
      const held = yield* Effect.forEach([1, 0], (index) =>
        Effect.flatten(Runners.during(
          group,
          Context.get(services(index), RunnerStorage.RunnerStorage).acquire(Runners.addressAt(index), shards(index + 1))
        )))
      // The one that asked first says how it is.
      assert.strictEqual(held.flat().length, 1)
    })))
})

describe("a cluster is refused", () => {
  const refused = (
    config: Partial<ShardingConfig.ShardingConfig["Service"]>,
    settings: (index: number) => Settings.Options = Runners.settings
  ) =>
    VirtualTime.run(Effect.gen(function*() {
      const group = yield* SimulatedGroup.make({ servers: 1, seed: "refused", settings })
      return yield* Effect.flip(Runners.build(yield* group.server(0), 0, config))
    }))

  it.effect("where two servers may lead", () =>
    Effect.gen(function*() {
      const { message } = yield* refused({}, () => ({}))
      assert.include(message, "allowed: leadership: lease")
    }))

  it.effect("with locks that last too short or too long", () =>
    Effect.gen(function*() {
      const { message, reason } = yield* refused({ shardLockExpiration: "1 second" })
      assert.strictEqual(reason, "expiration")
      assert.strictEqual(message, "shardLockExpiration is 1s; allowed: 2s to 1h, at least 4 x stopTimeout")
      assert.strictEqual((yield* refused({ shardLockExpiration: "2 hours" })).reason, "expiration")
    }))

  it.effect("with shard groups of too long a name, too many shards, or too many groups", () =>
    Effect.gen(function*() {
      const long = "g".repeat(81)
      assert.strictEqual((yield* refused({ availableShardGroups: [long] })).reason, "groups")
      assert.strictEqual((yield* refused({ shardsPerGroup: 100_000 })).reason, "groups")
      const many = Array.from({ length: 100 }, (_, at) => `group ${at}`)
      assert.include(
        (yield* refused({ availableShardGroups: many, assignedShardGroups: many })).message,
        "100 shard groups"
      )
    }))
})
