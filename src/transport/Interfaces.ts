/**
 * Which network interfaces a server uses: the choice, the order, and what counts as directly connected. IPv4.
 *
 * The choice is a pure function over what the system has. The service says what the system has, so that a test can say
 * something else; `NodeInterfaces` asks the system.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { DatagramsFailed } from "./Datagrams.ts"

/**
 * One IPv4 address of one interface that is up. An interface with several addresses is listed once for each.
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
  /** The IPv4 addresses of all interfaces that are up, in the order of the system. */
  readonly scan: Effect.Effect<ReadonlyArray<SystemInterface>>
  /** The name of the interface that the default route goes out of, where there is one and the system tells. */
  readonly defaultRoute: Effect.Effect<Option.Option<string>>
}>()("bellwether/transport/Interfaces") {}

/**
 * The interfaces for a setting (names or addresses; empty for the default choice).
 *
 * Fails with `NoSuchInterface` where one that is named is not there or not up, and where there is none at all. Opens
 * no socket, so it serves to check the setting beforehand.
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
 * The choice itself. What is named is taken, and nothing else. Where nothing is named: all but the loopback and what
 * `isVirtual`; `lo` where that leaves none. One address an interface, the first one of the system unless another is
 * named. The interface of the default route comes first; the others keep their order.
 *
 * @category constructors
 * @since 0.1.0
 */
export const choose = (options: {
  readonly system: ReadonlyArray<SystemInterface>
  readonly named: ReadonlyArray<string>
  readonly defaultRoute: Option.Option<string>
}): Result.Result<Chosen, DatagramsFailed> => {
  const { named, system } = options
  const taken: Array<SystemInterface> = []
  if (named.length === 0) {
    const physical = system.filter((one) => !one.internal && !isVirtual(one.name))
    // A self-assigned address is what a host has for want of a better one.
    taken.push(...physical.filter((one) => !one.address.startsWith("169.254.")), ...physical)
    if (taken.length === 0) taken.push(...system.filter((one) => one.internal))
  } else {
    for (const name of named) {
      const found = system.find((one) => one.name === name) ?? system.find((one) => one.address === name)
      if (found === undefined) return Result.fail(noSuchInterface(name, system))
      taken.push(found)
    }
  }
  const order: Array<SystemInterface> = []
  for (const one of taken) {
    if (!order.some((earlier) => deviceOf(earlier.name) === deviceOf(one.name))) order.push(one)
  }
  const primary = order.findIndex((one) => Option.contains(options.defaultRoute, deviceOf(one.name)))
  if (primary > 0) order.unshift(...order.splice(primary, 1))
  const [first, ...rest] = order
  return first === undefined ? Result.fail(noSuchInterface("any", system)) : Result.succeed([first, ...rest])
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
 * Whether an address is on the network of one of the interfaces. All of 127.0.0.0/8 is; what is no IPv4 address is not.
 *
 * @category guards
 * @since 0.1.0
 */
export const isDirect = (interfaces: Iterable<SystemInterface>, ip: string): boolean => {
  const address = ipv4(ip)
  if (address === undefined) return false
  if (address >>> 24 === 127) return true
  for (const one of interfaces) {
    if (holds(one, address)) return true
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
  return address !== undefined && holds(one, address)
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

const noSuchInterface = (name: string, system: ReadonlyArray<SystemInterface>): DatagramsFailed => {
  const there = system.map((one) => `${one.name} ${one.address}`).join(", ")
  return new DatagramsFailed({
    during: "open",
    kind: "NoSuchInterface",
    where: `${name} (there is: ${there === "" ? "no IPv4 interface that is up" : there})`
  })
}

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
