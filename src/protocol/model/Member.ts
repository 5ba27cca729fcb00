/**
 * Who takes part: the identity of a server, its incarnation, its priority, and the order in which servers rank.
 *
 * Pure data. The rank decides elections: the highest ranked living server should lead (Garcia-Molina, *Elections in a
 * Distributed Computing System*, 1982).
 *
 * @since 0.1.0
 */
import { sha256 } from "@noble/hashes/sha2.js"
import { bytesToHex } from "@noble/hashes/utils.js"
import * as Schema from "effect/Schema"

/**
 * The largest number of bytes that each free text of a member may take on the wire, counted in JSON (so a quote counts
 * twice, and a control character six times). They keep the largest message of every kind within one datagram.
 *
 * @internal
 */
export const limits = { name: 64, hostname: 64, tags: 256 } as const

/**
 * What the port of crash links takes on the wire. A member whose texts leave less room announces none.
 *
 * @internal
 */
export const portBytes = 12

/**
 * What it takes to say what a member reads. Its host name is as short as leaves room for that.
 *
 * @internal
 */
export const readsBytes = 29

/**
 * The bytes that the free texts of a member take.
 *
 * @internal
 */
export const textBytes = ({ hostname, name, tags }: Pick<Member, "hostname" | "name" | "tags">): number =>
  jsonBytes(name) + jsonBytes(hostname) + jsonBytes(tags)

const encoder = new TextEncoder()

/**
 * The bytes that a value takes as JSON in UTF-8, without the quotes around a text.
 *
 * @internal
 */
export const jsonBytes = (value: string | Readonly<Record<string, string>>): number => {
  if (typeof value === "string") {
    return verbatim.test(value) ? value.length : encoder.encode(JSON.stringify(value)).length - 2
  }
  const entries = Object.entries(value)
  // Four quotes, a colon, and what comes before or after it.
  return entries.reduce((sum, [key, text]) => sum + jsonBytes(key) + jsonBytes(text) + 6, entries.length > 0 ? 1 : 2)
}

