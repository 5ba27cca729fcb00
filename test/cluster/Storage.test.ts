/** What `Sharding` needs of a storage of runners, from a group of servers on a simulated network. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as RunnerStorage from "effect/cluster/RunnerStorage"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Cluster from "../../src/Cluster.ts"
import * as VirtualTime from "../../src/testing/VirtualTime.ts"
import * as Contract from "./Contract.ts"
import * as Runners from "./Runners.ts"

const { shards } = Contract

const worldOf = Effect.fnUntraced(function*() {
  const { group, services } = yield* Runners.groupOf()
  const leader = yield* group.awaitLeader()
  // Longer than a new leader grants nothing.
  yield* group.advance("8 seconds")
  const party = (index: number): Contract.Party => ({
    runner: Runners.runnerAt(index),
    storage: Context.get(services(index), RunnerStorage.RunnerStorage)
  })
  const [one, other] = [0, 1, 2].filter((index) => index !== leader) as [number, number]
  const world: Contract.World = {
    one: party(one),
    other: party(other),
    during: (effect) => Effect.flatten(Runners.during(group, effect)),
    until: (what) => Effect.asVoid(Effect.orDie(group.until("it is so", what, { within: "1 minute" })))
  }
  return { group, services, leader, one, other, world, party }
})

const defectOf = (exit: Exit.Exit<unknown, unknown>): unknown => {
  assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause), "it has a defect")
  return Cause.squash((exit as Exit.Failure<unknown, unknown>).cause)
}

describe("the storage of runners", () => {
  for (const [says, check] of Contract.cases) {
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
      const exit = yield* Effect.exit(world.one.storage.refresh(world.one.runner.address, shards(1, 2)))
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
})
