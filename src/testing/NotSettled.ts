/**
 * How long a test waits for a simulated run, and how a run that did not go as the test wants it tells its seed, which
 * repeats it.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"

/**
 * How long to wait. `within` is 1 minute unless set, and `step`, how much time passes between two looks, 10 ms. `among`
 * names the servers that matter: all that run unless set.
 *
 * @category models
 * @since 0.1.0
 */
export interface Wait {
  readonly within?: Duration.Input | undefined
  readonly step?: Duration.Input | undefined
  readonly among?: ReadonlyArray<number> | undefined
}

/**
 * What did not come to pass in time, with the seed that repeats it and a dump of all servers.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotSettled extends Schema.TaggedError<NotSettled>()("NotSettled", {
  what: Schema.String,
  within: Schema.Finite,
  seed: Schema.Union([Schema.Finite, Schema.String]),
  dump: Schema.String
}) {
  override get message() {
    return `not within ${this.within} ms: ${this.what} (seed ${this.seed})\n${this.dump}`
  }
}

/**
 * Logs the seed, and a dump of all servers, where a run ends by a failure that does not say them itself, such as an
 * assertion of a test.
 *
 * @internal
 */
export const tell = (
  exit: Exit.Exit<unknown, unknown>,
  { dump, now, seed }: {
    readonly seed: number | string
    readonly now: Effect.Effect<number>
    readonly dump: Effect.Effect<string>
  }
): Effect.Effect<void> =>
  Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause) || Cause.squash(exit.cause) instanceof NotSettled
    ? Effect.void
    : Effect.flatMap(
      Effect.all([now, dump]),
      ([at, shown]) => Effect.logError(`failed ${Math.round(at)} ms into a simulated run of seed ${seed}\n${shown}`)
    )