/** What JSON writes as it is, with a byte for each character: most texts, and every message has several. */
const verbatim = /^[ !#-[\]-~]*$/

/**
 * As many characters of a name that the system gave as its limit lets in; "unknown" where it gave none.
 *
 * @internal
 */
export const shortened = (text: string, limit: number): string => {
  let short = text
  while (jsonBytes(short) > limit) short = short.slice(0, -1)
  return short === "" ? "unknown" : short
}

const shortText = (limit: number) =>
  Schema.String.check(
    Schema.makeFilter((text: string) => text.length > 0 && text.length <= limit && jsonBytes(text) <= limit, {
      expected: `1 to ${limit} bytes of text`
    })
  )

/**
 * The name of one server for the life of its process: 16 hex digits, the first 8 bytes of SHA-256 over its IP address at its
 * start, host name and unicast port. It stays when the address changes.
 *
 * @category schemas
 * @since 0.1.0
 */
export const NodeId = Schema.String.check(Schema.isPattern(/^[0-9a-f]{16}$/)).pipe(Schema.brand("bellwether/NodeId"))

/**
 * @category models
 * @since 0.1.0
 */
export type NodeId = typeof NodeId.Type

/**
 * The node id of the server at this address and port of its own, on a host of this name. One that has no address of its own
 * when it starts gives something else in place of `ip` that no other host has.
 *
 * @internal
 */
export const nodeId = (ip: string, hostname: string, port: number): NodeId =>
  NodeId.make(bytesToHex(sha256(encoder.encode(`${ip}\n${hostname}\n${port}`)).subarray(0, 8)))

/**
 * Unix milliseconds at the start of a server. Of two datagrams with one node id, the one of the higher incarnation is
 * right and the other is stale.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Incarnation = Schema.Natural

/**
 * What an operator sets to say who should lead: a whole number, 0 unless set. The higher one ranks higher.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Priority = Schema.Int.check(Schema.isBetween({ minimum: -2_147_483_648, maximum: 2_147_483_647 }))

/**
 * So many changes of its priority and its tags are told apart of one start of a server.
 *
 * @internal
 */
export const maxRevision = 999_999_999

/**
 * An IP address, IPv6 ones with their zone where they need it.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Ip = Schema.String.check(Schema.isPattern(/^[0-9a-fA-F.:]{2,45}(%[0-9a-zA-Z_.-]{1,15})?$/))

/**
 * A UDP port that something can be sent to.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Port = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 65_535 }))

/**
 * Where a datagram came from or goes to.
 *
 * @category models
 * @since 0.1.0
 */
export interface Address {
  readonly ip: string
  readonly port: number
}

/**
 * An address as one text, to compare and to print: `192.0.2.1:4000`, `[fe80::1%eth0]:4000`.
 *
 * @category models
 * @since 0.1.0
 */
export const formatAddress = (address: Address): string =>
  isNowhere(address)
    ? "no address"
    : address.ip.includes(":")
    ? `[${address.ip}]:${address.port}`
    : `${address.ip}:${address.port}`

/**
 * The address of a member that has not said where it is, as it need not where a registry keeps the group: nobody's.
 *
 * @internal
 */
export const nowhere: Address = { ip: "0.0.0.0", port: 1 }

/**
 * Whether a member has not said where it is.
 *
 * @internal
 */
export const isNowhere = ({ ip, port }: Address): boolean => ip === nowhere.ip && port === nowhere.port

/**
 * A server as it describes itself in every message. All but its address, its priority, its tags and what follows from them stays
 * the same for one incarnation.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Member = Schema.Struct({
  id: NodeId,
  ip: Ip,
  port: Port,
  hostname: shortText(limits.hostname),
  name: shortText(limits.name),
  priority: Priority,
  incarnation: Incarnation,
  /** The port at which it accepts crash links, which are TCP connections; left out where it accepts none. */
  tcp: Schema.optionalKey(Port),
  /**
   * How often its priority or its tags have changed since its start; left out where it is too old to change them, and to read
   * that others do.
   */
  revision: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: maxRevision }))),
  /** Whether it reads several messages of clients in one datagram; left out where it is too old for that. */
  batches: Schema.optionalKey(Schema.Literal(true)),
  /** Whether it reads topics, and messages in parts; left out where it is too old for that. */
  topics: Schema.optionalKey(Schema.Literal(true)),
  tags: Schema.Record(Schema.String, Schema.String).check(
    Schema.makeFilter((tags: Readonly<Record<string, string>>) => jsonBytes(tags) <= limits.tags, {
      expected: `at most ${limits.tags} bytes of tags`
    })
  )
})

/**
 * @category models
 * @since 0.1.0
 */
export type Member = typeof Member.Type

/**
 * The two things that decide a rank.
 *
 * @category models
 * @since 0.1.0
 */
export interface Ranked {
  readonly priority: number
  readonly id: string
}

/**
 * What decides between equal priorities in an election: the node id itself in the group's own, which has no name; in a
 * named one 16 hex digits, the first 8 bytes of SHA-256 over the name, a line feed and the node id. So the leads of
 * several elections fall to several servers.
 *
 * @internal
 */
export const rendezvousHash = (id: string, election = ""): string =>
  election === "" ? id : bytesToHex(sha256(encoder.encode(`${election}\n${id}`)).subarray(0, 8))

const compareTexts = (self: string, that: string): number => self < that ? -1 : self > that ? 1 : 0

/**
 * The total order of rank in an election, the group's own unless named: by priority, then by the node id, in a named one
 * by a hash of its name and the node id. Positive where `self` ranks higher, 0 only for one and the same server.
 *
 * @category ordering
 * @since 0.1.0
 */
export const compareRank = (self: Ranked, that: Ranked, election = ""): number =>
  self.priority - that.priority || compareTexts(rendezvousHash(self.id, election), rendezvousHash(that.id, election))

/**
 * Whether `self` ranks strictly higher than `that` in an election, the group's own unless named.
 *
 * @internal
 */
export const outranks = (self: Ranked, that: Ranked, election = ""): boolean => compareRank(self, that, election) > 0

/**
 * Whether both are the same start of the same server.
 *
 * @internal
 */
export const isSameStart = (
  self: { readonly id: string; readonly incarnation: number },
  that: { readonly id: string; readonly incarnation: number }
): boolean => self.id === that.id && self.incarnation === that.incarnation
