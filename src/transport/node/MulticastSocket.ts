/**
 * The multicast socket: bound to the group's port, which all servers of a host share, joined to the multicast address on
 * every chosen interface. It only receives (protocol 2).
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as NetAddress from "effect/net/NetAddress"
import * as Scope from "effect/Scope"
import { type Address, formatAddress } from "../../protocol/model/Member.ts"
import type { DatagramsFailed, Options } from "../Datagrams.ts"
import { deviceOf, type SystemInterface } from "../interfaces/SystemInterface.ts"
import * as Socket from "./Socket.ts"

/** The multicast group in one family. */
export interface MulticastGroup {
  readonly address: Address
  readonly family: NetAddress.IpFamily
  /** Whether nobody beyond the link is spoken to, so that the addresses of the link itself are the surest. */
  readonly linkLocal: boolean
}

/** The multicast socket of one endpoint, for one family. */
export interface MulticastSocket extends Socket.Slot {
  readonly multicastGroup: MulticastGroup
  readonly open: Effect.Effect<Socket.Opened, DatagramsFailed>
  /** Joins the group on one interface, anew where it had joined there. While it is not open that waits for its opening. */
  readonly join: (networkInterface: SystemInterface) => Effect.Effect<void, DatagramsFailed>
  /** Leaves the group on the device of this name. */
  readonly leave: (name: string) => Effect.Effect<void>
  /** Whether it has joined on the device of this name. */
  readonly hasJoined: (name: string) => boolean
}

/** The multicast groups of an endpoint: one, or one of each family. */
export const multicastGroups = (options: Options): ReadonlyArray<MulticastGroup> =>
  options.multicastAddress.map(({ family, ip, linkLocal }) => ({
    address: { ip, port: options.port },
    family,
    linkLocal: options.multicast !== false && linkLocal
  }))

/** Makes the multicast socket; it is not open yet. */
export const make = (sockets: Socket.Sockets, multicastGroup: MulticastGroup): MulticastSocket => {
  const joined = new Map<string, Scope.Closeable>()
  const isIpv6 = multicastGroup.family === "IPv6"
  const leave = Effect.fnUntraced(function*(name: string) {
    const before = joined.get(name)
    if (before === undefined) return
    joined.delete(name)
    // Of an interface that is gone, the system may have left the group already, and says so by an error.
    yield* Effect.exit(Scope.close(before, Exit.void))
  })
  const socket: MulticastSocket = {
    multicastGroup,
    opened: undefined,
    open: Socket.open(sockets, formatAddress(multicastGroup.address), "multicast", {
      bind: { address: isIpv6 ? "::" : "0.0.0.0", port: multicastGroup.address.port },
      reuseAddress: true,
      ...isIpv6 ? { ipv6Only: true } : {},
      kernelReceiveBufferSize: Socket.kernelReceiveBufferSize
    }).pipe(Effect.tap((opened) =>
      Effect.sync(() => {
        joined.clear()
        socket.opened = opened
      })
    )),
    join: Effect.fnUntraced(function*(networkInterface) {
      yield* leave(deviceOf(networkInterface.name))
      const { opened } = socket
      // It joins every interface when it is open again.
      if (opened === undefined) return
      const joining = yield* Scope.fork(opened.scope)
      yield* opened.join(multicastGroup.address.ip, networkInterface).pipe(
        Scope.provide(joining),
        // It has joined there already, under another address or another name of the interface.
        Effect.catchIf(({ kind }) => kind === "AddressInUse", () => Effect.void),
        Effect.onError(() => Effect.exit(Scope.close(joining, Exit.void)))
      )
      joined.set(deviceOf(networkInterface.name), joining)
    }),
    leave,
    hasJoined: (name) => joined.has(name)
  }
  return socket
}
