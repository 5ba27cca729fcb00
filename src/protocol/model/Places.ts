/**
 * The addresses of a server that is on several networks: each of its datagrams comes from one of them, and a server that
 * asks for its address may be on another network than that.
 */
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import type * as Member from "./Member.ts"
import * as Zone from "./Zone.ts"

/** An address at which a server was heard, and until when that counts. */
export interface Place {
  readonly address: Member.Address
  readonly until: number
}

/** So many are remembered besides the newest one. */
export const most = 3

/** Nowhere besides. */
export const none: ReadonlyArray<Place> = []

/** The other places of a server that was last heard at `last`, and is now heard at `from`. */
export const besides = (
  others: ReadonlyArray<Place>,
  last: Place,
  from: Member.Address
): ReadonlyArray<Place> => {
  if (isSame(last.address, from)) return others
  const known = others.filter(({ address }) => !isSame(address, from) && !isSame(address, last.address))
  return [last, ...known].slice(0, most)
}

/**
 * All places that count now, `address` and the others, the nearest to `to` first: that which has most of its first bits, of
 * the 24 (IPv4) or 64 (IPv6) that tell networks apart. Of several on one network the newest is right.
 */
export const nearest = (
  address: Member.Address,
  others: ReadonlyArray<Place>,
  to: Pick<Member.Address, "ip">,
  now: number
): readonly [Member.Address, ...ReadonlyArray<Member.Address>] => {
  let first = address
  let bits = sharedBits(address.ip, to.ip)
  for (const other of others) {
    if (other.until <= now) continue
    const shared = sharedBits(other.address.ip, to.ip)
    if (shared <= bits) continue
    first = other.address
    bits = shared
  }
  return first === address ? [address] : [first, address]
}

// internal

const isSame = (self: Member.Address, that: Member.Address): boolean => self.ip === that.ip && self.port === that.port

/** How many bits two addresses begin with that are equal; none where they are of different families. */
const sharedBits = (one: string, other: string): number => {
  const [these, those] = [one, other].map((ip) => networkOf(Zone.without(ip))) as [string, string]
  if (these.length !== those.length) return 0
  let shared = 0
  while (shared < these.length && these[shared] === those[shared]) shared++
  return shared
}

const networkOf = (ip: string): string =>
  ip.includes(":")
    ? bits(Result.map(NetAddress.ipv6FromString(ip), NetAddress.ipv6ToSegments), 16).slice(0, 64)
    : bits(Result.map(NetAddress.ipv4FromString(ip), NetAddress.ipv4ToOctets), 8).slice(0, 24)

const bits = (words: Result.Result<ReadonlyArray<number>, unknown>, width: number): string =>
  Result.isFailure(words) ? "" : words.success.map((word) => word.toString(2).padStart(width, "0")).join("")
