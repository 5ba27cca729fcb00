/**
 * The own sockets: one for each chosen interface, bound to its address. Everything is sent from one of them, and what is
 * unicast arrives there (protocol 2).
 */
import * as Effect from "effect/Effect"
import type * as NetAddress from "effect/net/NetAddress"
import { type Address, formatAddress } from "../protocol/Member.ts"
import { DatagramsFailed, type LocalAddress } from "./Datagrams.ts"
import { describe, familyOf, type SystemInterface } from "./interfaces/SystemInterface.ts"
import * as NodeAddress from "./NodeAddress.ts"
import * as NodeSocket from "./NodeSocket.ts"

/** An own socket, and the interface that it is bound to. `port` is kept over all its reopenings. */
export interface Own extends NodeSocket.Slot {
  nic: SystemInterface
  port: number
  /** Whether its interface is there. */
  present: boolean
  /** Whether the last multicast failed here: told once, not with each heartbeat. */
  mute: boolean
}

/** An own socket that is not open yet. Port 0 is any, until it is open. */
export const make = (nic: SystemInterface, port: number): Own => ({
  opened: undefined,
  nic,
  port,
  present: true,
  mute: false
})

/** Opens an own socket on the address that its interface has now. */
export const open = (
  sockets: NodeSocket.Sockets,
  own: Own,
  ttl: number
): Effect.Effect<NodeSocket.Opened, DatagramsFailed> =>
  Effect.suspend(() => {
    const { address } = own.nic
    const isIpv6 = familyOf(address) === "IPv6"
    const where = own.port === 0 ? describe(own.nic) : `${describe(own.nic)} port ${own.port}`
    return NodeSocket.open(sockets, where, {
      bind: { address, port: own.port },
      ...isIpv6 ? { ipv6Only: true } : {},
      multicast: {
        interface: NodeAddress.multicastInterface(own.nic, process.platform === "win32"),
        ttl,
        loopback: true
      },
      kernelReceiveBufferSize: NodeSocket.kernelReceiveBufferSize
    })
  }).pipe(
    Effect.tap((opened) =>
      Effect.sync(() => {
        own.port = opened.reader.address.port
        own.opened = opened
      })
    )
  )

/** Where others reach it. */
export const localOf = (own: Own): LocalAddress => ({
  ip: own.nic.address,
  port: own.port,
  interface: own.nic.name
})

/** Sends from own sockets. `isClosed` says whether the endpoint is. */
export const sender = (isClosed: () => boolean) => {
  const addresses = new Map<string, NetAddress.InetAddress>()
  const remember = (to: Address, link: number | undefined): NetAddress.InetAddress | undefined => {
    const key = `${to.ip} ${to.port} ${link}`
    const known = addresses.get(key)
    if (known !== undefined) return known
    const parsed = NodeAddress.parse(to, link)
    if (parsed === undefined) return undefined
    if (addresses.size >= rememberedAddresses) addresses.clear()
    addresses.set(key, parsed)
    return parsed
  }
  const send = (own: Own, to: Address, payload: Uint8Array): Effect.Effect<void, DatagramsFailed> => {
    const address = remember(to, own.nic.index)
    if (address === undefined || familyOf(to.ip) !== familyOf(own.nic.address)) return unreachable(formatAddress(to))
    if (own.opened === undefined) {
      return isClosed()
        ? Effect.fail(new DatagramsFailed({ during: "send", kind: "Closed", where: describe(own.nic) }))
        : unreachable(describe(own.nic))
    }
    return Effect.mapError(
      own.opened.writer.write({ payload, address }),
      (error) => NodeSocket.failedFrom("send", `${formatAddress(to)} from ${describe(own.nic)}`, error)
    )
  }
  return send
}

/**
 * Sends to the group out of every socket. Fails only where not one of them carried it; where one does not that did so
 * before, that is told.
 */
export const multicast = <O extends Own>(
  owns: ReadonlyArray<O>,
  send: (own: O) => Effect.Effect<void, DatagramsFailed>,
  report: (failed: DatagramsFailed) => void
): Effect.Effect<void, DatagramsFailed> =>
  Effect.flatMap(
    Effect.forEach(owns, (own) =>
      Effect.match(send(own), {
        onSuccess: () => {
          own.mute = false
          return undefined
        },
        onFailure: (failed) => {
          // Told already: that the interface is gone, or why its socket is being opened anew.
          const isTold = own.mute || !own.present || own.opened === undefined
          if (!isTold && failed.kind !== "TooLarge") report(failed)
          own.mute = true
          return failed
        }
      }), { concurrency: "unbounded" }),
    (outcomes) => {
      const [first] = outcomes
      return first === undefined || outcomes.includes(undefined) ? Effect.void : Effect.fail(first)
    }
  )

// internal

const rememberedAddresses = 1024

const unreachable = (where: string) => Effect.fail(new DatagramsFailed({ during: "send", kind: "Unreachable", where }))
