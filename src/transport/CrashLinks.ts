/**
 * The port of crash links: TCP connections between members that carry no message of the protocol. The break of one says that
 * the process at its other end may be gone, long before a heartbeat is missed. After the sockets of JGroups' FD_SOCK.
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { NodeId } from "../protocol/model/Member.ts"
import type { LinkPeer } from "../protocol/model/Output.ts"

/**
 * What happened to the links with one start of a server.
 *
 * - `LinkUp`: one is up, opened by either side: the other end has said that it is this very start, and in a keyed group has
 *   proved that it has a key.
 * - `LinkLeft`: the last one that was up is gone, since either side gave it up.
 * - `LinkBroke`: the last one that was up is gone, without a goodbye. It is being tried again at once: `LinkTried` follows.
 * - `LinkTried`: what came of trying again after a break, or of {@link CrashLinks.tryOut}. `Refused`: its host says that
 *   nobody listens at the port of its links. `Inconclusive`: anything else, also that it was up again.
 */
export type Happening =
  | { readonly _tag: "LinkUp"; readonly id: NodeId; readonly incarnation: number }
  | { readonly _tag: "LinkLeft"; readonly id: NodeId; readonly incarnation: number }
  | { readonly _tag: "LinkBroke"; readonly id: NodeId; readonly incarnation: number }
  | {
    readonly _tag: "LinkTried"
    readonly id: NodeId
    readonly incarnation: number
    readonly outcome: "Refused" | "Inconclusive"
  }

/** What the links of one server are opened with. */
export interface Options {
  /** This start of this server: the other end is told. */
  readonly self: { readonly id: NodeId; readonly incarnation: () => number }
  /** The tag of the group. */
  readonly tag: Uint8Array
  /** Whether a link is accepted from that address, of one that says it is that start: of members only. */
  readonly accepts: (ip: string, id: NodeId, incarnation: number) => boolean
  /**
   * The proof that its maker has a key of the group, over these bytes: one for each key that is accepted, the one to
   * make proofs with first. Empty where the group has no key: then nothing is proved.
   */
  readonly proofs: (bytes: Uint8Array) => ReadonlyArray<Uint8Array>
}

/** The links of one server. Nothing here waits, fails or throws; what cannot be opened is `Inconclusive` or never up. */
export interface CrashLinks {
  /** Where links are accepted, as long as the process lives; null where none are. */
  readonly port: number | null
  /** These are to be kept open from this side, all others that it opened are closed with a goodbye. Others' stay. */
  readonly keep: (peers: ReadonlyArray<LinkPeer>) => void
  /** Whether somebody listens there: told as `LinkTried`. A connection that is accepted is closed again. */
  readonly tryOut: (peer: LinkPeer) => void
  /** Says goodbye on all links: their ends tell nobody anything. */
  readonly goodbye: () => void
  /** Waits for what happens next, and takes all that has, in order. One reader. */
  readonly happened: Effect.Effect<ReadonlyArray<Happening>>
}

/** Opens the links of a server over an endpoint. Closing the scope says goodbye and closes them. */
export type Open = (options: Options) => Effect.Effect<CrashLinks, never, Scope.Scope>
