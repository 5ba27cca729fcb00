/** Why each interface of the system is used or left alone: the choice of `Choice`, explained for people. */
import * as Result from "effect/Result"
import type { MulticastGroup } from "../../settings/MulticastGroup.ts"
import { choose } from "./Choice.ts"
import type { System } from "./Interfaces.ts"
import { familyOf, type SystemInterface } from "./SystemInterface.ts"
import { isVirtual } from "./VirtualNames.ts"

/**
 * Why an address of an interface is used, or is not.
 *
 * - Used: `Named`, the setting names it. `Automatic`, nobody has to name it. `OnlyLoopback`, there is no other.
 * - Not used: `NotNamed`, the setting names others. `Virtual`, its name is that of a bridge of containers or machines, or of
 *   a tunnel. `Loopback`, there are others. `SecondAddress`, another address of the same interface is used for its network.
 */
export type Why = "Named" | "Automatic" | "OnlyLoopback" | "NotNamed" | "Virtual" | "Loopback" | "SecondAddress"

/** One address of one interface, and what becomes of it. `primary` for the one whose address the server announces. */
export interface Explained extends SystemInterface {
  readonly chosen: boolean
  readonly primary: boolean
  readonly why: Why
}

/**
 * The choice for all addresses of the system that are of a family of the group, in its order. Named interfaces that are not
 * there are left out.
 */
export const explain = (options: {
  readonly system: System
  readonly named: ReadonlyArray<string>
  /** The multicast groups: addresses of another family are none that could be chosen. */
  readonly multicastAddress?: ReadonlyArray<MulticastGroup> | undefined
}): ReadonlyArray<Explained> => {
  const multicastGroups: ReadonlyArray<Pick<MulticastGroup, "family" | "linkLocal">> = options.multicastAddress
    ?? [{ family: "IPv4", linkLocal: false }]
  const families = new Set(multicastGroups.map(({ family }) => family))
  const chosen: ReadonlyArray<SystemInterface> = multicastGroups.flatMap(({ family, linkLocal }) =>
    Result.getOrElse(choose({ ...options, family, linkLocal }), (): ReadonlyArray<SystemInterface> => [])
  )
  const isNamed = ({ address, name }: SystemInterface) =>
    options.named.includes(name) || options.named.includes(address)
  const why = (one: SystemInterface): Why => {
    const isChosen = chosen.includes(one)
    if (options.named.length > 0) return isChosen ? "Named" : isNamed(one) ? "SecondAddress" : "NotNamed"
    if (isChosen) return one.internal ? "OnlyLoopback" : "Automatic"
    if (one.internal) return "Loopback"
    return isVirtual(one.name) ? "Virtual" : "SecondAddress"
  }
  const fitting = options.system.addresses.filter(({ address }) => families.has(familyOf(address)))
  const explained: Array<Explained> = []
  for (const one of fitting) {
    explained.push({ ...one, chosen: chosen.includes(one), primary: chosen[0] === one, why: why(one) })
  }
  return explained
}
