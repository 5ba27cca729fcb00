/**
 * What one server has counted since its start, for metrics: always on, so plain numbers that are written in place. The packet
 * path adds to them and does nothing else.
 */
import * as HashMap from "effect/HashMap"
import * as Election from "../protocol/model/Election.ts"
import type * as Event from "../protocol/model/Event.ts"
import type * as Member from "../protocol/model/Member.ts"
import type * as Message from "../protocol/model/Message.ts"
import type { Output } from "../protocol/model/Output.ts"
import type { State } from "../protocol/model/State.ts"
import * as Elections from "./Elections.ts"
import * as Histogram from "./Histogram.ts"
import * as TalkCounts from "./TalkCounts.ts"

/**
 * What happened in one election: the group's own has the name "". `outcomes` are how those ended that this server took part in:
 * it leads then, another does, or nobody; `changes` the new leaders by the cause; `vacant` for how long nobody led before each of
 * them, in ms.
 */
export interface ElectionCounts {
  readonly outcomes: Readonly<Record<Elections.Outcome, number>>
  readonly changes: Readonly<Partial<Record<Event.Cause, number>>>
  readonly vacant: Histogram.Histogram
}

/**
 * The messages of clients. `accepted` were, by this server as the leader, and relayed to the group; `repeated` it said again to
 * those who had missed them. `received` were handed to its own app, `lost` to nobody.
 */
export interface MessageCounts {
  readonly accepted: number
  readonly repeated: number
  readonly received: number
  readonly lost: number
}

/**
 * All that is counted as it happens. Times are in ms. Of more elections than {@link maxElections} the later ones are counted
 * together, as {@link others}.
 */
export interface Counted {
  readonly elections: ReadonlyMap<string, ElectionCounts>
  readonly messages: MessageCounts
  readonly talk: TalkCounts.TalkCounts
  /** How late this server's own heartbeats were. */
  readonly lateness: Histogram.Histogram
  /** How long it was paused, each time. */
  readonly pauses: Histogram.Histogram
}

/** Counts as it happens. */
export interface Counters {
  /** Of a step: what it left to do. */
  readonly output: (output: Output) => void
  /** An election that this server took part in has ended. */
  readonly ended: (election: Elections.Ended) => void
  readonly event: (event: Event.Event) => void
  /** A heartbeat was due so many ms ago. */
  readonly late: (by: number) => void
  /** A reader of a topic lost a message, or could not read one. */
  readonly talk: Pick<TalkCounts.Counting, "lost" | "unreadable">
  readonly counted: () => Counted
}

/** The most elections that are counted each by itself. */
export const maxElections = 64

/** Where those above are counted: no election can have this name. */
export const others = " others"

interface Counting {
  readonly outcomes: Record<Elections.Outcome, number>
  readonly changes: Partial<Record<Event.Cause, number>>
  readonly vacant: Histogram.Filling
}

const seen = (elections: ReadonlyMap<string, Counting>): Counted["elections"] =>
  new Map([...elections].map(([name, { outcomes, changes, vacant }]) => [
    name,
    { outcomes: { ...outcomes }, changes: { ...changes }, vacant: vacant.seen() }
  ]))

/** Nothing has happened yet, to the server of that id. */
export const make = (self: Member.NodeId): Counters => {
  const elections = new Map<string, Counting>()
  const messages = { accepted: 0, repeated: 0, received: 0, lost: 0 }
  const talk = TalkCounts.make()
  const lateness = Histogram.make()
  const pauses = Histogram.make()
  let newest = { term: 0, index: 0 }

  const of = (name: string): Counting => {
    const key = elections.has(name) || elections.size < maxElections ? name : others
    const found = elections.get(key)
      ?? { outcomes: { ...Elections.none }, changes: {}, vacant: Histogram.make() }
    elections.set(key, found)
    return found
  }
  of(Election.ofGroup)
  const delivered = ({ index, leader, term }: Message.Of<"CLIENT_DELIVER">): void => {
    const isNew = leader === self && (term > newest.term || (term === newest.term && index > newest.index))
    if (isNew) newest = { term, index }
    messages[isNew ? "accepted" : "repeated"] += 1
  }
  return {
    output: (output) => {
      if (output._tag === "Send" && output.message.type === "CLIENT_DELIVER") delivered(output.message)
      talk.output(output)
    },
    ended: ({ election, outcome }) => {
      of(election).outcomes[outcome] += 1
    },
    event: (event) => {
      switch (event.event) {
        case "LeaderChanged": {
          if (event.leader === null || event.cause === "PathChanged") return
          const { changes, vacant } = of(event.election)
          changes[event.cause] = (changes[event.cause] ?? 0) + 1
          return vacant.observe(event.without)
        }
        case "Stalled":
          return event.doubted === undefined ? pauses.observe(event.for) : undefined
        case "MessageReceived":
          messages.received += 1
          return
        case "MessageLost":
          messages.lost += event.to - event.from + 1
          return
        default:
          return
      }
    },
    late: lateness.observe,
    talk,
    counted: () => ({
      elections: seen(elections),
      messages: { ...messages },
      talk: { ...talk.counts },
      lateness: lateness.seen(),
      pauses: pauses.seen()
    })
  }
}

/** How much this server holds by grants of the leader. */
export const held = ({ grants: { holdings } }: State): number => {
  let count = 0
  for (const [, { held }] of holdings) count += HashMap.size(held)
  return count
}

/** How many messages of clients wait: for those before them, or until the app has read its inbox. */
export const waiting = ({ delivery: { clients, receiver } }: State): number => {
  let count = 0
  for (const [, { waiting }] of clients) count += waiting.length
  for (const [, { held }] of receiver.sources) count += held.length
  return count
}
