/**
 * What counts as directly connected, in IPv4 and IPv6.
 *
 * @since 0.1.0
 */
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import * as Zone from "../../protocol/Zone.ts"
import { deviceOf, familyOf, type SystemInterface } from "./SystemInterface.ts"

/**
 * Whether an address is on the network of one of the interfaces. All of 127.0.0.0/8 is, and ::1; what is no address is not.
 *
 * @category guards
 * @since 0.1.0
 */
export const isDirect = (interfaces: Iterable<SystemInterface>, ip: string): boolean => {
  const address = ipv4(ip)
  if (address === undefined && !ip.includes(":")) return false
  if (address === undefined ? ip === "::1" : address >>> 24 === 127) return true
  for (const one of interfaces) {
    if (address === undefined ? holds6(one, ip) : holds(one, address)) return true
  }
  return false
}

/**
 * Whether an address is on the network of this interface.
 *
 * @category guards
 * @since 0.1.0
 */
export const isOn = (one: SystemInterface, ip: string): boolean => {
  const address = ipv4(ip)
  return address === undefined ? ip.includes(":") && holds6(one, ip) : holds(one, address)
}

// internal

// By hand and without a regular expression, since each unicast asks.
const ipv4 = (text: string): number | undefined => {
  let word = 0
  let octet = -1
  let dots = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === 46) {
      if (octet < 0) return undefined
      word = (word << 8) | octet
      octet = -1
      dots++
    } else {
      if (code < 48 || code > 57) return undefined
      octet = (octet < 0 ? 0 : octet * 10) + code - 48
      if (octet > 255) return undefined
    }
  }
  return dots === 3 && octet >= 0 ? ((word << 8) | octet) >>> 0 : undefined
}

const holds = (one: SystemInterface, address: number): boolean => {
  const own = ipv4(one.address)
  // A mask of no bits would make the whole world a neighbour.
  const mask = ipv4(one.netmask) || 0xffff_ffff
  return own !== undefined && (own & mask) === (address & mask)
}

const ipv6 = (text: string): NetAddress.Ipv6Segments | undefined =>
  Result.getOrUndefined(Result.map(NetAddress.ipv6FromString(text), NetAddress.ipv6ToSegments))

const holds6 = (one: SystemInterface, ip: string): boolean => {
  if (familyOf(one.address) !== "IPv6") return false
  const zone = Zone.of(ip)
  if (zone !== undefined) return deviceOf(one.name) === zone
  const [address, own, mask] = [ip, Zone.without(one.address), one.netmask].map(ipv6)
  if (address === undefined || own === undefined) return false
  const isWide = mask === undefined || mask[0] === 0
  return own.every((segment, at) => {
    const bits = isWide ? 0xffff : mask[at] ?? 0xffff
    return (segment & bits) === ((address[at] ?? 0) & bits)
  })
}
