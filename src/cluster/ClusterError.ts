/**
 * Why a cluster does not run on a group, and why a shard may not be worked on.
 *
 * @since 0.1.0
 */
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"

/**
 * A cluster cannot run on this group as it is set. Nothing was registered. The message is one line that says what is allowed;
 * programs exit with 2.
 *
 * - `bully`: the servers elect by `leadership: bully`, under which two may lead while the network is split.
 * - `expiration`: `shardLockExpiration` is too short or too long.
 * - `address`: the runner's address is one that other hosts cannot reach.
 * - `groups`: a shard group has too long a name, or there are too many shards in one.
 *
 * @category errors
 * @since 0.1.0
 */
export class ClusterRefused extends Schema.TaggedError<ClusterRefused>()("ClusterRefused", {
  reason: Schema.Literals(["bully", "expiration", "address", "groups"]),
  was: Schema.String,
  allowed: Schema.String
}) {
  override readonly [Runtime.errorExitCode] = 2
  override get message() {
    switch (this.reason) {
      case "bully":
        return `a cluster cannot run with leadership: ${this.was}, since two servers may lead while the network is split; allowed: ${this.allowed}`
      case "expiration":
        return `shardLockExpiration is ${this.was}; allowed: ${this.allowed}`
      case "address":
        return `runnerAddress is ${this.was}; allowed: ${this.allowed}`
      case "groups":
        return `a runner has ${this.was}; allowed: ${this.allowed}`
    }
  }
}

/**
 * The lock of a shard is held no more, by the clock: nothing was run.
 *
 * @category errors
 * @since 0.1.0
 */
export class ShardLockLost extends Schema.TaggedError<ShardLockLost>()("ShardLockLost", { shard: Schema.String }) {
  override get message() {
    return `the lock of the shard ${this.shard} is held no more`
  }
}

/**
 * The locks of these shards are held no more. It is a defect of `RunnerStorage.refresh`, since `Sharding` does not try that again:
 * it ends all entities of this runner at once, without their time to end.
 *
 * @category errors
 * @since 0.1.0
 */
export class LocksExpired extends Schema.TaggedError<LocksExpired>()("LocksExpired", {
  shards: Schema.Array(Schema.String)
}) {
  override get message() {
    const first = this.shards.slice(0, 3).join(", ")
    const more = this.shards.length > 3 ? ` and ${this.shards.length - 3} more` : ""
    return `the locks of shards are held no more: ${first}${more}`
  }
}

/**
 * The leader has not answered in time, or grants nothing yet: tried again by `Sharding`. It is the cause of a `PersistenceError`.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotGranted extends Schema.TaggedError<NotGranted>()("NotGranted", {
  what: Schema.String,
  reason: Schema.Literals(["noAnswer", "recovering", "full"]),
  /** For how many ms more a new leader grants nothing; 0 where that is not the reason. */
  again: Schema.Finite
}) {
  override get message() {
    switch (this.reason) {
      case "noAnswer":
        return `no leader has answered about ${this.what}`
      case "recovering":
        return `the leader is new, and grants ${this.what} in ${this.again} ms`
      case "full":
        return `no room for ${this.what}`
    }
  }
}
