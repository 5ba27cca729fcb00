/**
 * How a runner is configured: as Effect Cluster is, with the times and the address of the server beside it where nothing is set.
 *
 * @since 0.1.0
 */
import * as RunnerAddress from "effect/cluster/RunnerAddress"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Holdings from "../protocol/grants/Holdings.ts"
import * as Ip from "../protocol/model/Ip.ts"
import * as Group from "../server/Group.ts"
import * as Sessions from "../server/Sessions.ts"
import { ClusterRefused } from "./ClusterError.ts"

/**
 * The configuration of a runner beside a server.
 *
 * @internal
 */
export const layer = (
  given: Partial<ShardingConfig.ShardingConfig["Service"]> = {}
): Layer.Layer<
  ShardingConfig.ShardingConfig,
  ClusterRefused | Config.ConfigError,
  Group.Group | Sessions.Sessions
> =>
  Layer.effect(
    ShardingConfig.ShardingConfig,
    Effect.gen(function*() {
      const { self } = yield* Group.Group
      const { lease } = yield* Sessions.Sessions
      const config = { ...yield* ShardingConfig.configFromEnv, ...given }
      const set = given.shardLockExpiration ?? Option.getOrUndefined(yield* expirationFromEnv)
      const usual = lease === null ? config.shardLockExpiration : Duration.millis(Holdings.defaultExpiry(lease))
      const { ip } = yield* self
      const runnerAddress = yield* addressOf(config, ip)
      return { ...config, shardLockExpiration: set ?? usual, runnerAddress: Option.some(runnerAddress) }
    })
  )

const expirationFromEnv = Effect.provideService(
  Config.option(Config.Duration("shardLockExpiration")),
  ConfigProvider.ConfigProvider,
  ConfigProvider.constantCase(ConfigProvider.fromEnv())
)

/** Where others reach this runner: at the address of the server, if none is set. */
const addressOf = (
  { runnerAddress }: ShardingConfig.ShardingConfig["Service"],
  ip: string
): Effect.Effect<RunnerAddress.RunnerAddress, ClusterRefused> => {
  const { host, port } = Option.getOrElse(runnerAddress, () => RunnerAddress.make("localhost", 34_431))
  const refuse = (was: string, allowed: string) => Effect.fail(new ClusterRefused({ reason: "address", was, allowed }))
  // What Effect Cluster takes where nothing is set.
  if (host !== "localhost") {
    return Ip.isLoopback(host) && !Ip.isLoopback(ip)
      ? refuse(host, `one that other hosts reach, such as ${ip}`)
      : Effect.succeed(RunnerAddress.make(host, port))
  }
  return ip.includes("%")
    ? refuse(ip, "one that means the same on all hosts: set runnerAddress")
    : Effect.succeed(RunnerAddress.make(ip, port))
}
