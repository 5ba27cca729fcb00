/** Evidence: one piece of what an examination learns. What the system says, what was asked, what was heard; facts only. */
import type { Address, NodeId } from "../protocol/model/Member.ts"
import type * as Message from "../protocol/model/Message.ts"
import type { Explained } from "../transport/interfaces/InterfaceChoice.ts"
import type * as Ports from "../transport/Ports.ts"
import type { Refusal, Socket } from "./Observations.ts"

/** A question who is there: to the group, out of the interface of this address; to a seed; or to one server. */
export type Question =
  | { readonly _tag: "Group"; readonly address: string }
  | { readonly _tag: "Seed"; readonly seed: string }
  | { readonly _tag: "Server"; readonly id: NodeId }

/**
 * One piece of evidence.
 *
 * - `InterfacesScanned`: these interfaces are up. `Refused`: the system, or an open socket, refused something.
 * - `SocketsOpened`, `SocketsRefused`: of one interface, by its address.
 * - `RoundBegan`: everybody is asked once more. `Asked`: one question, by one nonce for each address that it goes to; a seed may
 *   have several, or none yet.
 * - `SeedResolved`: the addresses that a seed has now.
 * - `Heard`: a message of the group. `OwnHeard`: a sealed datagram of our own came back to an interface. It was not opened.
 * - `Dropped`: a datagram that is not of the group, and why. `tag` is the group tag of a frame of another group.
 * - `LinkTried`: what became of a connection to the port at which that server accepts crash links.
 * - `SystemReported`: sockets of other processes on our ports, and the limit of receive buffers. Null: the system does not say.
 */
export type Evidence =
  | { readonly _tag: "InterfacesScanned"; readonly interfaces: ReadonlyArray<Explained> }
  | { readonly _tag: "Refused"; readonly refusal: Refusal }
  | { readonly _tag: "SocketsOpened"; readonly address: string }
  | { readonly _tag: "SocketsRefused"; readonly address: string; readonly refusal: Refusal }
  | { readonly _tag: "RoundBegan" }
  | { readonly _tag: "Asked"; readonly question: Question; readonly nonces: ReadonlyArray<string> }
  | { readonly _tag: "SeedResolved"; readonly seed: string; readonly addresses: ReadonlyArray<string> }
  | {
    readonly _tag: "Heard"
    readonly message: Message.Message
    readonly from: Address
    readonly via: "multicast" | "unicast"
  }
  | { readonly _tag: "LinkTried"; readonly id: NodeId; readonly outcome: Ports.Outcome }
  | { readonly _tag: "OwnHeard"; readonly address: string }
  | { readonly _tag: "Dropped"; readonly ip: string; readonly reason: string; readonly tag: string | null }
  | {
    readonly _tag: "SystemReported"
    readonly sockets: ReadonlyArray<Socket> | null
    readonly receiveBufferLimit: number | null
  }
