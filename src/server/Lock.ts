/**
 * A lock of the group: at most one effect runs under it, on any server, at any instant of true time. For `leadership: lease`.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Name from "../protocol/model/Name.ts"
import * as DurationText from "../settings/DurationText.ts"
import type * as Settings from "../settings/Settings.ts"
import { agreement } from "../settings/Settings.ts"
import * as Spelling from "../settings/Spelling.ts"
import { waitOf } from "../settings/Wait.ts"
import * as Expiry from "./Expiry.ts"
import * as Grant from "./Grant.ts"
import type * as Holds from "./Holds.ts"
import type * as ServerEngine from "./ServerEngine.ts"

/**
 * The lock was not free in time. Nothing was run. `held`: others had it, or may have had it; `noLeader`: nobody led who could grant it.
 *
 * @category errors
 * @since 0.1.0
 */
export class LockTimeout extends Schema.TaggedError<LockTimeout>()("LockTimeout", {
  name: Schema.String,
  within: Schema.Finite,
  reason: Schema.Literals(["held", "noLeader"])
}) {
  override get message() {
    const why = this.reason === "held" ? "others hold it" : "nobody leads"
    return `the lock ${Name.quoted(this.name)} was not granted within ${
      DurationText.format(Duration.millis(this.within))
    }: ${why}`
  }
}

/**
 * How a lock is taken.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** How long it is waited for, 1 ms or more: without end unless set. */
  readonly within?: Duration.Input | undefined
  /**
   * For how long the lock of a server that was killed or cut off stays taken: 4 x `leaseDuration` unless set; from
   * 3 x `stopTimeout` to 1 hour. The same on all servers, or the lock is refused (`differs`). While no leader answers for
   * that long, less `stopTimeout`, the effect is interrupted: below 2 x `leaseDuration` a failover can do that.
   */
  readonly expiry?: Duration.Input | undefined
}

/**
 * Why an effect did not run under a lock, or not to its end.
 *
 * @category errors
 * @since 0.1.0
 */
export type LockError = LockTimeout | Grant.GrantLost | Grant.GrantsRefused

/**
 * The operations of the service `Lock`.
 *
 * @category models
 * @since 0.1.0
 */
