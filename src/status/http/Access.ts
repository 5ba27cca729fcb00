/**
 * Who may do what over HTTP: decisions over a request's headers alone.
 *
 * A browser sends requests of any page to any address, so a server on loopback is not safe by being there: a page elsewhere could
 * resign a leader, or, by a name of its own that it lets point here (DNS rebinding), read everything. So a request must name
 * a host that we go by, and one that a page of another site began is refused.
 */
import { sha256 } from "@noble/hashes/sha2.js"
import { utf8ToBytes } from "@noble/hashes/utils.js"
import * as Host from "effect/net/Host"
import * as Result from "effect/Result"
import * as Loopback from "../../settings/Loopback.ts"

/** What of a request it is judged by: its method, and its headers by their names in small letters. */
export interface Request {
  readonly method: string
  readonly headers: Readonly<Record<string, string | undefined>>
}

/** The name or address without its port, or undefined where it is none. */
const hostOf = (text: string): Host.Host | undefined => {
  const withPort = Result.getOrUndefined(Host.hostPortFromString(text))
  if (withPort !== undefined) return withPort.host
  const bare = text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text
  return Result.getOrUndefined(Host.hostFromString(bare))
}

/**
 * Whether the host that a request names is ours: any address, since a name cannot be made to stand in its place; a name of
 * loopback; or one of `names`. No browser leaves it out, as simple probes do that speak HTTP/1.0.
 */
export const isOurHost = (host: string | undefined, names: ReadonlySet<string>): boolean => {
  if (host === undefined) return true
  const named = hostOf(host)
  if (named === undefined) return false
  return !Host.isDomainName(named) || Loopback.isLoopback(named) || names.has(Host.formatHost(named).replace(/\.$/, ""))
}

/** The names that {@link isOurHost} looks up, in their one spelling. */
export const namesOf = (names: Iterable<string>): ReadonlySet<string> =>
  new Set([...names].map((name) => name.toLowerCase().replace(/\.$/, "")))

const looking = new Set(["GET", "HEAD"])

/**
 * Whether a page of another site made the request. A link there that somebody follows is none: nothing of the answer can be
 * read by that page.
 */
export const isCrossSite = ({ headers, method }: Request): boolean => {
  const { host, origin } = headers
  const site = headers["sec-fetch-site"]
  const isLink = looking.has(method) && headers["sec-fetch-mode"] === "navigate"
  if (site !== undefined && site !== "same-origin" && site !== "none") return !isLink
  return origin !== undefined && origin.replace(/^https?:\/\//, "").toLowerCase() !== host?.toLowerCase()
}

/** Compares two texts in a time that does not depend on how much of them is the same. */
export const isSame = (self: string, that: string): boolean => {
  const [one, other] = [sha256(utf8ToBytes(self)), sha256(utf8ToBytes(that))]
  let differs = 0
  for (const [index, byte] of one.entries()) differs |= byte ^ (other[index] ?? 0)
  return differs === 0
}
