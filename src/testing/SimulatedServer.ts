/**
 * What is seen of the servers of a simulated group.
 *
 * @since 0.1.0
 */
import type * as Event from "../protocol/model/Event.ts"
import type * as Reign from "../protocol/model/Reign.ts"

/**
 * What a server does: `running`, its process stopped (`paused`) or its machine suspended (`suspended`), or no process at
 * all (`killed` or `stopped`).
 *
 * @category models
 * @since 0.1.0
 */
export type State = "running" | "paused" | "suspended" | "killed" | "stopped"

/**
 * An event of one server, and when it was told: in ms of true time since the group was made.
 *
 * @category models
 * @since 0.1.0
 */
export interface Seen {
  readonly at: number
  readonly index: number
  readonly event: Event.Event
}

/**
 * One reign that all name. `leader` is null where none of the servers asked about holds it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Agreement {
  readonly reign: Reign.Reign
  readonly leader: number | null
}
