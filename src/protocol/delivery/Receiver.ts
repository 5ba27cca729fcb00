/**
 * Brings messages into order: the multicasts of the leaders arrive lost, doubled and overtaken, and leave as each client's
 * messages in the order of `seq`, each once, whatever reign carried them. Servers and clients share it.
 *
 * Two numbers show a gap. The **index** of a message in its reign shows one as soon as any later index is named, the last
 * message included. A client's **seq** shows one if a reign is over that nobody can name an index of. A missing message is
 * asked for, {@link Host.ask}, until it comes or {@link giveUpAfter} is over, and then reported as lost.
 *
 * Pure: each function takes a {@link Host}, which holds the receiver as it is now and takes the outputs.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Client from "../model/Client.ts"
import type * as Event from "../model/Event.ts"
import type { NodeId } from "../model/Member.ts"
import type * as Message from "../model/Message.ts"
import * as Kept from "./Kept.ts"
import * as Parts from "./Parts.ts"

/** A message as the leader handed it on. */
export type Delivered = Message.Of<"CLIENT_DELIVER">

/** How one missing thing is being asked for. */
export interface Ask {
  readonly since: number
  readonly asks: number
  readonly dueAt: number
}

/** Indexes that are missing, `from` to `to`. */
export interface Run {
  readonly from: number
  readonly to: number
  readonly ask: Ask
}

/** The indexes of one reign: of all up to `newest` only those of `missing` are not here. */
export interface Track {
  readonly term: number
  readonly leader: NodeId
  readonly newest: number
  readonly missing: ReadonlyArray<Run>
}

/**
 * One client's messages. `next` is the `seq` whose turn it is, null until it is known where this receiver begins; `held`
 * are those ahead of their turn, in order; `highest` is the highest `seq` seen; `spilled`: one was not held for want of room.
 */
export interface Source {
  readonly next: number | null
  readonly held: ReadonlyArray<Delivered>
  readonly highest: number
  readonly spilled: boolean
  readonly ask: Ask | null
  readonly heardAt: number
}

/**
 * One receiver. `kept` are the newest messages, of all reigns; `assembly` are parts that wait for the others. `delivered`
 * counts those delivered since the start, one in parts as so many, and none is delivered from `limit` on. `asking` and `unplaced` name the sources with an `ask` and those without a `next`.
 */
export interface Receiver {
  /** The newest first. Empty until this receiver begins. */
  readonly tracks: ReadonlyArray<Track>
  /** The term in which it began: messages of an earlier one were before its time. */
  readonly since: number
  readonly sources: HashMap.HashMap<Client.ClientId, Source>
  readonly asking: ReadonlyArray<Client.ClientId>
  readonly unplaced: ReadonlyArray<Client.ClientId>
  readonly kept: Kept.Kept
  readonly assembly: Parts.Assembly
  readonly delivered: number
  readonly limit: number
  readonly isBlocked: boolean
}

/** The owner of a receiver: its present state, the time in ms, randomness, and the outputs. */
export interface Host {
  receiver: Receiver
  readonly now: number
  readonly random: () => number
  /** Whether there is a leader, other than this host, to be asked. */
  readonly hasLeader: boolean
  /**
   * How many clients' order is remembered at most; beyond, the eighth not heard for the longest is forgotten. It is not
   * forgotten with the client: whatever comes late of it must not come twice.
   */
  readonly maxSources: number
  /** The most characters of JSON that a message in parts may have. */
  readonly maxMessage: number
  readonly deliver: (message: Parts.Whole) => void
  /** A part is of no use, as others of its message are lost, or it is one too many. */
  readonly dropPart: () => void
  readonly lose: (lost: Event.Lost) => void
  readonly ask: (whom: "leader" | "group", missed: Message.Missed, from: number, to: number) => void
}

/** After how many ms of asking a message is given up. */
export const giveUpAfter = 2_000

const maxTracks = 4
const maxRuns = 256
/** Asks before the group is asked too: the leader nearly always has it. */
const leaderFirst = 2

