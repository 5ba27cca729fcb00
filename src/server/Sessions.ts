/**
 * The way to hold what the leader grants, for what is built on a server beside it.
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Lease from "../protocol/model/Lease.ts"
import type * as Holds from "./Holds.ts"

/**
 * Begins sessions that hold resources, of a group that elects by `lease`; null of one that does not. `stopTimeout` is how long
 * before its end what is held counts as lost, so that what is done with it can end in time.
 */
export interface SessionsShape {
  /** @internal */
  readonly hold: Holds.Holds["hold"]
  /** @internal */
  readonly lease: Lease.Agreement | null
  /** @internal */
  readonly stopTimeout: Duration.Duration
}

/**
 * The service on which `bellwether/Cluster` stands. It has nothing for apps.
 */
export class Sessions extends Context.Service<Sessions, SessionsShape>()("bellwether/server/Sessions") {}
