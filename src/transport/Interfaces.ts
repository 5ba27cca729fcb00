/**
 * Which network interfaces a server uses: the choice, the order, and what counts as directly connected, in IPv4 and IPv6.
 *
 * The choice is a pure function over what the system has. The service says what the system has, so that a test can say
 * something else; `NodeInterfaces` asks the system.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Zone from "../protocol/Zone.ts"
import { DatagramsFailed } from "./Datagrams.ts"

/**
 * A version of the Internet Protocol: each group has one, or meets in both.
 *
 * @category models
 * @since 0.1.0
 */
export type Family = "IPv4" | "IPv6"

/**
 * The family of an address.
 *
 * @category conversions
 * @since 0.1.0
 */
export const familyOf = (ip: string): Family => ip.includes(":") ? "IPv6" : "IPv4"

/**
 * One address of one interface that is up; a link-local one of IPv6 with its zone. An interface with several addresses is
 * listed once for each.
 *
 * @category models
 * @since 0.1.0
 */
export interface SystemInterface {
  readonly name: string
  readonly address: string
  readonly netmask: string
  /** Whether it is the loopback. */
  readonly internal: boolean
  /** The number by which the system knows the interface; without it IPv6 multicast cannot be told to use it. */
  readonly index?: number | undefined
}

/**
 * The interfaces that a server uses, each by one address; the first is the primary one. Never empty.
 *
 * @category models
 * @since 0.1.0
 */
export type Chosen = readonly [SystemInterface, ...ReadonlyArray<SystemInterface>]

/**
 * What the system has. Both are asked again and again while a server runs, since networks come and go, and neither
 * fails: what cannot be found out is none.
 *
 * @category services
 * @since 0.1.0
 */
export class Interfaces extends Context.Service<Interfaces, {
  /** The addresses of all interfaces that are up, in the order of the system. */
  readonly scan: Effect.Effect<ReadonlyArray<SystemInterface>>
  /** The name of the interface that the default route goes out of, where there is one and the system tells. */
  readonly defaultRoute: Effect.Effect<Option.Option<string>>
}>()("bellwether/transport/Interfaces") {}

/**
 * The interfaces for a setting (names or addresses; empty for the default choice).
 *
 * Fails with `NoSuchInterface` where none of those that are named is there and up, and where there is none at all.
 *
 * @category constructors
 * @since 0.1.0
 */
export const chosen = Effect.fnUntraced(function*(named: ReadonlyArray<string>) {
  const interfaces = yield* Interfaces
  const system = yield* interfaces.scan
  const defaultRoute = yield* interfaces.defaultRoute
  return yield* Effect.fromResult(choose({ system, named, defaultRoute }))
})

/**
 * The choice itself, for one family (IPv4 unless said). What is named and there is taken, and nothing else (`absent` has
 * the rest); an address names its interface for the other family. Where nothing is named: all but the loopback and what
 * `isVirtual`; `lo` where that leaves none. One address an interface: the one that is named, else one that somebody assigned
 * before one that the host gave itself (169.254/16, fe80::/10), or the other way round where `linkLocal` says so; else the
 * first one of the system.
 * The interface of the default route comes first; the others keep their order.
 *
 * @category constructors
 * @since 0.1.0
 */
export const choose = (options: {
  readonly system: ReadonlyArray<SystemInterface>
  readonly named: ReadonlyArray<string>
  readonly defaultRoute: Option.Option<string>
  readonly family?: Family | undefined
  readonly linkLocal?: boolean | undefined
}): Result.Result<Chosen, DatagramsFailed> => {
  const { family = "IPv4", linkLocal = false, named, system } = options
  const taken: Array<SystemInterface> = []
  const fitting = system.filter((one) => familyOf(one.address) === family)
  const liked = fitting.filter((one) => isSelfAssigned(one.address) === linkLocal)
  if (named.length === 0) {
    const isPhysical = (one: SystemInterface) => !one.internal && !isVirtual(one.name)
    taken.push(...liked.filter(isPhysical), ...fitting.filter(isPhysical))
    if (taken.length === 0) taken.push(...fitting.filter((one) => one.internal))
  } else {
    for (const name of named) {
      const device = system.find((one) => isNamed(one, name))?.name
      const isOfIt = (one: SystemInterface) => one.name === name || one.name === device
      const found = fitting.find((one) => isNamed(one, name) && one.name !== name) ?? liked.find(isOfIt)
        ?? fitting.find(isOfIt)
      if (found !== undefined) taken.push(found)
    }
  }
  const order: Array<SystemInterface> = []
  for (const one of taken) {
    if (!order.some((earlier) => deviceOf(earlier.name) === deviceOf(one.name))) order.push(one)
  }
  const primary = order.findIndex((one) => Option.contains(options.defaultRoute, deviceOf(one.name)))
  if (primary > 0) order.unshift(...order.splice(primary, 1))
  const [first, ...rest] = order
  return first === undefined
    ? Result.fail(noSuchInterface(named.length === 0 ? ["any"] : named, system, [family]))
    : Result.succeed([first, ...rest])
}

/**
 * Those of the names (or addresses) of a setting that no interface has which is up and has an address of one of the
 * families.
 *
 * @category constructors
 * @since 0.1.0
 */
