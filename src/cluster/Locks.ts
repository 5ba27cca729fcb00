/**
 * The locks of shards that one runner holds, by its clock and by the word of the leader.
 *
 * A lock that is lost is never missing from an answer: `Sharding` would let the entities of its shards go on for 15 s. To refresh it
 * is a defect, which ends them at once.
 */
import * as ShardId from "effect/cluster/ShardId"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Sessions from "../server/Sessions.ts"
import * as Claims from "./Claims.ts"
import { LocksExpired, NotGranted, ShardLockLost } from "./ClusterError.ts"
import * as Places from "./Places.ts"

/** The locks of one runner. */
export interface Locks {
  /** Those of the asked that are held now. Where there is no leader, or it is new, these are none. */
  readonly acquire: (shards: Iterable<ShardId.ShardId>) => Effect.Effect<Array<ShardId.ShardId>>
  /** Those of the asked that were not let go, once the leader has answered. It dies with `LocksExpired` where one is lost. */
  readonly refresh: (shards: Iterable<ShardId.ShardId>) => Effect.Effect<Array<ShardId.ShardId>, NotGranted>
  readonly release: (shard: ShardId.ShardId) => Effect.Effect<void>
  readonly releaseAll: Effect.Effect<void>
  /** The token of a lock that lasts by the clock. */
  readonly token: (shard: ShardId.ShardId) => Effect.Effect<string, ShardLockLost>
}

/** What locks go by. */
export interface Terms {
  /** The shard groups of this runner. */
  readonly groups: ReadonlyArray<string>
  readonly shardsPerGroup: number
  /** `shardLockExpiration`, in ms. */
  readonly expiry: number
  /** How often `Sharding` refreshes, and for how long it waits for an answer. */
  readonly interval: Duration.Duration
}

/** For how long the leader is waited for, so that `Sharding` has the answer in time. */
export const patience = (interval: Duration.Duration): Duration.Duration =>
  Duration.subtract(interval, Duration.min(Duration.millis(50), Duration.times(interval, 0.1)))

/** Shards of one space, by their resources, and the claims of that space. */
interface InClaims {
  readonly claims: Claims.Claims
  readonly shards: ReadonlyMap<number, ShardId.ShardId>
}

/** The shards of these that were not let go, and for how many ms the first of them is held. It dies where one is lost. */
const check = Effect.fnUntraced(function*(all: ReadonlyArray<InClaims>, stopTimeout: number) {
  const held: Array<ShardId.ShardId> = []
  const lost: Array<string> = []
  let left = Infinity
  for (const { claims, shards } of all) {
    const leftOf = yield* claims.left
    for (const [resource, shard] of shards) {
      const lasts = leftOf(resource)
      if (lasts === null) continue
      if (lasts <= stopTimeout) lost.push(ShardId.toString(shard))
      held.push(shard)
      left = Math.min(left, lasts)
    }
  }
  if (lost.length > 0) return yield* Effect.die(new LocksExpired({ shards: lost }))
  return { held, left }
})

const acquire = ({ claims, shards }: InClaims, within: Duration.Duration) =>
  Effect.map(
    claims.acquire([...shards.keys()], within),
    ({ tokens }) => [...shards].flatMap(([resource, shard]) => tokens.has(resource) ? [shard] : [])
  )

const noAnswer = new NotGranted({ what: "the locks of shards", reason: "noAnswer", again: 0 })

/** The locks of one runner. `probe` says whether the leader answers where no lock is held. */
export const make = Effect.fnUntraced(function*(
  sessions: Sessions.SessionsShape,
  { expiry, groups, interval, shardsPerGroup }: Terms,
  probe: Claims.Claims["confirm"]
): Effect.fn.Return<Locks, never, Scope.Scope> {
  const spaces = new Map<string, Claims.Claims>()
  for (const { count, name } of Places.spaces(groups, shardsPerGroup)) {
    spaces.set(name, yield* Claims.make(sessions, { space: name, count, expiry }))
  }
  const inClaims = (shards: Iterable<ShardId.ShardId>): ReadonlyArray<InClaims> =>
    Places.bySpace(shards, shardsPerGroup).flatMap(({ name, shards }) => {
      const claims = spaces.get(name)
      return claims === undefined ? [] : [{ claims, shards }]
    })
  const within = patience(interval)
  const stopTimeout = Duration.toMillis(sessions.stopTimeout)
  const each = <A>(all: ReadonlyArray<InClaims>, ask: (one: InClaims) => Effect.Effect<A>) =>
    Effect.forEach(all, ask, { concurrency: "unbounded" })
  const confirm = (all: ReadonlyArray<InClaims>, within: Duration.Duration) =>
    all.length === 0
      ? probe(within)
      : Effect.map(each(all, ({ claims }) => claims.confirm(within)), (answers) => answers.every(Boolean))
  return {
    acquire: (shards) => Effect.map(each(inClaims(shards), (one) => acquire(one, within)), (all) => all.flat()),
    refresh: Effect.fnUntraced(function*(shards) {
      const all = inClaims(shards)
      const { left } = yield* check(all, stopTimeout)
      const isConfirmed = yield* confirm(all, Duration.min(within, Duration.millis(left - stopTimeout)))
      const after = yield* check(all, stopTimeout)
      // What lasts beyond the next refresh is held without a word of the leader, while there is none.
      const lasts = all.length > 0 && after.left > Duration.toMillis(interval) + stopTimeout
      return isConfirmed || lasts ? after.held : yield* noAnswer
    }),
    release: (shard) =>
      Effect.asVoid(each(inClaims([shard]), ({ claims, shards }) => Effect.forEach(shards.keys(), claims.release))),
    releaseAll: Effect.forEach([...spaces.values()], (claims) => claims.releaseAll, { discard: true }),
    token: (shard) => {
      const [one] = inClaims([shard])
      const token = one === undefined ? Effect.succeed(null) : one.claims.token([...one.shards.keys()][0]!)
      const lost = () => new ShardLockLost({ shard: ShardId.toString(shard) })
      return Effect.filterOrFail(token, (token) => token !== null, lost)
    }
  }
})
