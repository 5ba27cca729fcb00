/**
 * One spelling of each IP address. Addresses are compared as texts all over, so each text that comes from outside (of a
 * setting, a message, a name server, a socket) is spelt anew, once, before anybody compares it.
 */
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Result from "effect/Result"

/**
 * The one spelling of an address; undefined for a text that is none. IPv6 as in RFC 5952. An address of IPv4 within one of
 * IPv6 (`::ffff:192.0.2.1`) is the one of IPv4. Only link-local addresses have a zone.
 */
export const canonical = (text: string): string | undefined => {
  const at = text.indexOf("%")
  const [bare, zone] = at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at)]
  const ip = Result.getOrUndefined(NetAddress.ipFromString(bare))
  if (ip === undefined || zone === "%") return undefined
  if (NetAddress.isIpv4Address(ip)) return zone === "" ? NetAddress.formatIp(ip) : undefined
  const inner = Option.getOrUndefined(NetAddress.fromIpv4Mapped(ip))
  if (inner !== undefined) return NetAddress.formatIp(inner)
  return NetAddress.isLinkLocal(ip) ? NetAddress.formatIp(ip) + zone : NetAddress.formatIp(ip)
}

/** Whether an address in its one spelling is one of the own host's alone: 127.0.0.0/8, and ::1. */
export const isLoopback = (ip: string): boolean => ip === "::1" || ip.startsWith("127.")
