/** What a server remembers of the commands that came to it. */
import type * as Member from "./Member.ts"

/**
 * What comes of a command. A text in messages, since later versions may know more.
 *
 * - `Done`: it is carried out; the lead, if it has to do with that, is being given up. `Alive`: the member that was to be evicted
 *   answers. `NotAllowed`: who commands has not the group's key, or there is none and it is on another host.
 * - `NotLeading`, `NoSuchMember`, `NoElection`, `Leaving`: the server is not in the state for it. `Unknown`: it does not know such a command.
 */
export type Outcome =
  | "Done"
  | "NotAllowed"
  | "NotLeading"
  | "NoSuchMember"
  | "NoElection"
  | "Alive"
  | "Leaving"
  | "Unknown"

/** A command by its nonce, and where its answers go. Its outcome is null while the member that it is to evict is being asked. */
export interface Commanded {
  readonly nonce: string
  readonly from: Member.Address
  readonly evicts: Member.NodeId | null
  readonly outcome: Outcome | null
}
