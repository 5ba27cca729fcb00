/**
 * A UDP socket of Node, opened and bound by hand: Effect's own way of opening one leaves out `exclusive`, without which the
 * workers of `node:cluster`, and so of PM2's cluster mode, share one socket between them. They would then have one address,
 * and so one identity, and each datagram would come to any one of them.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Dgram from "node:dgram"
import * as Ip from "../../protocol/model/Ip.ts"
import type { DatagramsFailed } from "../Datagrams.ts"
import * as Runtime from "./Runtime.ts"
import type * as SocketAddress from "./SocketAddress.ts"
import * as SystemError from "./SystemError.ts"

/** The binding of a socket; `connect` leaves only the datagrams of one address. All addresses are numbers, never names. */
export interface Binding {
  readonly bind: { readonly address: string; readonly port?: number }
  readonly reuseAddress?: boolean
  readonly ipv6Only?: boolean
  readonly kernelReceiveBufferSize?: number
  /** `interface` is as `SocketAddress.multicastInterface` spells it. */
  readonly multicast?: { readonly interface: string; readonly ttl: number; readonly loopback: boolean }
  readonly connect?: SocketAddress.Native
}

/** Opens and binds a socket that this process shares with no other. Closed with the scope. `where` is told if that fails. */
export const open = (
  where: string,
  binding: Binding
): Effect.Effect<Dgram.Socket, DatagramsFailed, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<Dgram.Socket, DatagramsFailed>((resume) => {
      let socket: Dgram.Socket | undefined
      const fail = (cause: unknown) => {
        if (socket !== undefined) close(socket)
        resume(Effect.fail(SystemError.failedBy("open", where, cause)))
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
              setTtl(made, multicast.ttl, binding.bind.address)
              made.setMulticastLoopback(multicast.loopback)
              made.setMulticastInterface(multicast.interface)
            }
            if (connect === undefined) return opened()
            made.connect(
              connect.port,
              connect.host,
              (error?: Error) => error instanceof Error ? fail(error) : opened()
            )
          }))
      })
    }),
    (socket) => Effect.sync(() => close(socket))
  )

// internal

/** Bun and Deno refuse 0. On the loopback 1 is the same: nothing leaves the host. */
const setTtl = (socket: Dgram.Socket, ttl: number, address: string): void => {
  if (ttl > 0 || Runtime.other === undefined) return void socket.setMulticastTTL(ttl)
  if (!Ip.isLoopback(address)) throw new Error(`ttl 0 is not possible under ${Runtime.other}; 1 or more is`)
  socket.setMulticastTTL(1)
}

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
