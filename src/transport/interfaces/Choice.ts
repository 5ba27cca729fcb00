/** The network interfaces that a server uses, in their order: a pure function of the system's interfaces. */
import * as IpNetwork from "effect/net/IpNetwork"
import type * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Zone from "../../protocol/model/Zone.ts"
import { DatagramsFailed } from "../Datagrams.ts"
import type { Attachment } from "./Changes.ts"
import { networkOf } from "./Direct.ts"
import type { System } from "./Interfaces.ts"
import { describe, deviceOf, familyOf, isSelfAssigned, type SystemInterface } from "./SystemInterface.ts"
import { isInner, isTunnel, isVirtual } from "./VirtualNames.ts"

/** The addresses that a server uses; the first is the primary one. Never empty. */
export type Chosen = readonly [SystemInterface, ...ReadonlyArray<SystemInterface>]

/**
 * The inputs of a choice. `named` is the setting: names or addresses, empty for the default choice. `linkLocal` says that
 * addresses of the link itself are the surest.
 */
export interface Wanted {
  readonly system: System
  readonly named: ReadonlyArray<string>
  readonly family?: NetAddress.IpFamily | undefined
  readonly linkLocal?: boolean | undefined
}

/**
 * The choice itself, for one family (IPv4 unless said). Fails with `NoSuchInterface` if there is nothing to choose.
 *
 * - Named interfaces that are there are taken, and nothing else (`absent` has the other names); an address names its
 *   interface for the other family.
 * - If nothing is named: all except the loopback and those that are virtual (`isVirtual`); but the interface of the default
 *   route is taken under any name, if it is no tunnel. If that leaves none: the only one that is no bridge of this
 *   host's containers or machines; otherwise the loopback.
 * - Each device by one address: the named one, otherwise its best. Assigned addresses come before those that the host gave
 *   itself (169.254/16, fe80::/10), or the other way round if `linkLocal` says so. A deprecated address, or one that is
 *   still being checked, gives way to others of its kind; one that another host has gives way to all others.
 * - Then, of each device that is not named by an address, one address on each further network that somebody assigned: its
 *   neighbours there answer no other.
 * - The interface of the default route comes first; the others keep their order.
 */
export const choose = (wanted: Wanted): Result.Result<Chosen, DatagramsFailed> => {
  const { family = "IPv4", linkLocal = false, named, system } = wanted
  const ranked = system.addresses.filter(({ address }) => familyOf(address) === family)
    .toSorted((one, other) => rank(one, linkLocal) - rank(other, linkLocal))
  const byAddress = new Set<string>()
  const taken = named.length === 0 ? automatic(ranked, system.defaultRoute) : named.flatMap((name) => {
    const itself = ranked.find((one) => isNamed(one, name) && one.name !== name)
    if (itself !== undefined) byAddress.add(deviceOf(itself.name))
    const device = system.addresses.find((one) => isNamed(one, name))?.name
    const found = itself ?? ranked.find((one) => one.name === name || one.name === device)
    return found === undefined ? [] : [found]
  })
  const first = new Map<string, SystemInterface>()
  for (const one of taken) if (!first.has(deviceOf(one.name))) first.set(deviceOf(one.name), one)
  const order = [...first.values()]
  const primary = order.findIndex((one) => Option.contains(system.defaultRoute, deviceOf(one.name)))
  if (primary > 0) order.unshift(...order.splice(primary, 1))
  if (!linkLocal) order.push(...further(order.filter(({ name }) => !byAddress.has(deviceOf(name))), ranked))
  const [best, ...rest] = order
  return best === undefined
    ? Result.fail(noSuchInterface(named.length === 0 ? ["any"] : named, system.addresses, [family]))
    : Result.succeed([best, ...rest])
}

/**
 * The choice for each multicast group of an endpoint, in their order. `refused` says why there is nothing for the first of
 * those groups for which there is nothing.
 */
export const chooseAll = (
  wanted: Pick<Wanted, "system" | "named">,
  groups: ReadonlyArray<Required<Pick<Wanted, "family" | "linkLocal">>>
): { readonly wanted: ReadonlyArray<Attachment>; readonly refused: DatagramsFailed | undefined } => {
  const choices = groups.map(({ family, linkLocal }) => choose({ ...wanted, family, linkLocal }))
  return {
    wanted: choices.flatMap((choice, group) =>
      Result.isSuccess(choice) ? choice.success.map((one) => ({ group, interface: one })) : []
    ),
    refused: choices.find(Result.isFailure)?.failure
  }
}

/**
 * The other addresses of the device of a chosen one, on the same terms, to try if the system refuses that one. Best first.
 */
export const alternatives = ({ addresses }: System, chosen: SystemInterface): ReadonlyArray<SystemInterface> =>
  addresses.filter((one) =>
    one.address !== chosen.address && isOneDevice(one, chosen) && familyOf(one.address) === familyOf(chosen.address)
    && isSelfAssigned(one.address) === isSelfAssigned(chosen.address)
  ).toSorted((one, other) => rank(one, false) - rank(other, false))

