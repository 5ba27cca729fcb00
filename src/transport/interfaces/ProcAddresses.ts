/**
 * The addresses of this host by files of Linux: the flaws of an address, and the addresses themselves if the system does
 * not answer in the usual way.
 */
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Zone from "../../protocol/model/Zone.ts"
import * as Networks from "../Networks.ts"
import type { LinkRoute } from "./Interfaces.ts"
import { deviceOf, familyOf, type Flaw, type SystemInterface } from "./SystemInterface.ts"

/**
 * Addresses with their flaws, and with the numbers of their interfaces, by a text of the form of `/proc/net/if_inet6`.
 * Addresses that it does not list stay as they are.
 */
export const withDetails = (
  addresses: ReadonlyArray<SystemInterface>,
  ifInet6: string
): ReadonlyArray<SystemInterface> => {
  const lines = read(ifInet6)
  const indices = new Map(lines.map(({ index, name }) => [name, index]))
  const flaws = new Map(lines.map(({ address, flags, name }) => [`${name} ${address}`, flawOf(flags)]))
  return addresses.map((one) => {
    const index = one.index ?? indices.get(deviceOf(one.name))
    const flaw = familyOf(one.address) === "IPv6" ? flaws.get(`${one.name} ${canonical(one.address)}`) : undefined
    return { ...one, ...index === undefined ? {} : { index }, ...flaw === undefined ? {} : { flaw } }
  })
}

/**
 * The addresses of all interfaces, by texts of the form of `/proc/net/fib_trie` and `/proc/net/if_inet6`. An address of IPv4 is
 * on the device that has a route to its network; where none has, it is left out. So are those of the links themselves: the
 * sockets of Node cannot say their zones where the system does not tell of interfaces.
 */
export const addressesOf = (
  fibTrie: string,
  ifInet6: string,
  linkRoutes: ReadonlyArray<LinkRoute>
): ReadonlyArray<SystemInterface> => [...addresses4(fibTrie, linkRoutes), ...addresses6(ifInet6)]

// internal

interface Line {
  readonly address: string
  readonly index: number
  readonly bits: number
  readonly flags: number
  readonly name: string
}

// Flags of the kernel's addresses: IFA_F_DADFAILED, IFA_F_DEPRECATED, IFA_F_TENTATIVE; an optimistic one is used already.
const failed = 0x08
const deprecated = 0x20
const tentative = 0x40
const optimistic = 0x04

const flawOf = (flags: number): Flaw | undefined =>
  (flags & failed) !== 0
    ? "duplicate"
    : (flags & tentative) !== 0 && (flags & optimistic) === 0
    ? "tentative"
    : (flags & deprecated) !== 0
    ? "deprecated"
    : undefined

/** Spelt in one way, and without a zone. */
const canonical = (ip: string): string =>
  Option.match(Networks.addressOf(ip), { onNone: () => ip, onSome: (address) => NetAddress.formatIp(address) })

const read = (ifInet6: string): ReadonlyArray<Line> =>
  ifInet6.split("\n").flatMap((line) => {
    const [hex = "", index = "", bits = "", , flags = "", name] = line.trim().split(/\s+/)
    if (name === undefined || !/^[0-9a-f]{32}$/i.test(hex)) return []
    return [{
      address: canonical(hex.match(/.{4}/g)!.join(":")),
      index: Number.parseInt(index, 16),
      bits: Number.parseInt(bits, 16),
      flags: Number.parseInt(flags, 16),
      name
    }]
  })

const addresses6 = (ifInet6: string): ReadonlyArray<SystemInterface> =>
  read(ifInet6).filter(({ address }) => !Zone.isLinkLocal(address)).map(({ address, bits, flags, index, name }) => {
    const flaw = flawOf(flags)
    return { name, address, prefixLength: bits, internal: name === "lo", index, flaw }
  })

const addresses4 = (fibTrie: string, linkRoutes: ReadonlyArray<LinkRoute>): ReadonlyArray<SystemInterface> => {
  // A leaf names its address on a line of its own; its kind stands below it.
  const own = new Set<string>()
  let leaf = ""
  for (const line of fibTrie.split("\n")) {
    leaf = /\|-- ([0-9.]+)/.exec(line)?.[1] ?? leaf
    if (/\/32 host LOCAL/.test(line)) own.add(leaf)
  }
  return [...own].flatMap((address): ReadonlyArray<SystemInterface> => {
    if (address.startsWith("127.")) return [{ name: "lo", address, prefixLength: 8, internal: true }]
    const ways = linkRoutes.filter(({ network }) => Networks.hold([network], address))
      .toSorted((one, other) => other.network.prefixLength - one.network.prefixLength)
    const [way] = ways
    if (way === undefined) return []
    return [{ name: way.device, address, prefixLength: way.network.prefixLength, internal: false }]
  })
}
