/**
 * A grant of the leader, as work under a lock or on a partition has it, and why nothing can be held.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Grants from "../protocol/model/Grants.ts"
import * as Name from "../protocol/model/Name.ts"

/**
 * The most bytes of the name of a lock, or of partitions.
 *
 * @internal
 */
export const maxNameBytes = 100

/**
 * Nothing of that name can be held here. Nothing was changed.
 *
 * - `bully`: the servers elect by `leadership: bully`, under which two may lead while the network is split.
 * - `name`: it may not be a name.
 * - `differs`: others hold what has this name with another expiry or count.
 * - `full`: this server, or the group, holds as much as it may.
 * - `left`: this server has left the group, or does so now.
 *
 * @category errors
 * @since 0.1.0
 */
export class GrantsRefused extends Schema.TaggedError<GrantsRefused>()("GrantsRefused", {
  name: Schema.String,
  reason: Schema.Literals(["bully", "name", "differs", "full", "left"])
}) {
  override get message() {
    const name = Name.quoted(this.name)
    switch (this.reason) {
      case "bully":
        return `${name} cannot be held with leadership: bully, since two servers may lead while the network is split; allowed: leadership: lease`
      case "name":
        return `${name} is no name of what can be held; allowed: 1 to ${maxNameBytes} bytes of text, ${Name.allowed}`
      case "differs":
        return `others hold ${name} with another expiry or count: these must be the same on all servers`
      case "full":
        return `no room for ${name}: a server holds and waits for ${Grants.limits.holdings} at most, and the whole group for ${Grants.limits.sessions}, of ${Grants.limits.spaces} names`
      case "left":
        return `${name} cannot be held any more: this server has left the group`
    }
  }
}

/**
 * What was held is held no more, by the clock: nothing was run, or what ran was interrupted.
 *
 * @category errors
 * @since 0.1.0
 */
export class GrantLost extends Schema.TaggedError<GrantLost>()("GrantLost", {
  name: Schema.String,
  resource: Schema.Int,
  token: Schema.String
}) {
  override get message() {
    return `${Name.quoted(this.name)} is held no more by the grant ${this.token}`
  }
}

/**
 * The grant under which work runs: in the context of all that a lock runs, and of the work of a partition.
 *
 * `name` is that of the lock or of the partitions, `resource` the number of the partition, 0 of a lock. `token` is a text whose
 * order is the order of grants of that resource, also when the leader changes: hand it to a store that refuses a lower one than
 * it has seen.
 *
 * @category services
 * @since 0.1.0
 */
export class Grant extends Context.Service<Grant, {
  readonly name: string
  readonly resource: number
  readonly token: string
  /** Whether this very grant still lasts, by the clock. */
  readonly isCurrent: Effect.Effect<boolean>
}>()("bellwether/server/Grant") {
  /**
   * Runs an effect if this grant still lasts by the clock, else fails with {@link GrantLost}. It asks before, not during: only
   * the token can fence unguarded work in the instant after a freeze.
   */
  static readonly guard = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | GrantLost, R | Grant> =>
    Effect.flatMap(Grant, ({ isCurrent, name, resource, token }) =>
      Effect.flatMap(
        isCurrent,
        (current): Effect.Effect<A, E | GrantLost, R> =>
          current ? effect : Effect.fail(new GrantLost({ name, resource, token }))
      ))
}

const encoder = new TextEncoder()

/**
 * The name, if it may be one.
 *
 * @internal
 */
export const named = (name: string): Effect.Effect<string, GrantsRefused> =>
  name !== "" && Name.isPlain(name) && encoder.encode(name).length <= maxNameBytes
    ? Effect.succeed(name)
    : Effect.fail(new GrantsRefused({ name, reason: "name" }))
