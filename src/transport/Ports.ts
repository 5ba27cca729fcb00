/** Whether a port of TCP can be connected to, for those who look at a network and are no members. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { Address } from "../protocol/model/Member.ts"

/**
 * What became of a connection: it was made, the host refused it, nothing came back within a second, or our own system did not
 * let us.
 */
export type Outcome = "Connected" | "Refused" | "Unanswered" | "Unknown"

/** Connects, and closes at once. Unknown where the platform has no TCP. */
export const Connect = Context.Reference<(to: Address) => Effect.Effect<Outcome>>(
  "bellwether/transport/Ports/Connect",
  {
    defaultValue: () => () => Effect.succeed("Unknown" as const)
  }
)
