/**
 * Zones of IPv6 addresses: which link a link-local address (`fe80::1%eth0`) is on, by the name of the interface.
 *
 * A zone means something on one host only. So nobody says one of itself, and whoever hears of such an address takes it to
 * be on the link on which it heard of it (RFC 4007).
 *
 * @since 0.1.0
 */
import * as Ip from "./Ip.ts"
import type * as Member from "./Member.ts"

/**
 * An address without its zone: what is said of it to others.
 *
 * @category conversions
 * @since 0.1.0
 */
export const without = (ip: string): string => {
  const at = ip.indexOf("%")
  return at < 0 ? ip : ip.slice(0, at)
}

/**
 * The zone of an address; undefined where it has none.
 *
 * @category conversions
 * @since 0.1.0
 */
export const of = (ip: string): string | undefined => {
  const at = ip.indexOf("%")
  return at < 0 ? undefined : ip.slice(at + 1)
}

/**
 * Whether an address means something on its link only: those of fe80::/10.
 *
 * @category guards
 * @since 0.1.0
 */
export const isLinkLocal = (ip: string): boolean => /^fe[89ab][0-9a-f]:/i.test(ip)

/**
 * Where to send to a server of which somebody at `from` has told: its address, on the link of that one where it is
 * link-local. What the other says of a zone is left out, since it is one of its own host. So is a loopback address one of
 * its own host: from elsewhere that host is meant, and never this one.
 *
 * @category conversions
 * @since 0.1.0
 */
export const heardOfFrom = (told: Member.Address, from: Member.Address): Member.Address => {
  const { port } = told
  const ip = Ip.canonical(told.ip) ?? told.ip
  if (Ip.isLoopback(ip) && !Ip.isLoopback(from.ip)) return { ip: from.ip, port }
  if (!isLinkLocal(ip)) return { ip, port }
  const zone = of(from.ip)
  return { ip: zone === undefined ? without(ip) : `${without(ip)}%${zone}`, port }
}

/**
 * Whether both are one address. Where only one names its zone, the other may be that of the same link.
 *
 * @category guards
 * @since 0.1.0
 */
export const isSame = (self: Member.Address, that: Member.Address): boolean => {
  if (self.port !== that.port) return false
  if (self.ip === that.ip) return true
  const bothZoned = of(self.ip) !== undefined && of(that.ip) !== undefined
  return !bothZoned && without(self.ip) === without(that.ip)
}
