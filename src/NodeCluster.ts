/**
 * Effect Cluster with no database, on real sockets: a server of the group, and a runner beside it.
 *
 * @since 0.1.0
 */
import * as NodeClusterSocket from "@effect/platform-node/NodeClusterSocket"
import * as MessageStorage from "effect/cluster/MessageStorage"
import type * as Runners from "effect/cluster/Runners"
import type * as Sharding from "effect/cluster/Sharding"
import type * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as SocketRunner from "effect/cluster/SocketRunner"
import type * as Config from "effect/Config"
import * as Layer from "effect/Layer"
import * as RpcSerialization from "effect/rpc/RpcSerialization"
import type * as SocketServer from "effect/socket/SocketServer"
import type { ClusterRefused } from "./cluster/ClusterError.ts"
import * as RunnerConfig from "./cluster/RunnerConfig.ts"
import type { ShardLocks } from "./cluster/ShardLocks.ts"
import * as Storage from "./cluster/Storage.ts"
import * as NodeServer from "./NodeServer.ts"
import type * as Server from "./server/Server.ts"
import type * as Settings from "./settings/Settings.ts"

/**
 * What a runner is made with.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** The settings of its server, `leadership: "lease"` and `groupSize` among them: from `BELLWETHER_*` unless given. */
  readonly server?: Settings.Options | undefined
  /**
   * What is not given here is read from the environment, as `NodeClusterSocket.layer` does, but for these defaults:
   * `shardLockExpiration` is `4 x leaseDuration`, `shardLockRefreshInterval` a third of that, and the host of `runnerAddress` is the
   * address of the server. It must be the same on all runners, but for the address, the weight and the assigned groups.
   */
  readonly shardingConfig?: Partial<ShardingConfig.ShardingConfig["Service"]> | undefined
  /** How runners talk to each other: `binary` unless set. The same on all. */
  readonly serialization?: "binary" | "ndjson" | undefined
}

/**
 * Why a runner does not start.
 *
 * @category errors
 * @since 0.1.0
 */
export type ClusterError = Server.ServerError | ClusterRefused | Config.ConfigError | SocketServer.SocketServerError

/**
 * What a runner gives its app.
 *
 * @category models
 * @since 0.1.0
 */
export type Services = Sharding.Sharding | Runners.Runners | ShardLocks | Server.Services

/**
 * A server of the group and a runner, with a `MessageStorage` from outside: over SQL, messages are persisted and workflows
 * durable, and the database is spared the locks.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerWith = (
  options: Options = {}
): Layer.Layer<Services, ClusterError, MessageStorage.MessageStorage> =>
  SocketRunner.layer.pipe(
    Layer.provide([NodeClusterSocket.layerSocketServer, NodeClusterSocket.layerClientProtocol]),
    Layer.provideMerge(Storage.layerStorage),
    Layer.provide(RunnerConfig.layer(options.shardingConfig)),
    Layer.provide(
      options.serialization === "ndjson" ? RpcSerialization.layerNdjson : RpcSerialization.layerSchemaBinary()
    ),
    Layer.provideMerge(options.server === undefined ? NodeServer.layerConfig() : NodeServer.layer(options.server))
  )

/**
 * A server of the group and a runner, whose messages are volatile: a `Persisted` one is a defect, and there are no durable workflows.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options = {}
): Layer.Layer<Services | MessageStorage.MessageStorage, ClusterError> =>
  Layer.provideMerge(layerWith(options), MessageStorage.layerNoop)
