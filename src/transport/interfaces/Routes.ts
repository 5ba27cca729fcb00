/**
 * The tables of routes of Linux.
 *
 * @since 0.1.0
 */
import * as Option from "effect/Option"

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

// internal

// Flags of the kernel's routes: RTF_UP, RTF_REJECT.
const routeUp = 0x1
const routeReject = 0x200