export interface LockShape {
  /**
   * Waits for a lock, then runs an effect under it, with the {@link Grant.Grant} in its context, and lets the lock go when the
   * effect has ended: its finalizers too, and however it ended.
   *
   * - Each run is one of its own that waits for all others: two fibers of one server too. A lock that is taken again within the
   *   effect waits for itself.
   * - Who came first to the leader is first. A new leader grants what is free one `expiry` after it has begun, in the order in
   *   which those who wait have come to it.
   * - Who gives up, by `within` or by interruption, waits no more, and a grant that was under way is given back at once.
   * - The effect is interrupted `stopTimeout` before the grant is over by the clock, as soon as the lock is another's, or when this
   *   server leaves; then this fails with {@link Grant.GrantLost}, once the effect has ended. An effect that overruns
   *   `stopTimeout` is logged, and its lock is free when its time is over by the clock.
   *
   * As with any lease, an effect that cannot be interrupted, or that was frozen, may go on for a moment when others hold the lock:
   * pass the token of the grant to a store that refuses a lower one.
   *
   * A name is 1 to 100 bytes of text, with no blank or quote at either end and nothing invisible. A server holds and waits for 1,024
   * locks and partitions at once. Unknown options, and values that are not allowed, are defects.
   */
  readonly withLock: (name: string, options?: Options) => <A, E, R>(
    effect: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | LockError, Exclude<R, Grant.Grant>>
}

/**
 * The locks of the one group of an app.
 *
 * @category services
 * @since 0.1.0
 */
export class Lock extends Context.Service<Lock, LockShape>()("bellwether/server/Lock") {}

/**
 * Runs an effect under a lock of the one group of an app; see {@link LockShape.withLock}.
 *
 * ```ts
 * import { Grant, Lock } from "bellwether"
 * import * as Effect from "effect/Effect"
 *
 * declare const append: (line: string, token: string) => Effect.Effect<void>
 *
 * export const report = Lock.withLock("report", { within: "10 seconds" })(
 *   Effect.flatMap(Grant.Grant, ({ token }) => append("all is well", token))
 * )
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const withLock = (name: string, options?: Options) =>
<A, E, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E | LockError, Lock | Exclude<R, Grant.Grant>> =>
  Effect.flatMap(Lock, (lock) => lock.withLock(name, options)(effect))

/** The one resource of a lock. */
const resource = 0

/** Waits until the lock is held. A grant that was over before it was seen is no grant: then it waits for the next. */
const granted = Effect.fnUntraced(function*({ events, release, token }: Holds.Hold, name: string) {
  let last = ""
  while (true) {
    const event = yield* Queue.take(events)
    if (event._tag === "HoldRefused") {
      const reason = ({ Differs: "differs", Full: "full", Left: "left" } as const)[event.why]
      return yield* new Grant.GrantsRefused({ name, reason })
    }
    if (event._tag === "EndGrant") yield* release(new Map([[resource, last]]))
    else if ((yield* token(resource)) === event.token) return event.token
    else last = event.token
  }
})

/** Waits until the effect must be ended. */
const ending = ({ events }: Holds.Hold) =>
  Effect.repeat(Queue.take(events), { until: ({ _tag }) => _tag === "EndGrant" })

/**
 * The locks of a server.
 *
 * @internal
 */
export const make = (
  { hold, state }: Pick<ServerEngine.ServerEngine, "hold" | "state">,
  settings: Pick<Settings.Settings, "stopTimeout"> & Parameters<typeof agreement>[0]
): LockShape => {
  const { stopTimeout } = settings
  const lease = agreement(settings)

  /** The lock is free when its time is over by the clock, even while something still runs. */
  const overrun = ({ end }: Holds.Hold, name: string) =>
    Effect.sleep(stopTimeout).pipe(
      Effect.andThen(end(false)),
      Effect.andThen(Effect.logWarning(
        `what runs under the lock ${Name.quoted(name)} has not ended within stopTimeout: others may have the lock now`
      ))
    )

  /** Runs the effect until it or the grant ends. */
  const under = <A, E, R>(
    held: Holds.Hold,
    { name, scope, token }: { readonly name: string; readonly token: string; readonly scope: Scope.Scope },
    effect: Effect.Effect<A, E, R>
  ): Effect.Effect<A, E | Grant.GrantLost, Exclude<R, Grant.Grant>> => {
    const isCurrent = Effect.map(held.token(resource), (current) => current === token)
    const lost = ending(held).pipe(
      // It takes no new grant while what runs under this one may not have ended.
      Effect.andThen(held.want({ wanted: [], weight: 1 })),
      Effect.andThen(Effect.forkIn(overrun(held, name), scope)),
      Effect.andThen(Effect.fail(new Grant.GrantLost({ name, resource, token })))
    )
    return Effect.raceFirst(Effect.provideService(effect, Grant.Grant, { name, resource, token, isCurrent }), lost)
  }

  return {
    withLock: (name, options = {}) =>
      Effect.fnUntraced(function*<A, E, R>(effect: Effect.Effect<A, E, R>) {
        yield* Effect.orDie(Spelling.refuseUnknown(options, ["within", "expiry"]))
        const within = yield* Effect.orDie(waitOf("within", options.within, Duration.infinity))
        yield* Grant.named(name)
        if (lease === null) return yield* new Grant.GrantsRefused({ name, reason: "bully" })
        const expiry = yield* Effect.orDie(Expiry.expiryOf(options.expiry, lease, stopTimeout))
        const timeout = Effect.flatMap(state, ({ election }) =>
          Effect.fail(
            new LockTimeout({
              name,
              within: Math.round(Duration.toMillis(within)),
              reason: election.reign === null ? "noLeader" : "held"
            })
          ))
        return yield* Effect.acquireUseRelease(
          hold({ space: `lock ${name}`, count: 1, expiry, wanted: [resource], weight: 1 }),
          (held) =>
            granted(held, name).pipe(
              Effect.timeoutOrElse({ duration: within, orElse: () => timeout }),
              Effect.flatMap((token) => Effect.scopedWith((scope) => under(held, { name, token, scope }, effect)))
            ),
          ({ end }) => end(true)
        )
      })
  }
}
