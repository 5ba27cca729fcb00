/** The servers that an examination knows: heard by multicast, answering, or only listed by another. Pure. */
import * as Ranked from "../protocol/membership/Ranked.ts"
import { type Address, formatAddress, type NodeId } from "../protocol/model/Member.ts"
import type * as Message from "../protocol/model/Message.ts"
import type * as Ports from "../transport/Ports.ts"
import type { Server, Times } from "./Observations.ts"

/** One server. `address` is where it is asked; `last` is when it was last heard, or last listed by another. */
export interface KnownServer extends Omit<Server, "local"> {
  readonly address: Address
  readonly last: number
}

/** All of them, in the order in which they became known. */
export type KnownServers = ReadonlyMap<NodeId, KnownServer>

/** Tables are bounded: others decide how much comes. */
const most = { servers: 1_024, starts: 8 }

/** When something happened first and last, now that it happens again. */
export const again = (times: Times | null, now: number): Times => ({ first: times?.first ?? now, last: now })

/** A server has said something by itself. */
export const heard = (
  servers: KnownServers,
  message: Message.FromServer,
  from: Address,
  via: "multicast" | "unicast",
  now: number
): KnownServers => {
  const { sender } = message
  const server = find(servers, sender, from, now)
  if (server === undefined) return servers
  if (message.type === "SERVER_LEAVING") return without(servers, [sender.id])
  return put(servers, {
    ...(message.type === "SERVER_ALIVE" ? voting(server, message.silent) : server),
    name: sender.name,
    address: from,
    multicast: via === "multicast" ? again(server.multicast, now) : server.multicast,
    interval: "interval" in message ? message.interval : server.interval,
    ...("view" in message && message.view !== undefined && { alone: message.view === Ranked.digest([sender]) }),
    starts: started(server, sender.incarnation, from, now),
    ...("lease" in message && message.lease !== undefined && { groupSize: message.lease.groupSize }),
    ...(sender.tcp !== undefined && { links: linksAt(server, sender.tcp) }),
    follows: following(server, message, now)
  })
}

/** A server has answered with a page of its list. That others are in it does not prove that they are there. */
export const answered = (
  servers: KnownServers,
  message: Message.Of<"MEMBERS">,
  from: Address,
  heartbeatInterval: number,
  now: number
): KnownServers => {
  const { id, incarnation } = message.from
  const known = new Map(servers)
  for (const line of message.list) {
    const server = find(known, line, line, now)
    if (server === undefined) continue
    const listed = { ...server, listed: server.listed || line.id !== id }
    // Of itself it knows best; of another it says what that one has told it.
    known.set(line.id, line.id === id || !isHeard(server) ? voting(listed, line.votesIn) : listed)
  }
  const server = known.get(id)
  if (server === undefined) return known
  return known.set(id, {
    ...server,
    last: now,
    answered: again(server.answered, now),
    follows: following(server, message, now),
    ...(message.page === 0 && { unheard: unheardOf(known, message, heartbeatInterval) }),
    starts: started(server, incarnation, from, now)
  })
}

/** A server is asked once more. */
export const asked = (servers: KnownServers, id: NodeId): KnownServers => {
  const server = servers.get(id)
  return server === undefined ? servers : put(servers, { ...server, asked: server.asked + 1 })
}

/** Its port for crash links was tried. */
export const linkTried = (servers: KnownServers, id: NodeId, outcome: Ports.Outcome): KnownServers => {
  const server = servers.get(id)
  if (server?.links === undefined) return servers
  const { port, tried } = server.links
  return put(servers, { ...server, links: { port, tried: tried + 1, last: outcome } })
}

/** Without those that have been silent for longer than members would keep them. */
export const pruned = (servers: KnownServers, heartbeatInterval: number, now: number): KnownServers => {
  const isGone = ({ interval, last }: KnownServer) => now - last > 3 * Math.max(interval ?? 0, heartbeatInterval)
  return without(servers, [...servers.values()].filter(isGone).map(({ id }) => id))
}

// internal

const put = (servers: KnownServers, server: KnownServer): KnownServers => new Map(servers).set(server.id, server)

const without = (servers: KnownServers, ids: ReadonlyArray<NodeId>): KnownServers => {
  if (!ids.some((id) => servers.has(id))) return servers
  const others = new Map(servers)
  for (const id of ids) others.delete(id)
  return others
}

/** What is known of a server, or a new entry if the table has space for it. */
const find = (
  servers: KnownServers,
  { id, ip, name, port }: Pick<Message.Listed, "id" | "ip" | "name" | "port">,
  from: Address,
  now: number
): KnownServer | undefined => {
  const known = servers.get(id)
  if (known !== undefined) return { ...known, last: now }
  if (servers.size >= most.servers) return undefined
  return {
    id,
    name,
    ip,
    port,
    address: from,
    last: now,
    interval: null,
    multicast: null,
    asked: 0,
    answered: null,
    listed: false,
    starts: [],
    follows: null
  }
}

const isHeard = ({ answered, multicast }: KnownServer): boolean => answered !== null || multicast !== null

/** It votes in so many ms, or votes. */
const voting = ({ votesIn: _, ...server }: KnownServer, silent: number | undefined): KnownServer =>
  silent === undefined || silent === 0 ? server : { ...server, votesIn: silent }

/** What is known of its links: nothing yet of a new port. */
const linksAt = ({ links }: KnownServer, port: number): NonNullable<Server["links"]> =>
  links?.port === port ? links : { port, tried: 0, last: null }

const started = (server: KnownServer, incarnation: number, from: Address, now: number): Server["starts"] => {
  const address = formatAddress(from)
  const isThis = (start: Server["starts"][number]) => start.incarnation === incarnation && start.address === address
  const before = server.starts.find(isThis) ?? null
  const others = server.starts.filter((start) => !isThis(start))
  return [...others, { incarnation, address, ...again(before, now) }].slice(-most.starts)
}

const following = (
  { follows }: KnownServer,
  { leader, term }: Pick<Message.Header, "leader" | "term">,
  now: number
): Server["follows"] => {
  if (leader === null) return null
  const isSame = follows?.leader === leader.id && follows.term === term
  return { leader: leader.id, term, since: isSame ? follows.since : now }
}

/** Servers on the list that the answering server has not heard for longer than two of their heartbeats. */
const unheardOf = (
  servers: KnownServers,
  { from, list }: Message.Of<"MEMBERS">,
  heartbeatInterval: number
): ReadonlyArray<NodeId> =>
  list.flatMap(({ heard, id }) =>
    id !== from.id && heard > 2 * (servers.get(id)?.interval ?? heartbeatInterval) ? [id] : []
  )
