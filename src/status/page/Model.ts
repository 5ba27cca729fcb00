/** All that the page shows, as data: each thing that comes from the server or from the person before it gives the next. */
import type { Exchanged } from "../../server/Traffic.ts"
import type * as History from "../History.ts"
import type { GroupStatus, Streamed } from "../http/Contract.ts"
import * as Names from "../Names.ts"
import * as Flights from "./Flights.ts"
import * as TimeLine from "./TimeLine.ts"

/** How the page is connected with its server. `Unsure`: that does not know at present who is there. `since` is from when what it shows is, in Unix ms: null where it shows nothing. */
export type Link =
  | { readonly _tag: "Connecting" }
  | { readonly _tag: "Live" }
  | { readonly _tag: "Stale"; readonly since: number | null; readonly why: string }
  | { readonly _tag: "Unsure" }
  | { readonly _tag: "Left" }
  | { readonly _tag: "Closed" }

/** One line of the event log. */
export interface Entry {
  /** Counts from 1, over all that came. */
  readonly key: number
  readonly event: Streamed
}

/** One line of the log of messages. */
export interface Said {
  readonly key: number
  readonly message: Exchanged
}

/** What is shown in detail. */
export type Selected =
  | { readonly kind: "member"; readonly id: string }
  | { readonly kind: "event"; readonly key: number }
  | TimeLine.Target

/** Which events of the log are shown. */
export interface Filter {
  readonly hidden: ReadonlySet<Topic>
  readonly text: string
}

/** What an event is about. */
export type Topic = "leadership" | "members" | "messages" | "server"

/** The whole page. */
export interface Model {
  readonly link: Link
  readonly status: GroupStatus | null
  /** When the status came, by the page's own clock, which runs on while nothing comes. */
  readonly statusAt: number
  /** The version that the page was served by: another one may speak otherwise. */
  readonly version: string | null
  readonly history: History.History | null
  readonly log: ReadonlyArray<Entry>
  readonly said: ReadonlyArray<Said>
  readonly count: number
  readonly election: string
  readonly selected: Selected | null
  readonly filter: Filter
  readonly window: TimeLine.Window
  /** The longest that the shown lease was seen to last. */
  readonly leaseFull: number
}

/** What may happen to the page. */
export type Happening =
  | { readonly _tag: "Status"; readonly status: GroupStatus; readonly at: number }
  | { readonly _tag: "History"; readonly history: History.History }
  | { readonly _tag: "Events"; readonly events: ReadonlyArray<Streamed> }
  | { readonly _tag: "Said"; readonly messages: ReadonlyArray<Exchanged> }
  | { readonly _tag: "Lost"; readonly why: string }
  | { readonly _tag: "Refused" }
  | { readonly _tag: "Select"; readonly selected: Selected | null }
  | { readonly _tag: "Election"; readonly name: string }
  | { readonly _tag: "Topic"; readonly topic: Topic }
  | { readonly _tag: "Search"; readonly text: string }
  | { readonly _tag: "Window"; readonly window: TimeLine.Window }

/** How many events, and how many messages, the page keeps. */
export const kept = { events: 1_000, messages: 60 } as const

export const empty: Model = {
  link: { _tag: "Connecting" },
  status: null,
  statusAt: 0,
  version: null,
  history: null,
  log: [],
  said: [],
  count: 0,
  election: "",
  selected: null,
  filter: { hidden: new Set(), text: "" },
  window: { span: TimeLine.usual, end: null },
  leaseFull: 0
}

/** The page after something has happened. */
export const update = (model: Model, happening: Happening): Model => {
  switch (happening._tag) {
    case "Status":
      return withStatus(model, happening.status, happening.at)
    case "History":
      return {
        ...model,
        history: happening.history,
        window: model.history === null ? TimeLine.firstOf(happening.history, model.status?.at ?? 0) : model.window
      }
    case "Events":
      return withEvents(model, happening.events)
    case "Said": {
      const news = happening.messages.filter(Flights.isNews)
      if (news.length === 0) return model
      const said = news.map((message, index) => ({ key: model.count + index + 1, message }))
      return { ...model, count: model.count + news.length, said: [...model.said, ...said].slice(-kept.messages) }
    }
    case "Lost":
      return lost(model, happening.why)
    case "Refused":
      return { ...model, link: { _tag: "Closed" } }
    case "Select":
      return { ...model, selected: happening.selected }
    case "Election":
      return { ...model, election: happening.name, leaseFull: 0 }
    case "Topic": {
      const hidden = new Set(model.filter.hidden)
      if (!hidden.delete(happening.topic)) hidden.add(happening.topic)
      return { ...model, filter: { ...model.filter, hidden } }
    }
    case "Search":
      return { ...model, filter: { ...model.filter, text: happening.text } }
    case "Window":
      return { ...model, window: happening.window }
  }
}