/** A receiver that has heard nothing. */
export const empty: Receiver = {
  tracks: [],
  since: 0,
  sources: HashMap.empty(),
  asking: [],
  unplaced: [],
  kept: Kept.empty,
  assembly: Parts.none,
  delivered: 0,
  limit: Infinity,
  isBlocked: false
}

/** The newest index that is known of a reign, 0 where none is. */
export const newestOf = (receiver: Receiver, term: number, leader: NodeId): number => {
  for (const track of receiver.tracks) if (track.term === term && track.leader === leader) return track.newest
  return 0
}

/** Changes a receiver. */
export const change = (host: Host, change: Partial<Receiver>): void => {
  host.receiver = { ...host.receiver, ...change }
}

// --- Indexes ---

const firstAsk = (host: Host): Ask => ({ since: host.now, asks: 0, dueAt: host.now + 20 + 40 * host.random() })

const nextAsk = (host: Host, ask: Ask): Ask => ({
  ...ask,
  asks: ask.asks + 1,
  dueAt: host.now + Math.min(150, 50 * 1.5 ** ask.asks) * (0.75 + host.random() / 2)
})

const loseIndexes = (host: Host, { term }: Track, from: number, to: number): void =>
  host.lose({ client: null, term, from, to })

/** The track of a reign, begun where there is none: after `begin`. Null where it is of a reign too old to be followed. */
const trackOf = (host: Host, term: number, leader: NodeId, begin: number): Track | null => {
  const { tracks } = host.receiver
  const found = tracks.find((track) => track.term === term && track.leader === leader)
  if (found !== undefined) return found
  if (tracks.length > 0 && term < host.receiver.since) return null
  const last = tracks.length >= maxTracks ? tracks[tracks.length - 1] : undefined
  if (last !== undefined && term < last.term) return null
  for (const run of last?.missing ?? []) loseIndexes(host, last!, run.from, run.to)
  const track: Track = { term, leader, newest: tracks.length > 0 ? 0 : begin, missing: [] }
  const rest = last === undefined ? tracks : tracks.slice(0, -1)
  const at = rest.findIndex((other) => other.term <= term)
  change(host, {
    tracks: at < 0 ? [...rest, track] : rest.toSpliced(at, 0, track),
    since: tracks.length > 0 ? host.receiver.since : term
  })
  return track
}

const putTrack = (host: Host, track: Track): void =>
  change(host, {
    tracks: host.receiver.tracks.map((other) =>
      other.term === track.term && other.leader === track.leader ? track : other
    )
  })

/** All indexes below `newest` are missing that were not known of; those that nobody keeps any more are lost at once. */
const reach = (host: Host, track: Track, newest: number, isHere: boolean): void => {
  const to = isHere ? newest - 1 : newest
  const missing = to > track.newest
    ? [...track.missing, { from: track.newest + 1, to, ask: firstAsk(host) }]
    : [...track.missing]
  const gone = newest - Kept.limit
  while (missing.length > 0 && (missing[0]!.from <= gone || missing.length > maxRuns)) {
    const [run] = missing as [Run]
    const end = missing.length > maxRuns ? run.to : Math.min(gone, run.to)
    loseIndexes(host, track, run.from, end)
    if (end === run.to) missing.shift()
    else missing[0] = { ...run, from: end + 1 }
  }
  putTrack(host, { ...track, newest, missing })
}

/** Takes one index out of the missing ones. Returns whether it was missing. */
const fill = (host: Host, track: Track, index: number): boolean => {
  const at = track.missing.findIndex((run) => run.from <= index && index <= run.to)
  if (at < 0) return false
  const { ask, from, to } = track.missing[at]!
  const rest: Array<Run> = []
  if (from < index) rest.push({ from, to: index - 1, ask })
  if (index < to) rest.push({ from: index + 1, to, ask })
  putTrack(host, { ...track, missing: track.missing.toSpliced(at, 1, ...rest) })
  return true
}

/** Up to which index nothing of a reign is missing. Of a reign that is not followed (any more), nothing will come. */
const completeTo = (receiver: Receiver, { leader, term }: Delivered): number => {
  const track = receiver.tracks.find((track) => track.term === term && track.leader === leader)
  return track === undefined ? Infinity : (track.missing[0]?.from ?? track.newest + 1) - 1
}

