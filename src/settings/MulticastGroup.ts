/** The multicast addresses at which a group meets: one, or one of each family. */
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Result from "effect/Result"

/** A multicast address of a group. */
export interface MulticastGroup {
  readonly ip: string
  readonly family: NetAddress.IpFamily
  /** Whether it reaches no further than the link, so that the addresses of the link itself are the surest. */
  readonly linkLocal: boolean
}

/** The group of this address. None where it is no multicast address, or has a zone: each interface has its own. */
export const parse = (text: string): Option.Option<MulticastGroup> =>
  Result.getSuccess(NetAddress.ipFromString(text)).pipe(
    Option.filter((address) => NetAddress.isMulticast(address)),
    Option.map((address) => {
      const ip = NetAddress.formatIp(address)
      const family = NetAddress.familyOf(address)
      // RFC 4291, 2.7: the fourth digit is how far it reaches, 2 being the link and 1 the host.
      return { ip, family, linkLocal: family === "IPv6" && /^ff.[12]:/.test(ip) }
    })
  )

/** The groups that a list of addresses names. None where they are not one, or one of each family. */
export const parseAll = (texts: ReadonlyArray<string>): Option.Option<ReadonlyArray<MulticastGroup>> =>
  Option.filter(Option.all(texts.map(parse)), areOneOfAFamily)

/** Whether these are groups of a server: one, or one of each family. */
export const areOneOfAFamily = (groups: ReadonlyArray<MulticastGroup>): boolean =>
  groups.length > 0 && new Set(groups.map(({ family }) => family)).size === groups.length

/** The addresses with commas between them. */
export const format = (groups: ReadonlyArray<MulticastGroup>): string => groups.map(({ ip }) => ip).join(",")
