/**
 * Effect Cluster with no database: the group itself knows the runners and who holds a shard.
 *
 * It runs on a group that elects by `lease`. Messages are volatile unless there is a `MessageStorage` that keeps them: without one
 * there are no persisted messages, and no durable workflows.
 *
 * @since 0.1.0
 */
export { ClusterRefused, LocksExpired, NotGranted, ShardLockLost } from "./cluster/ClusterError.ts"
export { ShardLocks, type ShardLocksShape } from "./cluster/ShardLocks.ts"
export { layerStorage } from "./cluster/Storage.ts"
