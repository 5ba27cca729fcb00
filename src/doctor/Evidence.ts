/**
 * What an examination may learn, one piece at a time, as data: what the system says, what was asked, and what was heard.
 */
import type { Address, NodeId } from "../protocol/Member.ts"
import type * as Message from "../protocol/Message.ts"
import type { Explained } from "../transport/interfaces/InterfaceChoice.ts"
import type { Refusal, Socket } from "./Observations.ts"

/**
 * A question about who is there: to the group, out of the interface that has an address; to a seed; or to one server.
 */
export type Question =
  | { readonly _tag: "Group"; readonly address: string }
  | { readonly _tag: "Seed"; readonly seed: string }
  | { readonly _tag: "Server"; readonly id: NodeId }

/**
 * One piece of evidence.
 *
 * - `InterfacesScanned`: these interfaces are up. `Refused`: the system, or a socket that was open, refused something.
 * - `SocketsOpened`, `SocketsRefused`: the sockets of one interface, by its address.
 * - `RoundBegan`: all are asked once more. `Asked`: with these nonces; a seed may have several addresses, or none yet.
 * - `SeedResolved`: the addresses that a seed has now.
 * - `Heard`: a message of the group. `OwnHeard`: a sealed datagram of our own came back to an interface, which is not read.
 * - `Dropped`: a datagram that is not of the group, and why; `tag` is the group tag of a frame of another group.
 * - `SystemTold`: sockets of other processes on our ports, and the limit of receive buffers; null where it does not tell.
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
  | { readonly _tag: "OwnHeard"; readonly address: string }
  | { readonly _tag: "Dropped"; readonly ip: string; readonly reason: string; readonly tag: string | null }
  | {
    readonly _tag: "SystemTold"
    readonly sockets: ReadonlyArray<Socket> | null
    readonly receiveBufferLimit: number | null
  }
