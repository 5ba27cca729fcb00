/** How the values that are more than a word or a number are written. */
import * as Host from "effect/net/Host"
import * as IpInterface from "effect/net/IpInterface"
import * as IpNetwork from "effect/net/IpNetwork"
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Ip from "../protocol/model/Ip.ts"
import * as Name from "../protocol/model/Name.ts"
import * as KeyRing from "../protocol/wire/KeyRing.ts"
import * as MulticastGroup from "./MulticastGroup.ts"
import type { Form } from "./Setting.ts"

const has = (value: unknown, ...names: ReadonlyArray<string>): boolean =>
  typeof value === "object" && value !== null && names.every((name) => name in value)

/** The keys of a group. They are not written anywhere: their text has no key in it. */
export const keys: Form<KeyRing.Keys> = {
  is: Schema.declare((value): value is KeyRing.Keys => has(value, "keys", "active")),
  parse: KeyRing.parse,
  format: () => ""
}

/** The multicast addresses of a group: one, or one of each family. */
export const multicastGroups: Form<ReadonlyArray<MulticastGroup.MulticastGroup>> = {
  is: Schema.declare((value): value is ReadonlyArray<MulticastGroup.MulticastGroup> =>
    Array.isArray(value) && value.every((one) => has(one, "ip", "family", "linkLocal"))
    && MulticastGroup.areOneOfAFamily(value)
  ),
  parse: (text) => MulticastGroup.parseAll(text.split(",").map((part) => part.trim())),
  format: MulticastGroup.format
}

/** The name or the address of an interface. */
export const word: Form<string> = {
  is: Schema.String.check(Schema.makeFilter((text) => /^[^\s,]{1,64}$/.test(text) && Name.isPlain(text))),
  parse: Option.some,
  format: (text) => text
}

/** A place to send to, `host:port` or `[address]:port`. An address is in its one spelling. */
export const hostPort: Form<Host.HostPort> = {
  is: Schema.HostPort.check(Schema.makeFilter(({ port }) => port > 0)),
  parse: (text) =>
    // Elsewhere letters are taken that only look like these.
    /^[!-~]+$/.test(text) ? Option.map(Result.getSuccess(Host.hostPortFromString(text)), spelt) : Option.none(),
  format: Host.formatHostPort
}

const spelt = (place: Host.HostPort): Host.HostPort => {
  const ip = Ip.canonical(Host.formatHost(place.host))
  return ip === undefined ? place : Host.hostPortUnsafe(Host.hostFromStringUnsafe(ip), place.port)
}

/** Where a server listens: as {@link hostPort}, and 0 for any port. */
export const listening: Form<Host.HostPort> = {
  ...hostPort,
  is: Schema.HostPort
}

/** A token that is sent as it is in a header. It is not written anywhere. */
export const token: Form<Redacted.Redacted> = {
  is: Schema.declare((value): value is Redacted.Redacted =>
    Redacted.isRedacted(value) && isToken(Redacted.value(value))
  ),
  parse: (text) => isToken(text) ? Option.some(Redacted.make(text)) : Option.none(),
  format: () => ""
}

/** As a bearer token is spelt (RFC 6750, 2.1), and long enough not to be guessed. */
const isToken = (text: unknown): boolean =>
  typeof text === "string" && text.length >= 16 && text.length <= 256 && /^[\w.~+/-]+=*$/.test(text)

/** How many bits name a network at least: with fewer, a forged question from anywhere would be answered. */
export const fewestBits = { IPv4: 8, IPv6: 16 } as const

/** A network: an address, a slash, and how many of its bits count. */
export const network: Form<IpNetwork.IpNetwork> = {
  is: Schema.IpNetwork.check(
    Schema.makeFilter(({ address, prefixLength }) => prefixLength >= fewestBits[NetAddress.familyOf(address)])
  ),
  parse: (text) =>
    Option.map(
      Result.getSuccess(IpInterface.fromString(text, { prefix: "required" })),
      (address): IpNetwork.IpNetwork => IpNetwork.fromInterface(address)
    ),
  format: IpNetwork.format
}
