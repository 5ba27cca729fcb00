/**
 * Addresses between texts, as everything above knows them, and what the sockets of Node take and give: a zone is the name of
 * an interface in the one and its number in the other.
 */
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Ip from "../../protocol/model/Ip.ts"
import type { Address } from "../../protocol/model/Member.ts"
import * as Zone from "../../protocol/model/Zone.ts"
import { deviceOf, familyOf, type SystemInterface } from "../interfaces/SystemInterface.ts"

/**
 * An address to send to. None where it is none, or where its zone is that of no interface. `link` is the number of the
 * interface that a link-local address with no zone is taken to be on.
 */
export const parse = (to: Address, link?: number): NetAddress.InetAddress | undefined => {
  const { ip, port } = to
  if (!ip.includes(":")) return Result.getOrUndefined(NetAddress.inetAddressFromIpString(ip, port))
  const parsed = Result.getOrUndefined(NetAddress.ipv6FromString(Zone.without(ip)))
  if (parsed === undefined) return undefined
  const scopeId = numberOf(Zone.of(ip)) ?? (Zone.isLinkLocal(ip) ? link : 0)
  if (scopeId === undefined || (Zone.of(ip) !== undefined && scopeId === 0)) return undefined
  return Result.getOrUndefined(NetAddress.inetAddressV6(parsed, port, { scopeId }))
}

/** An address as the sockets of Node take it. */
export interface Native {
  readonly host: string
  readonly port: number
}

/** An address to send to as Node takes it: see {@link parse}. */
export const toNative = (to: Address, link?: number): Native | undefined => {
  const parsed = parse(to, link)
  if (parsed === undefined) return undefined
  return { host: NetAddress.formatNativeHost(parsed, numbers, process.platform), port: to.port }
}

/** An address that a datagram came from, as Node gives it: of IPv4 that is our own spelling. */
export const fromNative = (host: string, port: number): Address => ({
  ip: host.includes(":") ? spelt(host) : host,
  port
})

/** An address that a name was resolved to. */
export const format = (from: NetAddress.InetAddress): Address => {
  const ip = NetAddress.formatIp(from.address)
  // Some systems number the link of any address; it means something on those of the link alone.
  if (!NetAddress.isInetAddressV6(from) || from.scopeId === 0 || !Zone.isLinkLocal(ip)) return { ip, port: from.port }
  return { ip: `${ip}%${nameOf(from.scopeId)}`, port: from.port }
}

/**
 * An interface as Node takes it for multicast: in IPv4 by its address, in IPv6 by its name, which every system but Windows turns
 * into a number itself. To look the number up here would leave out each interface with no link-local address, the loopback
 * among them.
 */
export const multicastInterface = ({ address, index, name }: SystemInterface, isWindows: boolean): string => {
  if (familyOf(address) === "IPv4") return address
  if (isWindows) return index === undefined ? "::" : `::%${index}`
  return `::%${deviceOf(name)}`
}

/**
 * Takes note of which interface has which number, for the zones of addresses. Earlier numbers are kept, as a number is not
 * soon given to another.
 */
export const learn = (interfaces: ReadonlyArray<SystemInterface>): void => {
  for (const { index, name } of interfaces) {
    if (index === undefined || numbers.get(name) === index) continue
    if (numbers.size >= mostZones) {
      numbers.clear()
      names.clear()
    }
    numbers.set(name, index)
    names.set(index, name)
    spellings.clear()
  }
}

/** The number of the interface of this name, where a scan has told of it. */
export const scopeIdOf = (zone: string): Option.Option<number> => Option.fromUndefinedOr(numbers.get(zone))

// internal

// Of all interfaces of this process's host: a scan tells, since to ask for each address would hold the loop.
const names = new Map<number, string>()
const numbers = new Map<string, number>()
const mostZones = 16_384

// Those of IPv6 that datagrams came from.
const spellings = new Map<string, string>()
const mostSpellings = 1_024

/** Some systems number the link where others name it. */
const spelt = (host: string): string => {
  const known = spellings.get(host)
  if (known !== undefined) return known
  const zone = Zone.of(host)
  const isNumber = zone !== undefined && /^\d+$/.test(zone)
  const ip = Ip.canonical(isNumber ? `${Zone.without(host)}%${nameOf(Number(zone))}` : host) ?? host
  if (spellings.size >= mostSpellings) spellings.clear()
  spellings.set(host, ip)
  return ip
}

const nameOf = (scopeId: number): string => names.get(scopeId) ?? String(scopeId)

const numberOf = (zone: string | undefined): number | undefined =>
  zone === undefined ? undefined : /^\d+$/.test(zone) ? Number(zone) : numbers.get(zone) ?? 0
