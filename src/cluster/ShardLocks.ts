/**
 * The locks of shards for handlers of entities: what an entity does is checked against the clock, and fenced by a token.
 *
 * @since 0.1.0
 */
import * as Entity from "effect/cluster/Entity"
import type * as ShardId from "effect/cluster/ShardId"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { ShardLockLost } from "./ClusterError.ts"

/**
 * The operations of the service `ShardLocks`.
 *
 * @category models
 * @since 0.1.0
 */
export interface ShardLocksShape {
  /**
   * The token of a shard's lock, if this runner holds that by the clock. It is a text whose order is the order of owners of that
   * shard, also when the leader changes: hand it to a store that refuses a lower one than it has seen.
   */
  readonly token: (shard: ShardId.ShardId) => Effect.Effect<string, ShardLockLost>
  /** Whether this runner holds the lock of a shard, by the clock. */
  readonly isHeld: (shard: ShardId.ShardId) => Effect.Effect<boolean>
}

/**
 * The locks of shards that this runner holds, by its clock.
 *
 * `Sharding` itself asks no clock: a handler goes on where it was after its process was frozen, until the next refresh of the
 * locks, which is `shardLockRefreshInterval` later at most.
 *
 * ```ts
 * import { ShardLockLost, ShardLocks } from "bellwether/Cluster"
 * import { Effect } from "effect"
 * import * as Entity from "effect/cluster/Entity"
 * import * as Rpc from "effect/rpc/Rpc"
 *
 * declare const write: (entity: string, token: string) => Effect.Effect<void>
 *
 * const Order = Entity.make("Order", [Rpc.make("Pay", { error: ShardLockLost })])
 *
 * export const layer = Order.toLayer(Effect.gen(function*() {
 *   const { entityId, shardId } = yield* Entity.CurrentAddress
 *   const { token } = yield* ShardLocks
 *   return { Pay: () => Effect.flatMap(token(shardId), (token) => write(entityId, token)) }
 * }))
 * ```
 *
 * @category services
 * @since 0.1.0
 */
export class ShardLocks extends Context.Service<ShardLocks, ShardLocksShape>()("bellwether/cluster/ShardLocks") {
  /** Within a handler: the token of the lock under which its entity runs. */
  static readonly token: Effect.Effect<string, ShardLockLost, ShardLocks | Entity.CurrentAddress> = Effect.gen(
    function*() {
      const { shardId } = yield* Entity.CurrentAddress
      const { token } = yield* ShardLocks
      return yield* token(shardId)
    }
  )

  /**
   * Within a handler: runs the effect if the lock of its entity's shard is held by the clock. It asks before, not during: only the
   * token can fence what is done in the instant after a freeze.
   */
  static readonly guard = <A, E, R>(
    effect: Effect.Effect<A, E, R>
  ): Effect.Effect<A, E | ShardLockLost, R | ShardLocks | Entity.CurrentAddress> =>
    Effect.andThen(ShardLocks.token, effect)
}
