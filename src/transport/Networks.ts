/**
 * Networks as an operator names them, `10.0.0.0/8` or `2001:db8::/32`: those behind routers whose servers and clients are
 * spoken to as if they were directly connected.
 *
 * @since 0.1.0
 */
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Zone from "../protocol/Zone.ts"

/**
 * One network: the first so many bits of an address. An address of IPv4 is four words of 8 bits, one of IPv6 eight of 16.
 *
 * @category models
 * @since 0.1.0
 */
export interface Network {
  readonly words: ReadonlyArray<number>
  readonly bits: number
}

/**
 * How many bits name a network at least: with fewer, a forged question from anywhere would be answered.
 *
 * @category models
 * @since 0.1.0
 */
export const fewestBits = { IPv4: 8, IPv6: 16 } as const

/**
 * The network that a text names: an address, a slash, and how many of its bits count. None where it names none, or one of
 * too few bits.
 *
 * @category conversions
 * @since 0.1.0
 */
export const parse = (text: string): Option.Option<Network> => {
  const [, ip = "", length = ""] = /^([0-9a-fA-F.:]+)\/(\d{1,3})$/.exec(text) ?? []
  const words = wordsOf(ip)
  const bits = Number(length)
  if (words === undefined || bits < (isIpv4(words) ? fewestBits.IPv4 : fewestBits.IPv6)) return Option.none()
  return bits > words.length * widthOf(words) ? Option.none() : Option.some({ words, bits })
}

/**
 * Whether an address is on one of these networks. What is no address is not; its zone does not matter.
 *
 * @category guards
 * @since 0.1.0
 */
export const hold = (networks: ReadonlyArray<Network>, ip: string): boolean => {
  if (networks.length === 0) return false
  const words = wordsOf(Zone.without(ip))
  return words !== undefined && networks.some((network) => holds(network, words))
}

// internal

const isIpv4 = (words: ReadonlyArray<number>): boolean => words.length === 4
const widthOf = (words: ReadonlyArray<number>): number => isIpv4(words) ? 8 : 16

const wordsOf = (ip: string): ReadonlyArray<number> | undefined =>
  ip.includes(":")
    ? Result.getOrUndefined(Result.map(NetAddress.ipv6FromString(ip), NetAddress.ipv6ToSegments))
    : Result.getOrUndefined(Result.map(NetAddress.ipv4FromString(ip), NetAddress.ipv4ToOctets))

const holds = ({ bits, words }: Network, address: ReadonlyArray<number>): boolean => {
  if (words.length !== address.length) return false
  const width = widthOf(words)
  return words.every((word, at) => {
    const free = Math.max(0, width - Math.max(0, bits - at * width))
    return word >>> free === address[at]! >>> free
  })
}