const withStatus = (model: Model, status: GroupStatus, at: number): Model => {
  const isNewStart = model.status !== null && model.status.self.incarnation !== status.self.incarnation
  const election = status.elections.some(({ name }) => name === model.election) ? model.election : ""
  const left = leaseOf({ status, election })?.left ?? 0
  return {
    ...model,
    link: { _tag: status.phase === "Left" ? "Left" : status.phase === "Recovering" ? "Unsure" : "Live" },
    status: { ...status, members: Names.toldApart(status.members) },
    statusAt: at,
    version: model.version ?? status.version,
    election,
    // Its events begin anew, and so do the numbers by which something is selected.
    log: isNewStart ? [] : model.log,
    selected: isNewStart ? null : model.selected,
    leaseFull: left === 0 ? 0 : Math.max(isNewStart ? 0 : model.leaseFull, left)
  }
}

const withEvents = (model: Model, events: ReadonlyArray<Streamed>): Model => {
  const news = events.filter(({ event }) => event !== "Alive")
  const log = news.map((event, index) => ({ key: model.count + index + 1, event }))
  return {
    ...model,
    link: news.some(({ event }) => event === "Left") ? { _tag: "Left" } : model.link,
    count: model.count + news.length,
    log: news.length === 0 ? model.log : [...model.log, ...log].slice(-kept.events)
  }
}

const lost = (model: Model, why: string): Model => {
  const { link, status } = model
  if (link._tag === "Stale") return link.why === why ? model : { ...model, link: { ...link, why } }
  return link._tag === "Left" ? model : { ...model, link: { _tag: "Stale", since: status?.at ?? null, why } }
}

/** Whether the servers of the group speak to each other: those in a registry do not. */
export const isOnLan = ({ status }: Pick<Model, "status">): boolean => status?.backend?.startsWith("lan") !== false

/** The election that is looked at. */
export const seenElection = (
  { election, status }: Pick<Model, "status" | "election">
): GroupStatus["elections"][number] | null =>
  status?.elections.find(({ name }) => name === election) ?? status?.elections[0] ?? null

/** A member by its id, as long as it is one. */
export const memberOf = ({ status }: Pick<Model, "status">, id: string): GroupStatus["members"][number] | null =>
  status?.members.find((member) => member.id === id) ?? null

/** What is known here of the lease: our own as leader, or what we have promised to another. */
export interface Lease {
  readonly of: string
  readonly left: number
  readonly isOwn: boolean
  readonly votes: ReadonlyArray<string>
  readonly acknowledged: ReadonlyArray<string>
}

/** The lease of the election that is looked at; null where there is none. */
export const leaseOf = (model: Pick<Model, "status" | "election">): Lease | null => {
  const seen = seenElection(model)
  const { status } = model
  if (seen === null || status === null) return null
  if (seen.lease !== null && seen.lease.held) {
    const { acknowledged, left, votes } = seen.lease
    return { of: status.self.id, left, isOwn: true, votes, acknowledged }
  }
  if (seen.promise === null) return null
  const { left, to } = seen.promise
  return { of: to, left, isOwn: false, votes: [status.self.id], acknowledged: [] }
}

const topics: { readonly [K in Streamed["event"]]?: Topic } = {
  Started: "members",
  MemberJoined: "members",
  MemberRemoved: "members",
  MemberMoved: "members",
  MemberChanged: "members",
  DuplicateIdentity: "members",
  SettingsDiffer: "members",
  Left: "members",
  LeaderChanged: "leadership",
  Votes: "leadership",
  NoMajority: "leadership",
  GroupTooLarge: "leadership",
  Unheard: "leadership",
  WorkOverran: "leadership",
  WorkFailed: "leadership",
  ClientJoined: "messages",
  ClientLeft: "messages",
  MessageReceived: "messages",
  MessageLost: "messages"
}

/** What an event is about; what is about nothing else is about the server itself. */
export const topicOf = ({ event }: Streamed): Topic => topics[event] ?? "server"

/** The lines of the log that the filter lets through, the newest first. */
export const shownLog = (
  { filter, log }: Pick<Model, "log" | "filter">,
  text: (event: Streamed) => string
): ReadonlyArray<Entry> => {
  const wanted = filter.text.trim().toLowerCase()
  return log.filter(({ event }) =>
    !filter.hidden.has(topicOf(event)) && (wanted === "" || text(event).toLowerCase().includes(wanted))
  ).toReversed()
}

/** The pages of other members that are known, the leader's first. */
export const otherPages = (
  model: Pick<Model, "status" | "election">
): ReadonlyArray<{ readonly id: string; readonly name: string; readonly page: string }> => {
  const leader = seenElection(model)?.reign?.leader.id
  return (model.status?.members ?? []).flatMap(({ id, name, page }) =>
    page === null || id === model.status?.self.id ? [] : [{ id, name, page }]
  ).sort((a, b) => Number(b.id === leader) - Number(a.id === leader))
}
