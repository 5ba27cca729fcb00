/**
 * The system's facts about UDP sockets: the program that holds a port, the datagrams dropped for want of room, and the room
 * that there is.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as NetAddress from "effect/net/NetAddress"
import type * as Option from "effect/Option"

/**
 * The room, in bytes, that a server asks the kernel for, for bursts that come while its event loop is busy. The system
 * caps it at a limit of its own.
 */
export const receiveBufferWanted = 1_048_576

/**
 * One UDP socket of the system. `drops` are the datagrams that found its receive buffer full. `owner` is null where the
 * system does not tell, as it does of other users' processes; `own` says that it is a socket of this very process.
 */
export interface UdpSocket {
  readonly ip: string
  readonly port: number
  readonly inode: number
  readonly uid: number
  readonly drops: number
  readonly owner: { readonly pid: number; readonly command: string } | null
  readonly own: boolean
}

/** Asks the system. Nothing fails: a fact that the system does not know is none. */
export class Kernel extends Context.Service<Kernel, {
  /** All sockets bound to a port, on any address. None where the system does not tell. */
  readonly udpSockets: (port: number) => Effect.Effect<Option.Option<ReadonlyArray<UdpSocket>>>
  /** The most bytes that a receive buffer is given, where the system tells. */
  readonly receiveBufferLimit: Effect.Effect<Option.Option<number>>
}>()("bellwether/transport/Kernel") {}

/**
 * The sockets in a text of the form of `/proc/net/udp` or `/proc/net/udp6`. Addresses are written there word by word as
 * the machine holds them in memory: `littleEndian` says how. Lines of another form are passed over.
 */
export const parseSockets = (
  text: string,
  littleEndian: boolean
): ReadonlyArray<Omit<UdpSocket, "owner" | "own">> => {
  const sockets: Array<Omit<UdpSocket, "owner" | "own">> = []
  for (const line of text.split("\n")) {
    const [, local = "", , , , , , uid, , inode, , , drops] = line.trim().split(/\s+/)
    const [, address = "", port = ""] = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(local) ?? []
    if (address === "" || inode === undefined) continue
    // Whole words are turned, not the address: it is a row of words, the first one first.
    const bytes = (address.match(/.{8}/g) ?? []).flatMap((word) => {
      const octets = (word.match(/../g) ?? []).map((octet) => Number.parseInt(octet, 16))
      return littleEndian ? octets.toReversed() : octets
    })
    sockets.push({
      ip: NetAddress.formatIp(
        bytes.length === 4
          ? NetAddress.ipv4FromBytesUnsafe(Uint8Array.from(bytes))
          : NetAddress.ipv6FromBytesUnsafe(Uint8Array.from(bytes))
      ),
      port: Number.parseInt(port, 16),
      inode: Number(inode),
      uid: Number(uid),
      drops: Number(drops ?? 0)
    })
  }
  return sockets
}
