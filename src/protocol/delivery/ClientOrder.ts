/** Puts messages that came into each client's order, and delivers those whose turn it is. */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Client from "../model/Client.ts"
import * as Kept from "./Kept.ts"
import * as Parts from "./Parts.ts"
import * as Receiver from "./Receiver.ts"
import * as Tracks from "./Tracks.ts"

/** A message came. Returns whether it is new here. A receiver that has not begun begins with it if `begins`. */
export const receive = (host: Receiver.Host, message: Receiver.Delivered, begins: boolean): boolean => {
  const { index, leader, term } = message
  const { since, tracks } = host.receiver
  if (tracks.length === 0 ? !begins : term < since) return false
  const track = Tracks.trackOf(host, term, leader, index - 1)
  if (track !== null) {
    if (index > track.newest) Tracks.reach(host, track, index, true)
    else if (!Tracks.fill(host, track, index) && !isWanted(host, message)) return false
  }
  Receiver.change(host, { kept: Kept.add(host.receiver.kept, message) })
  const isNew = order(host, message)
  if (host.receiver.unplaced.length > 0) place(host)
  return isNew
}

/** Whether one whose index is not missing, as it came or was given up, is missing by its `seq` all the same. */
const isWanted = (host: Receiver.Host, { client, seq }: Receiver.Delivered): boolean => {
  const source = sourceOf(host, client.id)
  return source !== undefined && source.next !== null && seq >= source.next
    && !source.held.some((held) => held.seq === seq)
}

/** What is known of a client's messages. */
export const sourceOf = (host: Receiver.Host, client: Client.ClientId): Receiver.Source | undefined =>
  Option.getOrUndefined(HashMap.get(host.receiver.sources, client))

/** Puts what is known of a client's messages in its place; where the table is full, some others are dropped. */
export const putSource = (host: Receiver.Host, client: Client.ClientId, source: Receiver.Source): void => {
  const all = host.receiver.sources
  if (HashMap.size(all) >= host.maxSources && !HashMap.has(all, client)) {
    // Some at once: to look for the oldest with each new one would let a crowd of new clients cost a search each.
    const oldest = [...all].toSorted(([, one], [, other]) => one.heardAt - other.heardAt)
    for (const [id] of oldest.slice(0, Math.ceil(host.maxSources / 8))) drop(host, id)
  }
  const { asking, sources, unplaced } = host.receiver
  Receiver.change(host, {
    sources: HashMap.set(sources, client, source),
    asking: listed(asking, client, source.ask !== null),
    unplaced: listed(unplaced, client, source.next === null)
  })
}

const drop = (host: Receiver.Host, client: Client.ClientId): void => {
  const { asking, sources, unplaced } = host.receiver
  Receiver.change(host, {
    sources: HashMap.remove(sources, client),
    asking: listed(asking, client, false),
    unplaced: listed(unplaced, client, false)
  })
}

const listed = (
  list: ReadonlyArray<Client.ClientId>,
  client: Client.ClientId,
  belongs: boolean
): ReadonlyArray<Client.ClientId> =>
  list.includes(client) === belongs ? list : belongs ? [...list, client] : list.filter((other) => other !== client)

const unheard = (host: Receiver.Host, next: number | null): Receiver.Source => ({
  next,
  held: [],
  highest: 0,
  spilled: false,
  ask: null,
  heardAt: host.now
})

/** A client says that it has not sent anything yet: its first message will be number 1. */
export const introduce = (host: Receiver.Host, client: Client.ClientId): void => {
  const source = sourceOf(host, client) ?? unheard(host, null)
  if (source.next === null) advance(host, client, { ...source, next: 1 })
}

/** Puts a message into its client's order, and delivers those whose turn it is. Returns whether it is new there. */
const order = (host: Receiver.Host, message: Receiver.Delivered): boolean => {
  const { client: { id }, seq } = message
  const source = sourceOf(host, id) ?? unheard(host, null)
  if ((source.next !== null && seq < source.next) || source.held.some((held) => held.seq === seq)) {
    putSource(host, id, { ...source, heardAt: host.now })
    return false
  }
  const at = source.held.findIndex((held) => held.seq > seq)
  const held = at < 0 ? [...source.held, message] : source.held.toSpliced(at, 0, message)
  const isSpilled = held.length > Client.window && seq !== source.next
  advance(host, id, {
    ...source,
    held: isSpilled ? held.slice(0, -1) : held,
    highest: Math.max(source.highest, seq),
    spilled: source.spilled || isSpilled,
    heardAt: host.now
  })
  return true
}

/** Delivers a message whose turn it is, once all its parts are here. Returns how many it has, 0 while some are to come. */
export const deliver = (host: Receiver.Host, message: Receiver.Delivered): number => {
  const { assembly, dropped, whole } = Parts.take(host.receiver.assembly, message, host.now, host.maxMessage)
  if (assembly !== host.receiver.assembly) Receiver.change(host, { assembly })
  for (let part = 0; part < dropped; part += 1) host.dropPart()
  if (whole === undefined) return 0
  host.deliver(whole)
  return whole.parts
}

/** Delivers what is in turn; where something is missing before the next, begins to ask for it. */
export const advance = (host: Receiver.Host, client: Client.ClientId, source: Receiver.Source): void => {
  let { delivered, isBlocked } = host.receiver
  let { held, next } = source
  let isMissing = false
  while (next !== null) {
    const context: number = next
    const ready = held[0]?.seq === context
      ? held[0]
      : source.spilled
      ? Kept.of(host.receiver.kept, client, context)
      : undefined
    if (ready === undefined) {
      isMissing = source.highest >= context
      break
    }
    if (delivered >= host.receiver.limit) {
      isBlocked = true
      break
    }
    delivered += deliver(host, ready)
    if (ready === held[0]) held = held.slice(1)
    next = context + 1
  }
  Receiver.change(host, { delivered, isBlocked })
  putSource(host, client, {
    ...source,
    next,
    held,
    spilled: source.spilled && next !== null && source.highest >= next,
    ask: !isMissing ? null : source.ask !== null && source.next === next ? source.ask : Receiver.firstAsk(host)
  })
}

/** A client first heard of in the middle begins with the first message of its that nothing missing can come before. */
export const place = (host: Receiver.Host): void => {
  for (const client of host.receiver.unplaced) {
    const source = HashMap.getUnsafe(host.receiver.sources, client)
    const first = source.held[0]!
    if (Tracks.completeTo(host.receiver, first) >= first.index) {
      advance(host, client, { ...source, next: first.seq })
    }
  }
}

/** How many messages may have been delivered in all; those that waited for that are delivered. */
export const allow = (host: Receiver.Host, limit: number): void => {
  const { isBlocked, sources } = host.receiver
  Receiver.change(host, { limit, isBlocked: false })
  if (!isBlocked) return
  for (const [client, source] of sources) {
    if (source.next !== null && source.highest >= source.next) advance(host, client, source)
  }
}
