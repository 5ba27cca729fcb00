/**
 * The unicast sockets: one for each chosen interface, bound to its address. Everything is sent from one of them, and what is
 * unicast arrives there (protocol 2).
 */
import * as Effect from "effect/Effect"
import { type Address, formatAddress } from "../../protocol/model/Member.ts"
import { DatagramsFailed, type LocalAddress } from "../Datagrams.ts"
import { describe, familyOf, type SystemInterface } from "../interfaces/SystemInterface.ts"
import * as Socket from "./Socket.ts"
import * as SocketAddress from "./SocketAddress.ts"

/** A unicast socket, and the interface that it is bound to. `port` is kept over all its reopenings. */
export interface UnicastSocket extends Socket.Slot {
  networkInterface: SystemInterface
  port: number
  /** Whether its interface is there. */
  present: boolean
  /** Whether the last multicast failed here: reported once, not with each heartbeat. */
  mute: boolean
}

/** A unicast socket that is not open yet. Port 0 is any, until it is open. */
export const make = (networkInterface: SystemInterface, port: number): UnicastSocket => ({
  opened: undefined,
  networkInterface,
  port,
  present: true,
  mute: false
})

/** Opens a unicast socket on the address that its interface has now. */
export const open = (
  sockets: Socket.Sockets,
  unicast: UnicastSocket,
  ttl: number
): Effect.Effect<Socket.Opened, DatagramsFailed> =>
  Effect.suspend(() => {
    const { address } = unicast.networkInterface
    const isIpv6 = familyOf(address) === "IPv6"
    const where = unicast.port === 0
      ? describe(unicast.networkInterface)
      : `${describe(unicast.networkInterface)} port ${unicast.port}`
    return Socket.open(sockets, where, "unicast", {
      bind: { address, port: unicast.port },
      ...isIpv6 ? { ipv6Only: true } : {},
      multicast: {
        interface: SocketAddress.multicastInterface(unicast.networkInterface, process.platform === "win32"),
        ttl,
        loopback: true
      },
      kernelReceiveBufferSize: Socket.kernelReceiveBufferSize
    })
  }).pipe(
    Effect.tap((opened) =>
      Effect.sync(() => {
        unicast.port = opened.port
        unicast.opened = opened
      })
    )
  )

/** Where others reach it. */
export const localOf = (unicast: UnicastSocket): LocalAddress => ({
  ip: unicast.networkInterface.address,
  port: unicast.port,
  interface: unicast.networkInterface.name
})

/** Sends from unicast sockets. `isClosed` says whether the endpoint is. */
export const sender = (isClosed: () => boolean) => {
  const addresses = new Map<string, SocketAddress.Native>()
  const remember = (to: Address, link: number | undefined): SocketAddress.Native | undefined => {
    const key = `${to.ip} ${to.port} ${link}`
    const known = addresses.get(key)
    if (known !== undefined) return known
    const native = SocketAddress.toNative(to, link)
    if (native === undefined) return undefined
    if (addresses.size >= rememberedAddresses) addresses.clear()
    addresses.set(key, native)
    return native
  }
  const send = (unicast: UnicastSocket, to: Address, payload: Uint8Array): Effect.Effect<void, DatagramsFailed> => {
    const address = remember(to, unicast.networkInterface.index)
    if (address === undefined || familyOf(to.ip) !== familyOf(unicast.networkInterface.address)) {
      return unreachable(formatAddress(to))
    }
    if (unicast.opened === undefined) {
      return isClosed()
        ? Effect.fail(
          new DatagramsFailed({ during: "send", kind: "Closed", where: describe(unicast.networkInterface) })
        )
        : unreachable(describe(unicast.networkInterface))
    }
    return Effect.mapError(
      unicast.opened.send(payload, address),
      (cause) => Socket.notSent(`${formatAddress(to)} from ${describe(unicast.networkInterface)}`, cause)
    )
  }
  return send
}

/**
 * Sends to the group out of every socket. Fails only where not one of them carried it; where one does not that did so
 * before, that is reported.
 */
export const multicast = <O extends UnicastSocket>(
  sockets: ReadonlyArray<O>,
  send: (unicast: O) => Effect.Effect<void, DatagramsFailed>,
  report: (failed: DatagramsFailed) => void
): Effect.Effect<void, DatagramsFailed> =>
  Effect.flatMap(
    Effect.forEach(sockets, (unicast) =>
      Effect.match(send(unicast), {
        onSuccess: () => {
          unicast.mute = false
          return undefined
        },
        onFailure: (failed) => {
          // Reported already: that the interface is gone, or why its socket is being opened anew.
          const isReported = unicast.mute || !unicast.present || unicast.opened === undefined
          if (!isReported && failed.kind !== "TooLarge") report(failed)
          unicast.mute = true
          return failed
        }
      }), sockets.length === 1 ? {} : { concurrency: "unbounded" }),
    (outcomes) => {
      const [first] = outcomes
      return first === undefined || outcomes.includes(undefined) ? Effect.void : Effect.fail(first)
    }
  )

// internal

const rememberedAddresses = 1024

const unreachable = (where: string) => Effect.fail(new DatagramsFailed({ during: "send", kind: "Unreachable", where }))
