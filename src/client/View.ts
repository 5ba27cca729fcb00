/**
 * The view of a client.
 *
 * @since 0.1.0
 */
import type * as Client from "../protocol/model/Client.ts"
import type { State } from "../protocol/model/ClientContext.ts"
import type * as Reign from "../protocol/model/Reign.ts"

/**
 * The state of a client at one moment: whether a leader has let it in, which leader it follows (null if none), and how many
 * servers that leader saw when it last let it in.
 *
 * @category models
 * @since 0.1.0
 */
export interface View {
  readonly self: Client.Client
  readonly hasJoined: boolean
  readonly reign: Reign.Reign | null
  readonly members: number
}

/**
 * The view of a client in that state.
 *
 * @category conversions
 * @since 0.1.0
 */
export const of = ({ client, members, phase, reign }: State): View => ({
  self: client,
  hasJoined: phase === "Joined",
  reign,
  members: phase === "Joined" ? members : 0
})
