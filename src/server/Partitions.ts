/**
 * Partitions that are held: the work of a group is split into a fixed number of partitions, each partition is held by one server
 * at any instant, and each server holds its share.
 *
 * The leader grants them, in the mode `leadership: "lease"` only. Which server should hold a partition is decided by rendezvous
 * hashing, as with the owners of keys, but none takes one before the one that held it has let it go or its time is over by the clock.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import * as Latest from "../engine/Latest.ts"
import * as Partitioning from "../protocol/grants/Partitioning.ts"
import { maxWeight } from "../protocol/model/GrantMessages.ts"
import type * as Member from "../protocol/model/Member.ts"
import { maxCount } from "../protocol/model/Resources.ts"
import { SettingRefused, shown } from "../settings/SettingRefused.ts"
import * as Spelling from "../settings/Spelling.ts"
import { expiryOf } from "./Expiry.ts"
import { type Grant, GrantsRefused, named } from "./Grant.ts"
import * as PartitionWork from "./PartitionWork.ts"
import type * as ServerEngine from "./ServerEngine.ts"
import * as Singleton from "./Singleton.ts"

export type { Options as WorkOptions } from "./Singleton.ts"

/**
 * What partitions are made with.
 *
 * All servers must give one name the same `count`, 1 to 1,024, and the same `expiry`. Only `weight` may differ.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** 1 to 100 bytes of text. */
  readonly name: string
  readonly count: number
  /** How large the share of this server is beside the others': 1 unless set, 0 to 1,000,000, a whole number. With 0 it holds none. */
  readonly weight?: number | undefined
  /**
   * For how long a server that says nothing more keeps what it holds: `4 x leaseDuration` unless set, 1 h at most. A change of the
   * leader takes about `1.2 x leaseDuration`; work goes on through it if it takes less than two thirds of the expiry. It must be
   * three times `stopTimeout` or more.
   */
  readonly expiry?: Duration.Input | undefined
}

/**
 * The partitions of one name, as one server holds them.
 *
 * @category models
 * @since 0.1.0
 */
export interface Space {
  readonly name: string
  readonly count: number
  /**
   * The partition, from 0, that a key belongs to: the first 32 bits of the SHA-256 of its UTF-8, modulo `count`. The same on every
   * server and in every version.
   */
  readonly partitionOf: (key: string) => number
  /**
   * The partitions that are held here, in ascending order: as they are now, and after each change. A partition is in it from its grant
   * until its work is told to end. A slow reader loses older ones, never the newest. Ends with the scope of {@link make}.
   */
  readonly owned: Stream.Stream<ReadonlyArray<number>>
  /**
   * Takes this server's share of the partitions, runs `work` for each that is held, with its `Grant` in the context, and never
   * ends by itself.
   *
   * - Work is interrupted when its partition moves to another server, or `stopTimeout` before its time is over by the clock. The
   *   partition is let go when the work has ended, finalizers included: so another server starts its work after that, or after the
   *   time is over. Work that overruns `stopTimeout` is logged, and its partition is not let go before it ends.
   * - A new grant of a partition waits until its work under an earlier grant has ended.
   * - Work that fails is logged, and started again by a schedule as that of a singleton: always, after 250 ms, then twice as long each
   *   time, 30 s at most, unless `options` say otherwise. When the schedule is exhausted all work ends, other servers take the
   *   partitions, and this fails with the last cause. Work that succeeds is done, for this grant: the partition stays here.
   * - Interrupting it ends all work, waits for that for `stopTimeout` at most, and gives the partitions up.
   * - While others of the group use the name with another count or expiry, or too much is held, nothing is held here. That is
   *   logged, and asked again.
   *
   * Asked for twice at once on one server for one name it is a defect, and so are unknown options.
   */
  readonly whileOwner: <A, E, R, R2 = never>(
    work: (partition: number) => Effect.Effect<A, E, R>,
    options?: Singleton.Options<E, R2>
  ) => Effect.Effect<never, E, Exclude<R | R2, Grant>>
}

/**
 * The operations of the service `Partitions`.
 *
 * @category models
 * @since 0.1.0
 */
export interface PartitionsShape {
  /**
   * Partitions of a name. Nothing is held before {@link Space.whileOwner} runs. Fails where the servers elect without leases, where
   * the name may not be one, or an option has a value that is not allowed.
   */
  readonly make: (options: Options) => Effect.Effect<Space, GrantsRefused | SettingRefused, Scope.Scope>
}

/**
 * The partitions that the one group of an app holds.
 *
 * @category services
 * @since 0.1.0
 */
export class Partitions extends Context.Service<Partitions, PartitionsShape>()("bellwether/server/Partitions") {}

/**
 * Partitions of a name in the one group of an app; see {@link PartitionsShape.make}.
 *
 * ```ts
 * import { Partitions } from "bellwether"
 * import { Effect } from "effect"
 *
 * declare const serve: (partition: number) => Effect.Effect<void, Error>
 *
 * export const orders = Effect.gen(function*() {
 *   const { whileOwner } = yield* Partitions.make({ name: "orders", count: 64 })
 *   return yield* whileOwner(serve)
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options: Options
): Effect.Effect<Space, GrantsRefused | SettingRefused, Partitions | Scope.Scope> =>
  Effect.flatMap(Partitions, (partitions) => partitions.make(options))

/**
 * The service of a server.
 *
 * @internal
 */
export const over = (
  engine: Pick<ServerEngine.ServerEngine, "hold" | "state">,
  stopTimeout: Duration.Duration,
  about: { readonly group: string; readonly node: Member.NodeId }
): PartitionsShape => {
  const all = new Map<string, PartitionWork.Runs>()
  const runsOf = (name: string): PartitionWork.Runs => {
    const runs = all.get(name) ?? PartitionWork.none()
    all.set(name, runs)
    return runs
  }
  return {
    make: Effect.fnUntraced(function*(options) {
      yield* Spelling.refuseUnknown(options, ["name", "count", "weight", "expiry"])
      const { phase, timing: { lease } } = yield* engine.state
      const name = yield* named(options.name)
      if (lease === null) return yield* new GrantsRefused({ name, reason: "bully" })
      if (phase === "Leaving" || phase === "Left") return yield* new GrantsRefused({ name, reason: "left" })
      const count = yield* whole("count", options.count, [1, maxCount])
      const weight = yield* whole("weight", options.weight ?? 1, [0, maxWeight])
      const expiry = yield* expiryOf(options.expiry, lease, stopTimeout)
      const owned = yield* Latest.make<ReadonlyArray<number>>([])
      const parts: PartitionWork.Parts = {
        name,
        open: engine.hold({ space: `partitions ${name}`, count, expiry, wanted: null, weight }),
        running: runsOf(name),
        stopTimeout,
        owned: owned.set,
        about
      }
      return {
        name,
        count,
        partitionOf: (key) => Partitioning.partitionOf(key, count),
        owned: owned.changes,
        whileOwner: (work, options = {}) =>
          Effect.andThen(
            Effect.orDie(Singleton.check(options)),
            Effect.suspend(() => PartitionWork.whileOwner(parts, work, options))
          )
      } satisfies Space
    })
  }
}

const refuse = (option: string, was: unknown, allowed: string) =>
  Effect.fail(new SettingRefused({ setting: option, as: option, was: shown(was), allowed }))

const whole = (option: string, value: number, [least, most]: readonly [number, number]) =>
  Number.isInteger(value) && value >= least && value <= most
    ? Effect.succeed(value)
    : refuse(option, value, `a whole number from ${least} to ${most}`)
