/** The tables of routes of Linux. */
import * as Option from "effect/Option"
import * as Networks from "../Networks.ts"
import type { LinkRoute } from "./Interfaces.ts"

/** The interface of the default route in a text of the form of `/proc/net/route`: the one of the lowest metric. */
export const defaultRouteOf = (routes: string): Option.Option<string> => cheapest(read4(routes))

/** The interface of the default route in a text of the form of `/proc/net/ipv6_route`: the one of the lowest metric. */
export const defaultRoute6Of = (routes: string): Option.Option<string> => cheapest(read6(routes))

/**
 * The networks that need no router in a text of the form of `/proc/net/route`. A route of so few bits that it is rather a way
 * to everywhere (`Networks.fewestBits`) is none of them.
 */
export const linkRoutesOf = (routes: string): ReadonlyArray<LinkRoute> => onLink(read4(routes))

/**
 * The networks that need no router in a text of the form of `/proc/net/ipv6_route`, but for those of the links themselves.
 */
export const linkRoutes6Of = (routes: string): ReadonlyArray<LinkRoute> => onLink(read6(routes))

// internal

interface Route {
  readonly device: string
  readonly destination: string
  readonly bits: number
  readonly gateway: string
  readonly flags: number
  readonly metric: number
}

// Flags of the kernel's routes: RTF_UP, RTF_GATEWAY, RTF_REJECT, RTF_ANYCAST, RTF_LOCAL.
const up = 0x1
const gateway = 0x2
const reject = 0x200
const anycast = 0x10_0000
const local = 0x8000_0000

const isOpen = ({ flags }: Route): boolean => (flags & up) !== 0 && (flags & reject) === 0

const cheapest = (routes: ReadonlyArray<Route>): Option.Option<string> => {
  let best: Route | undefined
  for (const route of routes) {
    if (route.bits === 0 && isOpen(route) && (best === undefined || route.metric < best.metric)) best = route
  }
  return Option.fromNullishOr(best?.device)
}

const onLink = (routes: ReadonlyArray<Route>): ReadonlyArray<LinkRoute> =>
  routes.flatMap((route) => {
    const hasGateway = (route.flags & gateway) !== 0 || /[^0]/.test(route.gateway)
    // An address of this host itself is no neighbour's.
    if (!isOpen(route) || hasGateway || (route.flags & (anycast | local)) !== 0) return []
    // Multicast and the addresses of every link have rules of their own.
    if (/^f[ef]/i.test(route.destination) && route.destination.includes(":")) return []
    return Option.match(Networks.around(route.destination, route.bits), {
      onNone: () => [],
      onSome: (network) => [{ device: route.device, network }]
    })
  })

/** Words of 32 bits in the order of this machine's bytes, which is that of all machines that Node runs Linux on but s390x. */
const dotted = (hex: string): string => [6, 4, 2, 0].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)).join(".")

const onesIn = (hex: string): number => Number.parseInt(hex, 16).toString(2).replaceAll("0", "").length

const read4 = (routes: string): ReadonlyArray<Route> =>
  routes.split("\n").slice(1).flatMap((line) => {
    const [device, destination = "", gateway = "", flags = "", , , metric, mask = ""] = line.trim().split(/\s+/)
    if (device === undefined || !isHex(destination, 8) || !isHex(mask, 8)) return []
    return [{
      device,
      destination: dotted(destination),
      bits: onesIn(mask),
      gateway,
      flags: Number.parseInt(flags, 16),
      metric: Number(metric)
    }]
  })

const read6 = (routes: string): ReadonlyArray<Route> =>
  routes.split("\n").flatMap((line) => {
    const [destination = "", bits = "", , , gateway = "", metric = "", , , flags = "", device] = line.trim().split(
      /\s+/
    )
    if (device === undefined || !isHex(destination, 32)) return []
    return [{
      device,
      destination: colons(destination),
      bits: Number.parseInt(bits, 16),
      gateway,
      flags: Number.parseInt(flags, 16),
      metric: Number.parseInt(metric, 16)
    }]
  })

const isHex = (text: string, digits: number): boolean => text.length === digits && /^[0-9a-f]+$/i.test(text)

const colons = (hex: string): string => hex.match(/.{4}/g)?.join(":") ?? ""
