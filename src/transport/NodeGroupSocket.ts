/**
 * The group socket: bound to the group's port, which all servers of a host share, joined to the multicast address on
 * every chosen interface. It only receives (protocol 2).
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { type Address, formatAddress } from "../protocol/Member.ts"
import type { DatagramsFailed, Options } from "./Datagrams.ts"
import { deviceOf, type Family, type SystemInterface } from "./interfaces/SystemInterface.ts"
import * as NodeSocket from "./NodeSocket.ts"

/** Where a group meets in one family. */
export interface Meeting {
  readonly address: Address
  readonly family: Family
  /** Whether nobody beyond the link is spoken to, so that the addresses of the link itself are the surest. */
  readonly linkLocal: boolean
}

/** The group socket of one endpoint, for one family. */
export interface GroupSocket extends NodeSocket.Slot {
  readonly meeting: Meeting
  readonly open: Effect.Effect<NodeSocket.Opened, DatagramsFailed>
  /** Joins the group on one interface, anew where it had joined there. While it is not open that waits for its opening. */
  readonly join: (nic: SystemInterface) => Effect.Effect<void, DatagramsFailed>
  /** Leaves the group on the device of this name. */
  readonly leave: (name: string) => Effect.Effect<void>
  /** Whether it has joined on the device of this name. */
  readonly hasJoined: (name: string) => boolean
}

/** Where to meet: at one address, or at one of each family. */
export const meetings = (options: Options): ReadonlyArray<Meeting> =>
  options.multicastAddress.map(({ family, ip, linkLocal }) => ({
    address: { ip, port: options.port },
    family,
    linkLocal: options.multicast !== false && linkLocal
  }))

/** Makes the group socket; it is not open yet. */
export const make = (sockets: NodeSocket.Sockets, meeting: Meeting): GroupSocket => {
  const joined = new Map<string, Scope.Closeable>()
  const isIpv6 = meeting.family === "IPv6"
  const leave = Effect.fnUntraced(function*(name: string) {
    const before = joined.get(name)
    if (before === undefined) return
    joined.delete(name)
    // Of an interface that is gone, the system may have left the group already, and says so by an error.
    yield* Effect.exit(Scope.close(before, Exit.void))
  })
  const socket: GroupSocket = {
    meeting,
    opened: undefined,
    open: NodeSocket.open(sockets, formatAddress(meeting.address), {
      bind: { address: isIpv6 ? "::" : "0.0.0.0", port: meeting.address.port },
      reuseAddress: true,
      ...isIpv6 ? { ipv6Only: true } : {},
      kernelReceiveBufferSize: NodeSocket.kernelReceiveBufferSize
    }).pipe(Effect.tap((opened) =>
      Effect.sync(() => {
        joined.clear()
        socket.opened = opened
      })
    )),
    join: Effect.fnUntraced(function*(nic) {
      yield* leave(deviceOf(nic.name))
      const { opened } = socket
      // It joins every interface when it is open again.
      if (opened === undefined) return
      const joining = yield* Scope.fork(opened.scope)
      yield* opened.join(meeting.address.ip, nic).pipe(
        Scope.provide(joining),
        // It has joined there already, under another address or another name of the interface.
        Effect.catchIf(({ kind }) => kind === "AddressInUse", () => Effect.void),
        Effect.onError(() => Effect.exit(Scope.close(joining, Exit.void)))
      )
      joined.set(deviceOf(nic.name), joining)
    }),
    leave,
    hasJoined: (name) => joined.has(name)
  }
  return socket
}
