/**
 * What `Sharding` needs of a `RunnerStorage`, as cases for any of them. Where it is written down nowhere, it is what
 * effect/cluster/Sharding.ts of 4.1 does and what breaks otherwise.
 */
import { assert } from "@effect/vitest"
import type * as Runner from "effect/cluster/Runner"
import type * as RunnerStorage from "effect/cluster/RunnerStorage"
import * as ShardId from "effect/cluster/ShardId"
import * as Effect from "effect/Effect"

type Storage = RunnerStorage.RunnerStorage["Service"]

/** One runner, and its storage. */
export interface Party {
  readonly runner: Runner.Runner
  readonly storage: Storage
}

/** Two runners of one cluster, that have registered nothing and hold nothing. */
export interface World {
  readonly one: Party
  readonly other: Party
  /** Runs until it has ended, while time passes. */
  readonly during: <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E>
  /** Lets time pass until it is true. */
  readonly until: (what: Effect.Effect<boolean>) => Effect.Effect<void>
}

export const shards = (...ids: ReadonlyArray<number>) => ids.map((id) => ShardId.make("default", id))

const names = (all: ReadonlyArray<ShardId.ShardId>) => all.map(String).toSorted()

const acquire = ({ during }: World, { runner, storage }: Party, ...ids: ReadonlyArray<number>) =>
  Effect.map(during(storage.acquire(runner.address, shards(...ids))), names)
/** Asks until all are held: others may hear a little later that they are let go. */
const acquired = (world: World, party: Party, ...ids: ReadonlyArray<number>) =>
  world.until(Effect.map(Effect.orDie(acquire(world, party, ...ids)), (all) => all.length === ids.length))
const refresh = ({ during }: World, { runner, storage }: Party, ...ids: ReadonlyArray<number>) =>
  Effect.map(during(storage.refresh(runner.address, shards(...ids))), names)
const release = ({ during }: World, { runner, storage }: Party, id: number) =>
  during(storage.release(runner.address, shards(id)[0]!))
const shown = ({ during }: World, { storage }: Party) =>
  Effect.map(during(storage.getRunners), (all) => all.map(([{ address }, healthy]) => [address.toString(), healthy]))
const register = ({ during }: World, { runner, storage }: Party) => during(storage.register(runner, true))

/** The cases, by what each says. */
export const cases: ReadonlyArray<readonly [says: string, check: (world: World) => Effect.Effect<void, unknown>]> = [
  [
    "shows a runner its own registration at once",
    Effect.fnUntraced(function*(world) {
      yield* register(world, world.one)
      assert.deepInclude(yield* shown(world, world.one), [world.one.runner.address.toString(), true])
    })
  ],
  [
    "shows it to others",
    Effect.fnUntraced(function*(world) {
      yield* register(world, world.one)
      yield* world.until(
        Effect.map(
          world.other.storage.getRunners,
          (all) => all.some(([{ address }]) => address.toString() === world.one.runner.address.toString())
        ).pipe(Effect.orDie)
      )
    })
  ],
  [
    "gives runners that live different machine ids, and one that asks again its own",
    Effect.fnUntraced(function*(world) {
      const first = yield* register(world, world.one)
      assert.notStrictEqual(yield* register(world, world.other), first)
      assert.strictEqual(yield* register(world, world.one), first)
      assert.isTrue(first >= 0 && first < 1_024)
    })
  ],
  [
    "shows one that has unregistered no more",
    Effect.fnUntraced(function*(world) {
      yield* register(world, world.one)
      yield* world.during(world.one.storage.unregister(world.one.runner.address))
      assert.deepStrictEqual(yield* shown(world, world.one), [])
    })
  ],
  [
    "locks those that are asked for, and no others",
    Effect.fnUntraced(function*(world) {
      assert.deepStrictEqual(yield* acquire(world, world.one, 1, 2), names(shards(1, 2)))
      assert.deepStrictEqual(yield* acquire(world, world.one, 3), names(shards(3)))
    })
  ],
  [
    "answers the same to one that asks again",
    Effect.fnUntraced(function*(world) {
      yield* acquire(world, world.one, 1, 2)
      assert.deepStrictEqual(yield* acquire(world, world.one, 1, 2), names(shards(1, 2)))
    })
  ],
  [
    "locks a shard for one runner at a time",
    Effect.fnUntraced(function*(world) {
      yield* acquire(world, world.one, 1, 2)
      assert.deepStrictEqual(yield* acquire(world, world.other, 2, 3), names(shards(3)))
    })
  ],
  [
    "refreshes what is held",
    Effect.fnUntraced(function*(world) {
      yield* acquire(world, world.one, 1, 2)
      assert.deepStrictEqual(yield* refresh(world, world.one, 1, 2), names(shards(1, 2)))
      assert.deepStrictEqual(yield* refresh(world, world.one, 1), names(shards(1)))
      assert.deepStrictEqual(yield* refresh(world, world.one), [])
    })
  ],
  [
    "refreshes nothing that was let go",
    Effect.fnUntraced(function*(world) {
      yield* acquire(world, world.one, 1, 2)
      yield* release(world, world.one, 1)
      assert.deepStrictEqual(yield* refresh(world, world.one, 1, 2), names(shards(2)))
    })
  ],
  [
    "gives a shard that is let go to another, and lets one go twice",
    Effect.fnUntraced(function*(world) {
      yield* acquire(world, world.one, 1, 2)
      yield* release(world, world.one, 1)
      yield* release(world, world.one, 1)
      yield* acquired(world, world.other, 1)
      assert.deepStrictEqual(yield* acquire(world, world.other, 1, 2), names(shards(1)))
      yield* release(world, world.one, 1)
      assert.deepStrictEqual(yield* acquire(world, world.one, 1, 2), names(shards(2)))
    })
  ],
  [
    "lets all of a runner go, and none of another's",
    Effect.fnUntraced(function*(world) {
      yield* acquire(world, world.one, 1, 2)
      yield* acquire(world, world.other, 3)
      yield* world.during(world.one.storage.releaseAll(world.one.runner.address))
      yield* acquired(world, world.other, 1, 2)
      assert.deepStrictEqual(yield* acquire(world, world.one, 1, 2, 3), [])
    })
  ],
  [
    "lets all of a runner go, each time",
    Effect.fnUntraced(function*(world) {
      for (const from of [world.one, world.other, world.one]) {
        yield* acquired(world, from, 1, 2)
        yield* world.during(from.storage.releaseAll(from.runner.address))
      }
      yield* acquired(world, world.other, 1, 2)
    })
  ]
]

/** What ours does besides. Effect's own storages lock all that is asked for; `Sharding` asks for none that there is none of. */
export const besides: typeof cases = [
  [
    "knows no shard that there is none of",
    Effect.fnUntraced(function*(world) {
      assert.deepStrictEqual(yield* acquire(world, world.one, 0, 301), [])
    })
  ]
]
