/**
 * One address of one interface of this host, as the system tells of it.
 *
 * @since 0.1.0
 */
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
 * An interface for people to read.
 *
 * @category conversions
 * @since 0.1.0
 */
export const describe = (one: SystemInterface): string => `${one.name} ${one.address}`

/**
 * The device of an interface: Linux lists a second address with a label ("eth0:1"), and that is the same device.
 *
 * @category conversions
 * @since 0.1.0
 */
export const deviceOf = (name: string): string => {
  const colon = name.indexOf(":")
  return colon < 0 ? name : name.slice(0, colon)
}
