/**
 * What Effect Cluster asks of a storage of runners, answered by the group: no database knows who holds a shard, but the leader and
 * the holders.
 *
 * @since 0.1.0
 */
import { PersistenceError } from "effect/cluster/ClusterError"
import * as MachineId from "effect/cluster/MachineId"
import * as Runner from "effect/cluster/Runner"
import * as RunnerHealth from "effect/cluster/RunnerHealth"
import * as RunnerStorage from "effect/cluster/RunnerStorage"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { maxExpiry } from "../protocol/model/GrantMessages.ts"
import * as Group from "../server/Group.ts"
import * as Members from "../server/Members.ts"
import * as Sessions from "../server/Sessions.ts"
import * as DurationText from "../settings/DurationText.ts"
import { shown } from "../settings/SettingRefused.ts"
import { ClusterRefused } from "./ClusterError.ts"
import * as Locks from "./Locks.ts"
import * as MachineIds from "./MachineIds.ts"
import * as Places from "./Places.ts"
import * as Registrations from "./Registrations.ts"
import { ShardLocks } from "./ShardLocks.ts"

type Config = ShardingConfig.ShardingConfig["Service"]

/**
 * The storage of runners, their health, and the locks of shards, of the group's leader and of the runners themselves.
 *
 * - `register` fails while nobody leads, and for `shardLockExpiration` after a change of the leader: `Sharding` tries again
 *   each second.
 * - A runner is in `getRunners` as long as its server is a member that says so; views of two servers may differ for a moment, and the
 *   locks decide. What others think of its health (`setRunnerHealth`) is not kept: `RunnerHealth` is whether it is there.
 * - `acquire` answers nothing while nobody leads, and for `shardLockExpiration` after a change of the leader.
 * - `refresh` dies with `LocksExpired` where a lock is held no more. It fails where the leader does not answer, and the locks may
 *   not last until the next refresh.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerStorage: Layer.Layer<
  RunnerStorage.RunnerStorage | RunnerHealth.RunnerHealth | ShardLocks,
  ClusterRefused,
  Group.Group | Members.Members | Sessions.Sessions | ShardingConfig.ShardingConfig
> = Layer.effectContext(Effect.suspend(() => make))

const make = Effect.gen(function*() {
  const config = yield* ShardingConfig.ShardingConfig
  const group = yield* Group.Group
  const members = yield* Members.Members
  const sessions = yield* Sessions.Sessions
  const { expiry, interval } = yield* checked(config, sessions)
  const groups = config.availableShardGroups.filter((group) => config.assignedShardGroups.includes(group))
  const { id, incarnation } = yield* group.self
  const within = Locks.patience(interval)
  const machine = yield* MachineIds.make(sessions, { expiry, seed: `${id} ${incarnation}`, within })
  const locks = yield* Locks.make(
    sessions,
    { expiry, groups, interval, shardsPerGroup: config.shardsPerGroup },
    machine.confirm
  )
  const registrations = yield* Registrations.make({ group, members }, interval)
  return services({ locks, machine, registrations })
})

const services = ({ locks, machine, registrations }: {
  readonly locks: Locks.Locks
  readonly machine: MachineIds.MachineId
  readonly registrations: Registrations.Registrations
}) => {
  let own: Runner.Runner | null = null
  // A runner whose machine id is lost registers anew, for which it must not see itself.
  const runners = Effect.gen(function*() {
    const others = yield* registrations.others
    const self = own !== null && (yield* machine.isHeld) ? [own] : []
    return [...self, ...others].map((runner) => [runner, true] as const)
  })
  const storage = RunnerStorage.RunnerStorage.of({
    register: (runner) =>
      PersistenceError.refail(
        Effect.tap(
          Effect.map(machine.acquire, MachineId.make),
          () => Effect.andThen(Effect.sync(() => own = runner), registrations.register(runner))
        )
      ),
    unregister: () => Effect.andThen(Effect.sync(() => own = null), registrations.register(null)),
    getRunners: runners,
    setRunnerHealth: () => Effect.void,
    acquire: (_, shards) => locks.acquire(shards),
    refresh: (_, shards) => Effect.mapError(locks.refresh(shards), (cause) => new PersistenceError({ cause })),
    release: (_, shard) => locks.release(shard),
    releaseAll: () => locks.releaseAll
  })
  return Context.make(RunnerStorage.RunnerStorage, storage).pipe(
    Context.add(
      RunnerHealth.RunnerHealth,
      RunnerHealth.RunnerHealth.of({
        isAlive: (address) =>
          Effect.map(runners, (all) => all.some(([runner]) => Equal.equals(runner.address, address)))
      })
    ),
    Context.add(ShardLocks, { token: locks.token, isHeld: (shard) => Effect.isSuccess(locks.token(shard)) })
  )
}

/** The times that shards' locks go by, if a cluster can run so. */
const checked = Effect.fnUntraced(function*(
  config: Config,
  { lease, stopTimeout }: Sessions.SessionsShape
): Effect.fn.Return<{ readonly expiry: number; readonly interval: Duration.Duration }, ClusterRefused> {
  if (lease === null) {
    return yield* new ClusterRefused({ reason: "bully", was: "bully", allowed: "leadership: lease" })
  }
  const expiration = Duration.fromInputUnsafe(config.shardLockExpiration)
  const expiry = Math.round(Duration.toMillis(expiration))
  const least = Math.max(100, 4 * Duration.toMillis(stopTimeout))
  if (expiry < least || expiry > maxExpiry) {
    const range = `${DurationText.format(Duration.millis(least))} to ${DurationText.format(Duration.millis(maxExpiry))}`
    return yield* new ClusterRefused({
      reason: "expiration",
      was: shown(expiration),
      allowed: `${range}, at least 4 x stopTimeout`
    })
  }
  yield* checkGroups(config)
  const refresh = Duration.fromInputUnsafe(config.shardLockRefreshInterval)
  return { expiry, interval: Duration.min(refresh, Duration.divideUnsafe(expiration, 3)) }
})

const checkGroups = Effect.fnUntraced(function*(config: Config): Effect.fn.Return<void, ClusterRefused> {
  const { availableShardGroups, runnerAddress, runnerShardWeight, shardsPerGroup } = config
  if (shardsPerGroup > Places.limits.shardsPerGroup) {
    return yield* new ClusterRefused({
      reason: "groups",
      was: `${shardsPerGroup} shards in each group`,
      allowed: `1 to ${Places.limits.shardsPerGroup}`
    })
  }
  const long = availableShardGroups.find((group) => !Places.isGroup(group))
  if (long !== undefined) {
    return yield* new ClusterRefused({
      reason: "groups",
      was: `a shard group ${shown(long)}`,
      allowed: `names of 1 to ${Places.limits.groupBytes} bytes`
    })
  }
  const address = Option.getOrUndefined(runnerAddress)
  if (address === undefined) return
  const runner = Runner.make({ address, groups: config.assignedShardGroups, weight: runnerShardWeight })
  if (!Registrations.fits(runner)) {
    return yield* new ClusterRefused({
      reason: "groups",
      was: `${config.assignedShardGroups.length} shard groups`,
      allowed: `as many as fit ${Registrations.maxBytes} bytes with its address`
    })
  }
})