/**
 * Those of the names (or addresses) of a setting that no interface has which is up and has an address of one of the
 * families.
 */
export const absent = (options: {
  readonly system: System
  readonly named: ReadonlyArray<string>
  readonly families: ReadonlyArray<NetAddress.IpFamily>
}): ReadonlyArray<string> => {
  const { families, named, system: { addresses } } = options
  return named.filter((name) => {
    const devices = new Set(addresses.flatMap((one) => isNamed(one, name) ? [one.name] : []))
    return !addresses.some((one) => devices.has(one.name) && families.includes(familyOf(one.address)))
  })
}

/** That interfaces are not there, and which are. */
export const noSuchInterface = (
  names: ReadonlyArray<string>,
  addresses: ReadonlyArray<SystemInterface>,
  families: ReadonlyArray<NetAddress.IpFamily>
): DatagramsFailed => {
  const there = addresses.filter((one) => families.includes(familyOf(one.address))).map(describe).join(", ")
  const none = `no ${families.join(" or ")} interface that is up`
  return new DatagramsFailed({
    during: "open",
    kind: "NoSuchInterface",
    where: `${names.join(", ")} (there is: ${there === "" ? none : there})`
  })
}

/**
 * The interfaces that were left out, and why, if nothing but the loopback was chosen though the host has other addresses.
 * Empty otherwise.
 */
export const leftOut = (
  { named, system: { addresses } }: Pick<Wanted, "system" | "named">,
  used: ReadonlyArray<SystemInterface>,
  families: ReadonlyArray<NetAddress.IpFamily>
): string => {
  if (named.length > 0 || used.length === 0 || used.some(({ internal }) => !internal)) return ""
  const others = addresses.filter(({ internal }) => !internal)
  const virtual = others.filter(({ address }) => families.includes(familyOf(address)))
  if (virtual.length > 0) {
    return `${shown(virtual)} left out, as the names are those of bridges, links or tunnels of this host; name one in `
      + "`interfaces` to use it"
  }
  return others.length === 0 ? "" : `${shown(others)} left out, as the group meets in ${families.join(" and ")}`
}

// internal

const shown = (some: ReadonlyArray<SystemInterface>): string => {
  const texts = some.slice(0, 4).map(describe)
  return some.length > texts.length ? `${texts.join(", ")} and ${some.length - texts.length} more` : texts.join(", ")
}

const flaws = { none: 0, deprecated: 1, tentative: 2 } as const

/** Of two addresses of a device the one of the lower rank is used. */
const rank = ({ address, flaw }: SystemInterface, linkLocal: boolean): number => {
  if (flaw === "duplicate") return 2 * Object.keys(flaws).length
  const isLiked = isSelfAssigned(address) === linkLocal
  return flaws[flaw ?? "none"] + (isLiked ? 0 : Object.keys(flaws).length)
}

const automatic = (
  ranked: ReadonlyArray<SystemInterface>,
  defaultRoute: Option.Option<string>
): ReadonlyArray<SystemInterface> => {
  const outer = ranked.filter(({ internal }) => !internal)
  const isUplink = ({ name }: SystemInterface) => Option.contains(defaultRoute, deviceOf(name)) && !isTunnel(name)
  const ordinary = outer.filter((one) => !isVirtual(one.name) || isUplink(one))
  if (ordinary.length > 0) return ordinary
  const odd = outer.filter(({ name }) => !isInner(name))
  const isOnly = odd.length > 0 && odd.every((one) => isOneDevice(one, odd[0]!))
  return isOnly ? odd : ranked.filter(({ internal }) => internal)
}

/** Each costs a socket, and a heartbeat each time. */
const mostFurther = 16

/** One address on each network of the chosen devices that no chosen address is on. */
const further = (
  chosen: ReadonlyArray<SystemInterface>,
  ranked: ReadonlyArray<SystemInterface>
): ReadonlyArray<SystemInterface> => {
  const networks = new Map(chosen.map((one) => [deviceOf(one.name), Option.toArray(networkOf(one))]))
  const more: Array<SystemInterface> = []
  for (const one of ranked) {
    const covered = networks.get(deviceOf(one.name))
    if (covered === undefined || one.internal || one.flaw !== undefined || isSelfAssigned(one.address)) continue
    const network = Option.getOrThrow(networkOf(one))
    const isAlone = network.prefixLength === (familyOf(one.address) === "IPv4" ? 32 : 128)
    if (isAlone || covered.some((other) => IpNetwork.overlaps(other, network))) continue
    covered.push(network)
    more.push(one)
  }
  return more.slice(0, mostFurther)
}

const isOneDevice = (one: SystemInterface, other: SystemInterface): boolean =>
  deviceOf(one.name) === deviceOf(other.name)

/** By its name, or by its address with or without the zone. */
const isNamed = (one: SystemInterface, name: string): boolean =>
  one.name === name || one.address === name || (Zone.of(name) === undefined && Zone.without(one.address) === name)