/**
 * Somebody names the newest index of a reign. A receiver that has just begun begins after it; any other misses all up to
 * there that it has not heard.
 */
export const named = (host: Host, term: number, leader: NodeId, newest: number): void => {
  const track = trackOf(host, term, leader, newest)
  if (track !== null && newest > track.newest) reach(host, track, newest, false)
}

// --- Messages ---

/** A message came. Returns whether it is new here. A receiver that has not begun begins with it if `begins`. */
export const receive = (host: Host, message: Delivered, begins: boolean): boolean => {
  const { index, leader, term } = message
  const { since, tracks } = host.receiver
  if (tracks.length === 0 ? !begins : term < since) return false
  const track = trackOf(host, term, leader, index - 1)
  if (track !== null) {
    if (index > track.newest) reach(host, track, index, true)
    else if (!fill(host, track, index) && !isWanted(host, message)) return false
  }
  change(host, { kept: Kept.add(host.receiver.kept, message) })
  const isNew = order(host, message)
  if (host.receiver.unplaced.length > 0) place(host)
  return isNew
}

/** Whether one whose index is not missing, as it came or was given up, is missing by its `seq` all the same. */
const isWanted = (host: Host, { client, seq }: Delivered): boolean => {
  const source = sourceOf(host, client.id)
  return source !== undefined && source.next !== null && seq >= source.next
    && !source.held.some((held) => held.seq === seq)
}

/** What is known of a client's messages. */
export const sourceOf = (host: Host, client: Client.ClientId): Source | undefined =>
  Option.getOrUndefined(HashMap.get(host.receiver.sources, client))

/** Puts what is known of a client's messages in its place; where the table is full, some others are dropped. */
export const putSource = (host: Host, client: Client.ClientId, source: Source): void => {
  const all = host.receiver.sources
  if (HashMap.size(all) >= host.maxSources && !HashMap.has(all, client)) {
    // Some at once: to look for the oldest with each new one would let a crowd of new clients cost a search each.
    const oldest = [...all].toSorted(([, one], [, other]) => one.heardAt - other.heardAt)
    for (const [id] of oldest.slice(0, Math.ceil(host.maxSources / 8))) drop(host, id)
  }
  const { asking, sources, unplaced } = host.receiver
  change(host, {
    sources: HashMap.set(sources, client, source),
    asking: listed(asking, client, source.ask !== null),
    unplaced: listed(unplaced, client, source.next === null)
  })
}