export const absent = (options: {
  readonly system: ReadonlyArray<SystemInterface>
  readonly named: ReadonlyArray<string>
  readonly families: ReadonlyArray<Family>
}): ReadonlyArray<string> => {
  const { families, named, system } = options
  return named.filter((name) => {
    const devices = new Set(system.flatMap((one) => isNamed(one, name) ? [one.name] : []))
    return !system.some((one) => devices.has(one.name) && families.includes(familyOf(one.address)))
  })
}

/**
 * That interfaces are not there, and which are.
 *
 * @category errors
 * @since 0.1.0
 */
export const noSuchInterface = (
  names: ReadonlyArray<string>,
  system: ReadonlyArray<SystemInterface>,
  families: ReadonlyArray<Family>
): DatagramsFailed => {
  const there = system.filter((one) => families.includes(familyOf(one.address))).map(describe).join(", ")
  const none = `no ${families.join(" or ")} interface that is up`
  return new DatagramsFailed({
    during: "open",
    kind: "NoSuchInterface",
    where: `${names.join(", ")} (there is: ${there === "" ? none : there})`
  })
}

/**
 * Whether an interface is left out unless it is named: bridges and links of containers and virtual machines, which
 * lead to no other host of the LAN, and tunnels, most of which carry no multicast and all of which lead elsewhere.
 *
 * @category guards
 * @since 0.1.0
 */
export const isVirtual = (name: string): boolean => virtual.some((pattern) => pattern.test(name))

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

/**
 * The interface of the default route in a text of the form of `/proc/net/route`: the one of the lowest metric.
 *
 * @category constructors
 * @since 0.1.0
 */
export const defaultRouteOf = (routes: string): Option.Option<string> => {
  let best: { readonly name: string; readonly metric: number } | undefined
  for (const line of routes.split("\n").slice(1)) {
    const [name, destination, , flags, , , metric, mask] = line.trim().split(/\s+/)
    if (name === undefined || destination !== "00000000" || mask !== "00000000") continue
    const bits = Number.parseInt(flags ?? "0", 16)
    if ((bits & routeUp) === 0 || (bits & routeReject) !== 0) continue
    if (best === undefined || Number(metric) < best.metric) best = { name, metric: Number(metric) }
  }
  return Option.fromNullishOr(best?.name)
}

/**
 * The interface of the default route in a text of the form of `/proc/net/ipv6_route`: the one of the lowest metric.
 *
 * @category constructors
 * @since 0.1.0
 */
export const defaultRoute6Of = (routes: string): Option.Option<string> => {
  let best: { readonly name: string; readonly metric: number } | undefined
  for (const line of routes.split("\n")) {
    const [destination, length, , , , metric = "", , , flags = "", name] = line.trim().split(/\s+/)
    if (name === undefined || destination !== "0".repeat(32) || length !== "00") continue
    const bits = Number.parseInt(flags, 16)
    if ((bits & routeUp) === 0 || (bits & routeReject) !== 0) continue
    if (best === undefined || Number.parseInt(metric, 16) < best.metric) {
      best = { name, metric: Number.parseInt(metric, 16) }
    }
  }
  return Option.fromNullishOr(best?.name)
}

/**
 * An interface for people to read.
 *
 * @category conversions
 * @since 0.1.0
 */
export const describe = (one: SystemInterface): string => `${one.name} ${one.address}`

// internal

const virtual: ReadonlyArray<RegExp> = [
  // Docker's default bridge, its bridges of user networks and of swarm.
  /^docker\d/,
  /^br-/,
  /^docker_gwbridge$/,
  // The host's end of a link into a container, and the bridges and links of Kubernetes' networks.
  /^veth/,
  /^cni/,
  /^cali/,
  /^cilium/,
  /^lxc/,
  /^flannel/,
  // Bridges of podman, LXD and Incus.
  /^podman\d/,
  /^(lxd|incus)br/,
  // Bridges and host-only networks of libvirt, VMware, VirtualBox, Parallels, and of Apple's and Microsoft's machines.
  /^virbr/,
  /^vmnet/,
  /^VMware /,
  /^vboxnet/,
  /^VirtualBox /,
  /^vnic\d/,
  /^bridge1\d\d/,
  /^vEthernet \((WSL|Default Switch|nat)/,
  // Tunnels: OpenVPN and its like, IPsec, WireGuard, Tailscale, ZeroTier, dial-up.
  /^tun/,
  /^tap/,
  /^utun/,
  /^ipsec/,
  /^wg/,
  /^tailscale/i,
  /^zt/,
  /^ppp/,
  /^(sit|gre|ip6tnl|tunl)\d/,
  // Apple's link to devices nearby: no network of the operator's.
  /^(awdl|llw|anpi|ap)\d/
]

// Flags of the kernel's routes: RTF_UP, RTF_REJECT.
const routeUp = 0x1
const routeReject = 0x200

// Linux lists a second address with a label ("eth0:1"); a group is joined once for each device, not for each label.
const deviceOf = (name: string): string => {
  const colon = name.indexOf(":")
  return colon < 0 ? name : name.slice(0, colon)
}

/** Whether an address is what a host gives itself for want of a better one, or besides it. */
const isSelfAssigned = (address: string): boolean => address.startsWith("169.254.") || Zone.isLinkLocal(address)

/** By its name, or by its address with or without the zone. */
const isNamed = (one: SystemInterface, name: string): boolean =>
  one.name === name || one.address === name || (Zone.of(name) === undefined && Zone.without(one.address) === name)

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
