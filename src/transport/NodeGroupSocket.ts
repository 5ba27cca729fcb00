/**
 * The group socket: bound to the group's port, which all servers of a host share, joined to the multicast address on
 * every chosen interface. It only receives (protocol 2).
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as NetAddress from "effect/net/NetAddress"
import * as Scope from "effect/Scope"
import { type Address, formatAddress } from "../protocol/Member.ts"
import { DatagramsFailed, type Options } from "./Datagrams.ts"
import { describe, type SystemInterface } from "./Interfaces.ts"
import * as NodeSocket from "./NodeSocket.ts"

/**
 * Where a group meets.
 *
 * @category models
 * @since 0.1.0
 */
export interface Meeting {
  readonly address: Address
  readonly multicast: NetAddress.MulticastAddress<NetAddress.Ipv4Address>
}

/**
 * The group socket of one endpoint.
 *
 * @category models
 * @since 0.1.0
 */
export interface GroupSocket extends NodeSocket.Slot {
  readonly meeting: Meeting
  readonly open: Effect.Effect<NodeSocket.Opened, DatagramsFailed>
  /** Joins the group on one interface, anew where it had joined there. While it is not open that waits for its opening. */
  readonly join: (nic: SystemInterface) => Effect.Effect<void, DatagramsFailed>
  /** Whether it has joined the interface of this name. */
  readonly hasJoined: (name: string) => boolean
}

/**
 * Reads where to meet.
 *
 * @category constructors
 * @since 0.1.0
 */
export const meeting = Effect.fnUntraced(function*(options: Options) {
  const address = yield* parseIp(options.multicastAddress)
  if (!NetAddress.isMulticast(address)) {
    return yield* new DatagramsFailed({
      during: "join",
      kind: "AddressNotAvailable",
      where: options.multicastAddress
    })
  }
  const made: Meeting = { address: { ip: options.multicastAddress, port: options.port }, multicast: address }
  return made
})

/**
 * Makes the group socket; it is not open yet.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (sockets: NodeSocket.Sockets, meeting: Meeting): GroupSocket => {
  const joined = new Map<string, Scope.Closeable>()
  const socket: GroupSocket = {
    meeting,
    opened: undefined,
    open: NodeSocket.open(sockets, formatAddress(meeting.address), {
      bind: { address: "0.0.0.0", port: meeting.address.port },
      reuseAddress: true,
      kernelReceiveBufferSize: NodeSocket.kernelReceiveBufferSize
    }).pipe(Effect.tap((opened) =>
      Effect.sync(() => {
        joined.clear()
        socket.opened = opened
      })
    )),
    join: Effect.fnUntraced(function*(nic) {
      const before = joined.get(nic.name)
      if (before !== undefined) {
        joined.delete(nic.name)
        yield* Scope.close(before, Exit.void)
      }
      const { opened } = socket
      // It joins every interface when it is open again.
      if (opened === undefined) return
      const joining = yield* Scope.fork(opened.scope)
      yield* opened.reader.joinMulticast({ group: meeting.multicast, interface: yield* parseIp(nic.address) }).pipe(
        Scope.provide(joining),
        Effect.mapError((error) => NodeSocket.failedFrom("join", describe(nic), error)),
        Effect.onError(() => Scope.close(joining, Exit.void))
      )
      joined.set(nic.name, joining)
    }),
    hasJoined: (name) => joined.has(name)
  }
  return socket
}

// internal

const parseIp = (text: string) =>
  Effect.fromResult(NetAddress.ipv4FromString(text)).pipe(
    Effect.mapError((cause) => new DatagramsFailed({ during: "open", kind: "AddressNotAvailable", where: text, cause }))
  )
