/**
 * Zones of IPv6 addresses: which link a link-local address (`fe80::1%eth0`) is on, by the name of the interface.
 *
 * A zone means something on one host only. So nobody says its own, and a receiver takes such an address to be on the link
 * on which it heard of it (RFC 4007).
 */
import * as Ip from "./Ip.ts"
import type * as Member from "./Member.ts"

/** An address without its zone, as messages carry it. */
export const without = (ip: string): string => {
  const at = ip.indexOf("%")
  return at < 0 ? ip : ip.slice(0, at)
}

/** The zone of an address; undefined where it has none. */
export const of = (ip: string): string | undefined => {
  const at = ip.indexOf("%")
  return at < 0 ? undefined : ip.slice(at + 1)
}

/** Whether an address means something on its link only: those of fe80::/10. */
export const isLinkLocal = (ip: string): boolean => /^fe[89ab][0-9a-f]:/i.test(ip)

/** The address that is told of a server which cannot be reached from where it is told: nothing is sent there. */
export const nowhere = "0.0.0.0"

const isIpv6 = (ip: string): boolean => ip.includes(":")

/** Whether an address means the same at `to` as it does here. */
const isUnderstoodAt = (ip: string, to: string): boolean => {
  if (Ip.isLoopback(ip)) return Ip.isLoopback(to)
  if (!isLinkLocal(ip)) return true
  return isLinkLocal(to) && (of(ip) === undefined || of(to) === undefined || of(ip) === of(to))
}

/**
 * The address of a server for a message to `to`: of its known addresses, the first that means the same there, and rather
 * one of the same family; {@link nowhere} where none does. Without its zone.
 */
export const toldTo = (
  addresses: readonly [Member.Address, ...ReadonlyArray<Member.Address>],
  to: Pick<Member.Address, "ip">
): Member.Address => {
  let told: Member.Address | undefined
  for (const address of addresses) {
    if (!isUnderstoodAt(address.ip, to.ip)) continue
    told ??= address
    if (isIpv6(address.ip) !== isIpv6(to.ip)) continue
    told = address
    break
  }
  return told === undefined ? { ip: nowhere, port: addresses[0].port } : { ip: without(told.ip), port: told.port }
}

/**
 * The address for sending to a server that a message from `from` names: its address, on the link of `from` if it is
 * link-local. The zone in the message is left out, since it is one of the sender's own host. Null if it cannot be reached:
 * the loopback address of another host is no address here, nor is {@link nowhere}.
 */
export const heardOfFrom = (told: Member.Address, from: Member.Address): Member.Address | null => {
  const { port } = told
  const ip = Ip.canonical(told.ip) ?? told.ip
  if (ip === nowhere || (Ip.isLoopback(ip) && !Ip.isLoopback(from.ip))) return null
  if (!isLinkLocal(ip)) return { ip, port }
  const zone = of(from.ip)
  return { ip: zone === undefined ? without(ip) : `${without(ip)}%${zone}`, port }
}

/**
 * A server that is heard at `from`, at the address that it announces; where that is of its own host only, and it is heard from
 * another, at the one where it is heard.
 */
export const announced = <A extends Member.Address>(sender: A, from: Member.Address): A =>
  Ip.isLoopback(sender.ip) && !Ip.isLoopback(from.ip) ? { ...sender, ip: without(from.ip), port: from.port } : sender

/**
 * A server that a message from `from` names, at the address at which it is taken to be: the sender itself is at `from`,
 * regardless of what it says of itself.
 */
export const placed = <A extends Member.Address & { readonly id: string }>(
  told: A,
  speaker: { readonly id: string },
  from: Member.Address
): A => told.id === speaker.id ? { ...told, ip: without(from.ip), port: from.port } : told

/** Whether both are one address. If only one names its zone, the other may be that of the same link. */
export const isSame = (self: Member.Address, that: Member.Address): boolean => {
  if (self.port !== that.port) return false
  if (self.ip === that.ip) return true
  const bothZoned = of(self.ip) !== undefined && of(that.ip) !== undefined
  return !bothZoned && without(self.ip) === without(that.ip)
}

/** Whether an address is one of the host that has these: one of them, or the loopback. */
export const isOfHost = (ip: string, own: ReadonlyArray<Pick<Member.Address, "ip">>): boolean =>
  Ip.isLoopback(ip) || own.some((one) => without(one.ip) === without(ip))
