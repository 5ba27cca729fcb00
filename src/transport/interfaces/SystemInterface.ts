/** One address of one interface of this host, as the system tells of it. */
import type * as NetAddress from "effect/net/NetAddress"
import * as Zone from "../../protocol/model/Zone.ts"

/** The family of an address. */
export const familyOf = (ip: string): NetAddress.IpFamily => ip.includes(":") ? "IPv6" : "IPv4"

/**
 * Why an address is worse than another, or no use at all.
 *
 * - `duplicate`: another host of the link has it, so the system does not let it be used. `tentative`: the system is still
 *   asking whether another has it. `deprecated`: it works, but is to be given up.
 */
export type Flaw = "duplicate" | "tentative" | "deprecated"

/**
 * One address of one interface that is up; a link-local one of IPv6 with its zone. An interface with several addresses is
 * listed once for each.
 */
export interface SystemInterface {
  readonly name: string
  readonly address: string
  /** How many bits of the address name its network. */
  readonly prefixLength: number
  /** Whether it is the loopback. */
  readonly internal: boolean
  /** The number by which the system knows the interface; without it IPv6 multicast cannot be told to use it. */
  readonly index?: number | undefined
  readonly flaw?: Flaw | undefined
}

/** Whether the system lets a socket be bound to it. */
export const isUsable = ({ flaw }: SystemInterface): boolean => flaw !== "duplicate" && flaw !== "tentative"

/** Whether an address is one that a host gives itself, for want of a better one or besides it: 169.254/16, fe80::/10. */
export const isSelfAssigned = (address: string): boolean => address.startsWith("169.254.") || Zone.isLinkLocal(address)

/** The device of an interface: Linux lists a second address with a label ("eth0:1"), and that is the same device. */
export const deviceOf = (name: string): string => {
  const colon = name.indexOf(":")
  return colon < 0 ? name : name.slice(0, colon)
}

/** An interface for people to read. */
export const describe = (one: SystemInterface): string => `${one.name} ${one.address}`
