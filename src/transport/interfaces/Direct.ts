/**
 * Directly connected addresses: those that are reached without a router, in IPv4 and IPv6, and the own address for each.
 */
import * as IpNetwork from "effect/net/IpNetwork"
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Zone from "../../protocol/model/Zone.ts"
import * as Networks from "../Networks.ts"
import * as RecentlyUsed from "../RecentlyUsed.ts"
import type { System } from "./Interfaces.ts"
import { deviceOf, familyOf, isUsable, type SystemInterface } from "./SystemInterface.ts"

/** A network that an interface in use reaches by itself. */
export interface Connected {
  readonly device: string
  readonly index: number | undefined
  readonly network: Networks.Network
  /** The address of our own on this network; undefined where only a route leads there. */
  readonly address: string | undefined
}

/**
 * The networks of all addresses and link routes of the devices in use, the narrowest first. A prefix of fewer bits than
 * `Networks.fewestBits` makes nobody a neighbour but the address itself; such a route makes none.
 */
export const connected = (system: System, used: ReadonlyArray<SystemInterface>): ReadonlyArray<Connected> => {
  const devices = new Map<string, number | undefined>()
  for (const { index, name } of used) devices.set(deviceOf(name), index ?? devices.get(deviceOf(name)))
  const found: Array<Connected> = []
  // The addresses in use count also if the system does not list them for a while.
  for (const one of new Set([...used, ...system.addresses])) {
    const device = deviceOf(one.name)
    const network = devices.has(device) ? networkOf(one) : Option.none()
    if (Option.isNone(network)) continue
    // An address that cannot be used is nobody's source, but its network is there.
    const address = isUsable(one) ? one.address : undefined
    found.push({ device, index: one.index ?? devices.get(device), network: network.value, address })
  }
  for (const { device, network } of system.linkRoutes) {
    if (devices.has(device)) found.push({ device, index: devices.get(device), network, address: undefined })
  }
  return found.sort((one, other) => other.network.prefixLength - one.network.prefixLength)
}

/** The network that an address of an interface is on. */
export const networkOf = ({ address, prefixLength }: SystemInterface): Option.Option<Networks.Network> =>
  Option.orElse(
    Networks.around(address, prefixLength),
    () => Networks.around(address, familyOf(address) === "IPv4" ? 32 : 128)
  )

/**
 * The connected network that an address is on, the narrowest where several hold it. A zone belongs to an address of a link
 * alone, and names the link.
 */
export const find = (networks: ReadonlyArray<Connected>, ip: string): Connected | undefined => {
  const address = Option.getOrUndefined(Networks.addressOf(ip))
  if (address === undefined) return undefined
  const zone = Zone.of(ip)
  if (zone !== undefined && !Zone.isLinkLocal(ip)) return undefined
  return networks.find((one) =>
    (zone === undefined || zone === one.device || zone === String(one.index)) &&
    IpNetwork.contains(one.network, address)
  )
}

/**
 * Whether an address is directly connected. All of 127.0.0.0/8 is, and ::1; a text that is no address is not. Answers are
 * remembered, as each datagram asks.
 */
export const isDirectBy = (networks: ReadonlyArray<Connected>): (ip: string) => boolean => {
  const known = RecentlyUsed.make<string, boolean>(remembered)
  return (ip) => {
    const before = known.get(ip)
    if (before !== undefined) return before
    const is = isLoopback(ip) || find(networks, ip) !== undefined
    known.set(ip, is)
    return is
  }
}

/**
 * The own address from which to send to an address: the one on the same network, otherwise another of the device that
 * reaches it. Undefined if none reaches it.
 */
export const sourceFor = <S extends SystemInterface>(
  networks: ReadonlyArray<Connected>,
  sources: ReadonlyArray<S>,
  ip: string
): S | undefined => {
  const way = find(networks, ip)
  if (way === undefined) return undefined
  const able = sources.filter(({ address, name }) =>
    deviceOf(name) === way.device && familyOf(address) === familyOf(ip)
  )
  const isOnNetwork = ({ address }: S) =>
    Option.exists(Networks.addressOf(address), (own) => IpNetwork.contains(way.network, own))
  return able.find(({ address }) => address === way.address) ?? able.find(isOnNetwork) ?? able[0]
}

// internal

const remembered = 16_384

const isLoopback = (ip: string): boolean =>
  Zone.of(ip) === undefined && Option.exists(Networks.addressOf(ip), (address) => NetAddress.isLoopback(address))
