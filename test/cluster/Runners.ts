/** A simulated group whose servers are runners of a cluster. */
import * as Runner from "effect/cluster/Runner"
import * as RunnerAddress from "effect/cluster/RunnerAddress"
import type * as RunnerHealth from "effect/cluster/RunnerHealth"
import type * as RunnerStorage from "effect/cluster/RunnerStorage"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Cluster from "../../src/Cluster.ts"
import * as Server from "../../src/server/Server.ts"
import type * as Settings from "../../src/settings/Settings.ts"
import * as SimulatedGroup from "../../src/testing/SimulatedGroup.ts"

/** Leases of 1.5 s, locks of 6 s. */
export const settings = (index: number): Settings.Options => ({
  profile: "fast",
  leadership: "lease",
  groupSize: 3,
  name: `s${index}`
})

export const addressAt = (index: number) => RunnerAddress.make(`10.0.0.${index + 1}`, 34_431)

export const runnerAt = (index: number) => Runner.make({ address: addressAt(index), groups: ["default"], weight: 1 })

export const configAt = (
  index: number,
  config: Partial<ShardingConfig.ShardingConfig["Service"]> = {}
): ShardingConfig.ShardingConfig["Service"] => ({
  ...ShardingConfig.defaults,
  runnerAddress: Option.some(addressAt(index)),
  shardLockExpiration: "6 seconds",
  ...config
})

/** The services of one runner. */
export type Services = RunnerStorage.RunnerStorage | RunnerHealth.RunnerHealth | Cluster.ShardLocks

/** The storage of a runner on this server. */
export const build = (
  server: Server.ServerShape,
  index: number,
  config?: Partial<ShardingConfig.ShardingConfig["Service"]>
) =>
  Layer.build(Cluster.layerStorage).pipe(
    Effect.provideContext(Context.add(Server.services(server), ShardingConfig.ShardingConfig, configAt(index, config)))
  )

/** Runs something while time passes. */
export const during = Effect.fnUntraced(
  function*<A, E>(group: SimulatedGroup.SimulatedGroup, effect: Effect.Effect<A, E>) {
    const fiber = yield* Effect.forkChild(effect, { startImmediately: true })
    yield* group.until("it has ended", Effect.sync(() => fiber.pollUnsafe() !== undefined), { within: "1 minute" })
      .pipe(Effect.orDie)
    return yield* Fiber.await(fiber)
  }
)

/** What a test says of a group of runners. */
export interface Options {
  readonly seed?: string
  readonly settings?: (index: number) => Settings.Options
  readonly config?: (index: number) => Partial<ShardingConfig.ShardingConfig["Service"]>
}

/** Three servers, each with its storage, in a group that grants. */
export const groupOf = Effect.fnUntraced(function*(options: Options = {}) {
  const built = new Map<number, Context.Context<Services>>()
  const group = yield* SimulatedGroup.make({
    servers: 3,
    seed: options.seed ?? "cluster",
    settings: options.settings ?? settings,
    app: (server, index) =>
      build(server, index, options.config?.(index)).pipe(
        Effect.tap((services) => Effect.sync(() => built.set(index, services))),
        Effect.andThen(Effect.never)
      )
  })
  yield* group.settle({ within: "1 minute" })
  return { group, services: (index: number) => built.get(index)! }
})
