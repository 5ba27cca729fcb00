/** One runner of `npm run bench -- cluster`, as a process of its own: its parent tells it what to do, and is told what it measured. */
import * as RunnerAddress from "effect/cluster/RunnerAddress"
import * as RunnerStorage from "effect/cluster/RunnerStorage"
import * as ShardId from "effect/cluster/ShardId"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Cluster from "../src/Cluster.ts"
import * as NodeServer from "../src/NodeServer.ts"
import * as Fleet from "./fleet.ts"

/** What it is told to do: to lock so many shards, refresh them and let them go, for so long. */
export interface Order {
  readonly shards: number
  readonly millis: number
}

/** How long each took, in ms; how many did not give all that was asked for. */
export interface Measured {
  readonly acquire: ReadonlyArray<number>
  readonly refresh: ReadonlyArray<number>
  readonly failed: number
}

/** The shards of the group, of which fewer may be locked: the same for all runners. */
const shardsPerGroup = 300

/** Refreshes for each time that all are acquired. */
const refreshes = 8

const shards = (count: number) => Array.from({ length: count }, (_, at) => ShardId.make("default", at + 1))

const measured = Effect.fnUntraced(function*({ millis, shards: count }: Order, address: RunnerAddress.RunnerAddress) {
  const storage = yield* RunnerStorage.RunnerStorage
  const wanted = shards(count)
  let failed = 0
  /** Of what gives not all of them no time is taken: they are held by another, or the leader has just changed. */
  const timed = <E, R>(times: Array<number>, effect: Effect.Effect<ReadonlyArray<unknown>, E, R>) =>
    Effect.suspend(() => {
      const began = performance.now()
      return Effect.map(effect, ({ length }) => {
        if (length === count) times.push(performance.now() - began)
        else failed++
      })
    })
  // The one that measured before may have let go of all only just now.
  yield* Effect.filterOrFail(storage.acquire(address, wanted), ({ length }) => length === count).pipe(
    Effect.retry(Schedule.spaced("20 millis"))
  )
  yield* storage.releaseAll(address)
  const acquire: Array<number> = []
  const refresh: Array<number> = []
  yield* timed(acquire, storage.acquire(address, wanted)).pipe(
    Effect.andThen(
      Effect.replicateEffect(timed(refresh, storage.refresh(address, wanted)), refreshes, { discard: true })
    ),
    Effect.andThen(storage.releaseAll(address)),
    Effect.forever,
    Effect.timeoutOption(millis)
  )
  yield* storage.releaseAll(address)
  return { acquire, refresh, failed }
})

const program = Effect.fnUntraced(function*(address: RunnerAddress.RunnerAddress) {
  const storage = yield* RunnerStorage.RunnerStorage
  yield* Fleet.settled
  // A new leader grants nothing for the time of one expiry: another holds what there is meanwhile.
  yield* Effect.filterOrFail(storage.acquire(address, shards(1)), (held) => held.length > 0).pipe(
    Effect.retry(Schedule.spaced("100 millis"))
  )
  yield* storage.releaseAll(address)
  yield* Fleet.obey((order: Order) => measured(order, address))
})

export const run = (role: Fleet.Role): Promise<void> => {
  const address = RunnerAddress.make("127.0.0.1", 34_431 + role.priority)
  const layers = Cluster.layerStorage.pipe(
    Layer.provide(Layer.succeed(ShardingConfig.ShardingConfig, {
      ...ShardingConfig.defaults,
      runnerAddress: Option.some(address),
      shardsPerGroup,
      shardLockExpiration: "6 seconds",
      shardLockRefreshInterval: "2 seconds"
    })),
    Layer.provideMerge(NodeServer.layer({
      ...Fleet.settingsOf(role),
      priority: role.priority,
      profile: "fast",
      leadership: "lease",
      groupSize: Fleet.servers
    }))
  )
  return Fleet.live(Effect.provide(program(address), layers))
}
