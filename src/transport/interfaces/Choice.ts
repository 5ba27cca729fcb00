/**
 * Which network interfaces a server uses, and in which order: a pure function over what the system has.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Zone from "../../protocol/Zone.ts"
import { DatagramsFailed } from "../Datagrams.ts"
import { Interfaces } from "./Interfaces.ts"
import { type Chosen, describe, deviceOf, type Family, familyOf, type SystemInterface } from "./SystemInterface.ts"
import { isVirtual } from "./VirtualNames.ts"

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

// internal

/** Whether an address is what a host gives itself for want of a better one, or besides it. */
const isSelfAssigned = (address: string): boolean => address.startsWith("169.254.") || Zone.isLinkLocal(address)

/** By its name, or by its address with or without the zone. */
const isNamed = (one: SystemInterface, name: string): boolean =>
  one.name === name || one.address === name || (Zone.of(name) === undefined && Zone.without(one.address) === name)
