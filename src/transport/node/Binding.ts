/**
 * A UDP socket of Node, opened and bound by hand: Effect's own way of opening one leaves out `exclusive`, without which the
 * workers of `node:cluster`, and so of PM2's cluster mode, share one socket between them. They would then have one address,
 * and so one identity, and each datagram would come to any one of them.
 */
import * as Effect from "effect/Effect"
import * as NetAddress from "effect/net/NetAddress"
import type * as Scope from "effect/Scope"
import * as DatagramSocket from "effect/socket/DatagramSocket"
import * as Dgram from "node:dgram"
import * as Os from "node:os"

/** The binding of a socket; `connect` leaves only the datagrams of one address. All addresses are numbers, never names. */
export interface Binding {
  readonly bind: { readonly address: string; readonly port?: number }
  readonly reuseAddress?: boolean
  readonly ipv6Only?: boolean
  readonly kernelReceiveBufferSize?: number
  /** `interface` is as `SocketAddress.multicastInterface` spells it. */
  readonly multicast?: { readonly interface: string; readonly ttl: number; readonly loopback: boolean }
  readonly connect?: NetAddress.InetAddress
}

/** Opens and binds a socket that this process shares with no other. Closed with the scope. */
export const open = (
  binding: Binding
): Effect.Effect<Dgram.Socket, DatagramSocket.DatagramSocketError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<Dgram.Socket, DatagramSocket.DatagramSocketError>((resume) => {
      let socket: Dgram.Socket | undefined
      const fail = (cause: unknown) => {
        if (socket !== undefined) close(socket)
        resume(Effect.fail(openFailed(cause)))
      }
      const attempt = (act: () => void) => {
        try {
          act()
        } catch (cause) {
          fail(cause)
        }
      }
      const { connect, kernelReceiveBufferSize, multicast } = binding
      const isIpv6 = binding.bind.address.includes(":")
      attempt(() => {
        const made = socket = Dgram.createSocket({
          type: isIpv6 ? "udp6" : "udp4",
          reuseAddr: binding.reuseAddress ?? false,
          ipv6Only: binding.ipv6Only ?? false,
          lookup: answerAtOnce
        })
        const opened = () => {
          made.off("error", fail)
          resume(Effect.succeed(made))
        }
        made.once("error", fail)
        made.bind({ address: binding.bind.address, port: binding.bind.port ?? 0, exclusive: true }, () =>
          attempt(() => {
            if (kernelReceiveBufferSize !== undefined) made.setRecvBufferSize(kernelReceiveBufferSize)
            if (multicast !== undefined) {
              made.setMulticastTTL(multicast.ttl)
              made.setMulticastLoopback(multicast.loopback)
              made.setMulticastInterface(multicast.interface)
            }
            if (connect === undefined) return opened()
            made.connect(
              connect.port,
              NetAddress.formatNativeHost(connect, links(isIpv6)),
              (error?: Error) => error instanceof Error ? fail(error) : opened()
            )
          }))
      })
    }),
    (socket) => Effect.sync(() => close(socket))
  )

// internal

/** Node asks even for addresses, and answers in a later turn unless told to do so now. */
const answerAtOnce = (
  host: string,
  family: unknown,
  callback: (error: NodeJS.ErrnoException | null, address: string, family: number) => void
): void => callback(null, host, family === 6 ? 6 : 4)

const close = (socket: Dgram.Socket): void => {
  try {
    // Its remaining messages go to nobody.
    socket.on("error", () => {})
    socket.close()
  } catch {
    // Closed already.
  }
}

/** The numbers of the links by name: the system takes names. */
const links = (isIpv6: boolean): ReadonlyMap<string, number> => {
  if (!isIpv6 || process.platform === "win32") return new Map()
  try {
    return NetAddress.scopeIdsFromInterfaces(Object.entries(Os.networkInterfaces()))
  } catch {
    return new Map()
  }
}

const openFailed = (cause: unknown): DatagramSocket.DatagramSocketError =>
  new DatagramSocket.DatagramSocketError({
    reason: new DatagramSocket.DatagramSocketOpenError({ kind: "Unknown", cause })
  })
