/** What each metric reads, from what a server knows and has counted: pure. */
import type * as Histogram from "../../engine/Histogram.ts"
import * as Event from "../../protocol/model/Event.ts"
import type * as Group from "../../server/Group.ts"
import type { Key } from "./Definitions.ts"

/** One series: a metric with its own labels, and its value. Times of histograms are in seconds. */
export interface Reading {
  readonly metric: Key
  readonly labels: Readonly<Record<string, string>>
  readonly value: number | Histogram.Histogram
}

/** What is read. */
export interface Source {
  readonly version: string
  readonly backend: string
  readonly settings: Pick<
    Group.GroupShape["settings"],
    "leadership" | "maxClients" | "maxMembers" | "maxSessions" | "maxTombstones"
  >
  readonly status: Group.Status
  readonly counts: Group.Counts
}

const seconds = (ms: number): number => ms / 1_000

const inSeconds = ({ bounds, count, counts, max, min, sum }: Histogram.Histogram): Histogram.Histogram => ({
  bounds: bounds.map(seconds),
  counts,
  count,
  sum: seconds(sum),
  min: min === null ? null : seconds(min),
  max: max === null ? null : seconds(max)
})

const read = (metric: Key, value: Reading["value"], labels: Reading["labels"] = {}): Reading => ({
  metric,
  labels,
  value
})

/** What a server on a LAN alone has: datagrams, clients and their messages, topics, votes, partitions and locks. */
const ofLan: ReadonlySet<Key> = new Set([
  "silentMembers",
  "clients",
  "elections",
  "votesIn",
  "grantsHeld",
  "lag",
  "pauses",
  "lateness",
  "received",
  "receivedBytes",
  "sent",
  "sentBytes",
  "accepted",
  "repeated",
  "delivered",
  "lost",
  "waiting",
  "talkSaid",
  "talkHeard",
  "talkLost",
  "questionsAsked",
  "questionsHandled",
  "entries",
  "limits"
])

/** All series of one server, each once. What its backend does not have is left out: 0 would say that it had none so far. */
export const of = (source: Source): ReadonlyArray<Reading> => {
  const all = [
    ...ofServer(source),
    ...ofMembers(source.status),
    ...source.status.elections.flatMap(ofElection),
    ...ofCounted(source.counts),
    ...ofTables(source)
  ]
  return isOnLan(source) ? all : all.filter(({ metric }) => !ofLan.has(metric))
}

const isOnLan = ({ backend }: Source): boolean => backend.startsWith("lan")

const ofServer = (source: Source): ReadonlyArray<Reading> => {
  const { backend, counts, settings, status, version } = source
  const leadership = isOnLan(source) ? settings.leadership : backend
  return [
    read("info", 1, { name: status.self.name, version, leadership }),
    read("uptime", seconds(status.uptime)),
    read("clients", status.clients),
    read("votesIn", seconds(status.votesIn ?? 0)),
    read("grantsHeld", counts.held),
    read("lag", seconds(status.lag)),
    read("pauses", inSeconds(counts.pauses)),
    read("lateness", inSeconds(counts.lateness)),
    read("readers", counts.readers.open),
    read("events", status.sequence),
    read("eventsLost", counts.readers.lost)
  ]
}

const ofMembers = ({ members }: Group.Status): ReadonlyArray<Reading> => {
  const ages = members.flatMap(({ heard }) => heard === null ? [] : [heard.ago]).sort((a, b) => a - b)
  return [
    read("members", members.length),
    read("silentMembers", members.filter(({ asked }) => asked > 0).length),
    read("lastHeard", seconds(ages.at(-1) ?? 0), { which: "oldest" }),
    read("lastHeard", seconds(ages[ages.length >> 1] ?? 0), { which: "median" })
  ]
}

const ofElection = (
  { lease, leads, name, reign, term, vacant }: Group.Status["elections"][number]
): ReadonlyArray<Reading> => {
  const election = { election: name }
  return [
    read("leader", leads ? 1 : 0, election),
    read("followsLeader", reign === null ? 0 : 1, election),
    read("vacantFor", seconds(vacant ?? 0), election),
    read("term", term, election),
    read("leaseLeft", lease?.held === true ? seconds(lease.left) : 0, election)
  ]
}

const ofCounted = (
  { datagrams, dropped, elections, messages, talk, waiting }: Group.Counts
): ReadonlyArray<Reading> => [
  ...[...elections].flatMap(([election, { outcomes }]) =>
    Object.entries(outcomes).map(([outcome, count]) => read("elections", count, { election, outcome }))
  ),
  ...[...elections].flatMap(([election, { changes }]) =>
    // All of them from the start: a series that appears at 1 has not increased, as Prometheus counts.
    Event.Cause.literals.map((cause) => read("leaderChanges", changes[cause] ?? 0, { election, cause }))
  ),
  ...[...elections].map(([election, { vacant }]) => read("withoutLeader", inSeconds(vacant), { election })),
  read("received", datagrams.received),
  read("receivedBytes", datagrams.receivedBytes),
  read("sent", datagrams.sent),
  read("sentBytes", datagrams.sentBytes),
  ...Object.entries(dropped).map(([reason, count]) => read("dropped", count, { reason })),
  read("accepted", messages.accepted),
  read("repeated", messages.repeated),
  read("delivered", messages.received),
  read("lost", messages.lost),
  read("waiting", waiting),
  read("talkSaid", talk.said),
  read("talkHeard", talk.heard),
  read("talkLost", talk.lost, { reason: "slow" }),
  read("talkLost", talk.unreadable, { reason: "unreadable" }),
  read("questionsAsked", talk.asked),
  read("questionsHandled", talk.handled)
]

const ofTables = ({ counts: { tables }, settings }: Source): ReadonlyArray<Reading> => {
  const limits = {
    members: settings.maxMembers,
    clients: settings.maxClients,
    sessions: settings.maxSessions,
    tombstones: settings.maxTombstones
  }
  return [
    ...Object.entries(tables).map(([table, count]) => read("entries", count, { table })),
    ...Object.entries(limits).map(([table, limit]) => read("limits", limit, { table }))
  ]
}
