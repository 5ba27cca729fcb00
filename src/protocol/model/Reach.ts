/**
 * The receivers that multicast does not reach, which get each message to the group by unicast as well: all members if
 * multicast is switched off, members that are heard by unicast only, seeds that are no members yet, and clients that ask by
 * unicast to be let in.
 */
import * as HashMap from "effect/HashMap"
import type * as Client from "./Client.ts"
import type * as Member from "./Member.ts"
import type * as Message from "./Message.ts"

/** The addresses that a server probes by unicast, besides its members. */
export interface Contacts {
  /** The addresses that the operator named, as far as their names resolve. */
  readonly seeds: ReadonlyArray<Member.Address>
  /** Members that fell silent: they may live, on the other side of a split. The next to be tried comes first. */
  readonly lost: ReadonlyArray<Lost>
  /** When this server last asked a server with another view for its list. */
  readonly comparedAt: number
  /** By what the views of the leader and of others differ, the one heard of last at the end. */
  readonly differences: ReadonlyArray<Difference>
}

/**
 * A difference of two views: the digest of the members by which they differ, whether it was seen more than once, how long it
 * is left alone the next time, and until when it is now.
 */
export interface Difference {
  readonly of: number
  readonly lasts: boolean
  readonly wait: number
  readonly againAt: number
}

/** A member that fell silent, and until when it is looked for. */
export interface Lost {
  readonly id: Member.NodeId
  readonly address: Member.Address
  readonly until: number
}

/** The facts that decide how a member is reached. */
export interface Reached {
  readonly member: Member.Address
  readonly address: Member.Address
  /** We do not hear it by multicast. */
  readonly unicastOnly: boolean
  /** Until when it is taken not to hear us by multicast. */
  readonly unicastUntil: number
}

/** The facts that decide how a client is reached. */
export interface ReachedClient {
  readonly address: Member.Address
  readonly unicastUntil: number
}

interface Place {
  readonly timing: { readonly multicast: boolean }
  readonly addresses: ReadonlyArray<Member.Address>
  readonly contacts: Contacts
  readonly known: HashMap.HashMap<Member.NodeId, Reached>
  readonly delivery: { readonly clients: HashMap.HashMap<Client.ClientId, ReachedClient> }
}

/** The messages to the group that are of use to a client. */
const forClients: ReadonlySet<Message.Message["type"]> = new Set([
  "SERVER_ALIVE",
  "SERVER_LEAVING",
  "COORDINATOR",
  "STEPPING_DOWN",
  "CLIENT_DELIVER"
])

/**
 * The addresses to which a message to the group must go by unicast.
 *
 * A heartbeat by unicast tells a member that we do not hear its multicasts; so it goes only to those of which that is true:
 * otherwise two would go on telling each other without end.
 */
export const byUnicast = (place: Place, type: Message.Message["type"], now: number): ReadonlyArray<Member.Address> => {
  const { contacts: { seeds }, delivery: { clients }, known, timing } = place
  const reached: Array<Member.Address> = []
  for (const { address, unicastOnly, unicastUntil } of HashMap.values(known)) {
    if (!timing.multicast || unicastOnly || (unicastUntil > now && type !== "SERVER_ALIVE")) reached.push(address)
  }
  if (forClients.has(type)) {
    for (const { address, unicastUntil } of HashMap.values(clients)) if (unicastUntil > now) reached.push(address)
  }
  return seeds.length === 0 ? reached : [...reached, ...strangers(place)]
}

/** The seeds at which no member is known, and which are not this server itself. */
export const strangers = ({ addresses, contacts, known }: Place): ReadonlyArray<Member.Address> => {
  if (contacts.seeds.length === 0) return contacts.seeds
  const taken = new Set(addresses.map(keyOf))
  for (const { address, member } of HashMap.values(known)) taken.add(keyOf(address)).add(keyOf(member))
  return contacts.seeds.filter((seed) => !taken.has(keyOf(seed)))
}

const keyOf = ({ ip, port }: Member.Address): string => `${ip} ${port}`
