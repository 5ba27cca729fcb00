/**
 * The reign of this server's own, as leading work has it.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as ReignOrder from "../protocol/model/Reign.ts"

/**
 * This server does not lead, or not by this reign. Nothing was run.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotLeading extends Schema.TaggedError<NotLeading>()("NotLeading", {
  term: Schema.NullOr(ReignOrder.Term)
}) {
  override get message() {
    return this.term === null ? "this server does not lead" : `the reign of term ${this.term} is over`
  }
}

/**
 * The reign under which leading work runs: in the context of all that `whileLeader` and `singleton` run.
 *
 * `token` is a text whose order is the order of reigns: hand it to a store that refuses a lower one than it has seen.
 *
 * @category services
 * @since 0.1.0
 */
export class Reign extends Context.Service<Reign, {
  readonly term: number
  readonly token: string
  readonly leader: ReignOrder.Leader
  /** Whether this very reign still lasts, by the clock. */
  readonly isCurrent: Effect.Effect<boolean>
}>()("bellwether/server/Leadership/Reign") {
  /**
   * Runs an effect if this reign still lasts by the clock, else fails with {@link NotLeading}. It asks before, not during:
   * only the token can fence unguarded work in the instant after a freeze.
   */
  static readonly guard = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | NotLeading, R | Reign> =>
    Effect.flatMap(Reign, (reign) =>
      Effect.flatMap(
        reign.isCurrent,
        (current): Effect.Effect<A, E | NotLeading, R> =>
          current ? effect : Effect.fail(new NotLeading({ term: reign.term }))
      ))
}