const drop = (host: Host, client: Client.ClientId): void => {
  const { asking, sources, unplaced } = host.receiver
  change(host, {
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

const unheard = (host: Host, next: number | null): Source => ({
  next,
  held: [],
  highest: 0,
  spilled: false,
  ask: null,
  heardAt: host.now
})

/** A client says that it has not sent anything yet: its first message will be number 1. */
export const introduce = (host: Host, client: Client.ClientId): void => {
  const source = sourceOf(host, client) ?? unheard(host, null)
  if (source.next === null) advance(host, client, { ...source, next: 1 })
}

/** Puts a message into its client's order, and delivers those whose turn it is. Returns whether it is new there. */
const order = (host: Host, message: Delivered): boolean => {
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

/** Hands on a message whose turn it is, once all its parts are here. Returns how many it has, 0 while some are to come. */
export const deliver = (host: Host, message: Delivered): number => {
  const { assembly, dropped, whole } = Parts.take(host.receiver.assembly, message, host.now, host.maxMessage)
  if (assembly !== host.receiver.assembly) change(host, { assembly })
  for (let part = 0; part < dropped; part += 1) host.dropPart()
  if (whole === undefined) return 0
  host.deliver(whole)
  return whole.parts
}

/** Hands on what is in turn; where something is missing before the next, begins to ask for it. */
const advance = (host: Host, client: Client.ClientId, source: Source): void => {
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
  change(host, { delivered, isBlocked })
  putSource(host, client, {
    ...source,
    next,
    held,
    spilled: source.spilled && next !== null && source.highest >= next,
    ask: !isMissing ? null : source.ask !== null && source.next === next ? source.ask : firstAsk(host)
  })
}

/** A client first heard of in the middle begins with the first message of its that nothing missing can come before. */
const place = (host: Host): void => {
  for (const client of host.receiver.unplaced) {
    const source = HashMap.getUnsafe(host.receiver.sources, client)
    const first = source.held[0]!
    if (completeTo(host.receiver, first) >= first.index) {
      advance(host, client, { ...source, next: first.seq })
    }
  }
}

/** How many messages may have been delivered in all; those that waited for that are delivered. */
export const allow = (host: Host, limit: number): void => {
  const { isBlocked, sources } = host.receiver
  change(host, { limit, isBlocked: false })
  if (!isBlocked) return
  for (const [client, source] of sources) {
    if (source.next !== null && source.highest >= source.next) advance(host, client, source)
  }
}

// --- Repair ---

/** When something is to be asked for again, Infinity where nothing is missing. */
export const dueAt = (receiver: Receiver): number => {
  let due = Infinity
  for (const { missing } of receiver.tracks) for (const { ask } of missing) due = Math.min(due, ask.dueAt)
  for (const client of receiver.asking) {
    due = Math.min(due, HashMap.getUnsafe(receiver.sources, client).ask!.dueAt)
  }
  return due
}

const whom = (host: Host, { asks }: Ask): "leader" | "group" =>
  host.hasLeader && (asks < leaderFirst || asks % 2 === 1) ? "leader" : "group"

/** Asks for the messages that are due, and gives up those that were asked for long enough. */
export const repair = (host: Host): void => {
  for (const track of host.receiver.tracks) {
    const { leader, missing, term } = track
    if (!missing.some(({ ask }) => ask.dueAt <= host.now)) continue
    const rest = missing.flatMap((run): ReadonlyArray<Run> => {
      if (run.ask.dueAt > host.now) return [run]
      if (host.now - run.ask.since >= giveUpAfter) {
        loseIndexes(host, track, run.from, run.to)
        return []
      }
      host.ask(whom(host, run.ask), { term, leader }, run.from, run.to)
      return [{ ...run, ask: nextAsk(host, run.ask) }]
    })
    putTrack(host, { ...track, missing: rest })
  }
  for (const client of host.receiver.asking) {
    const source = HashMap.getUnsafe(host.receiver.sources, client)
    const ask = source.ask!
    if (ask.dueAt <= host.now) repairSource(host, client, source, ask)
  }
  if (host.receiver.unplaced.length > 0) place(host)
}

const repairSource = (host: Host, client: Client.ClientId, source: Source, ask: Ask): void => {
  const from = source.next!
  const [first] = source.held
  const to = (first?.seq ?? source.highest + 1) - 1
  // Where an index before it is missing, that is being asked for.
  if (first !== undefined && completeTo(host.receiver, first) < first.index) {
    return putSource(host, client, { ...source, ask: { ...ask, dueAt: host.now + 50 } })
  }
  if (host.now - ask.since >= giveUpAfter && ask.asks > leaderFirst) {
    host.lose({ client, term: null, from, to })
    return advance(host, client, { ...source, next: to + 1, ask: null })
  }
  host.ask(whom(host, ask), { client }, from, to)
  putSource(host, client, { ...source, ask: nextAsk(host, ask) })
}

/** Somebody else asks the group for messages that may be missing here too: this receiver waits for the answer. */
export const overhear = (host: Host, missed: Message.Missed, from: number, to: number): void => {
  if ("client" in missed) {
    const source = sourceOf(host, missed.client)
    if (source === undefined || source.ask === null || source.next! < from || source.next! > to) return
    return putSource(host, missed.client, { ...source, ask: nextAsk(host, source.ask) })
  }
  for (const track of host.receiver.tracks) {
    if (track.term !== missed.term || track.leader !== missed.leader) continue
    const missing = track.missing.map((run) =>
      from <= run.from && run.to <= to ? { ...run, ask: nextAsk(host, run.ask) } : run
    )
    putTrack(host, { ...track, missing })
  }
}
