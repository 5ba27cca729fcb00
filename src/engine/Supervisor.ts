/** Keeps a server's loops alive and tells of their deaths: an Effect fiber that dies is silent by default. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import { GroupFailed, maxDeaths } from "./GroupFailed.ts"

const minute = Duration.minutes(1)
const longestBackoff = Duration.seconds(2)

/** The supervisor of the fibers of one server. */
export interface Supervisor {
  /**
   * Runs a loop in the background until the scope closes. If it ends before, by a defect, by an interruption of what it
   * waits for, or by itself, that is reported and it is started again after a while.
   */
  readonly keep: (fiber: string, loop: Effect.Effect<unknown>) => Effect.Effect<void, never, Scope.Scope>
  /** Runs an effect that is not a loop, such as a timer's: its death is told and counted, its interruption is not. */
  readonly guard: (fiber: string, effect: Effect.Effect<unknown>) => Effect.Effect<void>
  /** Gives up for a fault of the app's: `failed` fails. */
  readonly giveUp: (what: string, cause: unknown) => Effect.Effect<void>
  /** Fails once there were five deaths within a minute, or it was given up. */
  readonly failed: Effect.Effect<never, GroupFailed>
}

/** Makes a supervisor for one server. `onDeath` hears of each death, with their number in the last minute. */
export const make = Effect.fnUntraced(function*(
  onDeath: (fiber: string, cause: string, deaths: number) => Effect.Effect<void>
): Effect.fn.Return<Supervisor> {
  const clock = yield* Clock.Clock
  const failed = yield* Deferred.make<never, GroupFailed>()
  let deaths: ReadonlyArray<number> = []
  const died = Effect.fnUntraced(function*(fiber: string, cause: Cause.Cause<never>) {
    const now = Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    deaths = [...deaths.filter((at) => now - at < Duration.toMillis(minute)), now].slice(-maxDeaths)
    yield* Effect.logError("a fiber died of a defect", cause).pipe(Effect.annotateLogs({ fiber }))
    yield* onDeath(fiber, Cause.pretty(cause).split("\n")[0] ?? "", deaths.length)
    if (deaths.length >= maxDeaths) {
      yield* Deferred.fail(failed, new GroupFailed({ fiber, cause: Cause.squash(cause) }))
    }
    return deaths.length
  })
  const keep = Effect.fnUntraced(function*(fiber: string, loop: Effect.Effect<unknown>) {
    const scope = yield* Effect.scope
    yield* Effect.gen(function*() {
      while (true) {
        const exit = yield* Effect.exit(loop)
        // The loop's resources may have ended with the scope just before it.
        if (scope.state._tag === "Closed") return
        const soFar = yield* died(fiber, Exit.isSuccess(exit) ? Cause.die(new Error("it ended by itself")) : exit.cause)
        yield* Effect.sleep(Duration.min(Duration.millis(50 * 2 ** soFar), longestBackoff))
      }
    }).pipe(Effect.forkScoped({ startImmediately: true }))
  })
  return {
    keep,
    guard: (fiber, effect) =>
      Effect.catchCauseIf(
        Effect.asVoid(effect),
        // When its scope ends, a fiber that it would start ends as interrupted. That is no defect.
        (cause) => !Cause.hasInterruptsOnly(cause),
        (cause) => Effect.asVoid(died(fiber, cause))
      ),
    giveUp: (what, cause) =>
      Effect.asVoid(Deferred.fail(failed, new GroupFailed({ fiber: what, cause, isGivenUp: true }))),
    failed: Deferred.await(failed)
  }
})
