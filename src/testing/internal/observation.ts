/** What is seen of the servers of a simulated group: their views, their leader, their events. */
import * as Effect from "effect/Effect"
import * as Reign from "../../protocol/model/Reign.ts"
import type { Agreement, Seen } from "../SimulatedServer.ts"
import * as Dump from "./dump.ts"
import * as Servers from "./servers.ts"

const viewOf = (server: Servers.SimulatedServer) => Servers.newest(server).server.group.view
const isLeader = (server: Servers.SimulatedServer) => Servers.newest(server).server.leadership.isLeader

const agreed = Effect.fnUntraced(function*(
  servers: Servers.Servers,
  among?: ReadonlyArray<number>
): Effect.fn.Return<Agreement | null> {
  const asked = Servers.running(servers, among)
  const views = yield* Effect.forEach(asked, viewOf)
  const reign = views[0]?.reign ?? null
  if (reign === null) return null
  if (!views.every((view) => view.reign !== null && Reign.compare(view.reign, reign) === 0)) return null
  const leader = asked.find((_, at) => views[at]?.self.id === reign.leader.id)
  return { reign, leader: leader?.index ?? null }
})

/** The number of the one that all follow, and that says that it leads. */
export const leading = Effect.fnUntraced(function*(servers: Servers.Servers, among?: ReadonlyArray<number>) {
  const agreement = yield* agreed(servers, among)
  const leader = agreement === null || agreement.leader === null ? undefined : servers.all[agreement.leader]
  return leader !== undefined && (yield* isLeader(leader)) ? leader.index : undefined
})

export const seeEachOther = Effect.fnUntraced(function*(servers: Servers.Servers, among?: ReadonlyArray<number>) {
  const views = yield* Effect.forEach(Servers.running(servers, among), viewOf)
  const starts = new Set(views.map(({ self }) => `${self.id} ${self.incarnation}`))
  return views.every(({ members }) =>
    members.length === starts.size && members.every(({ id, incarnation }) => starts.has(`${id} ${incarnation}`))
  )
})

const newestEvents = (servers: Servers.Servers, { events }: Servers.SimulatedServer): ReadonlyArray<Seen> =>
  events.slice(-Servers.eventCapacity(servers))

const timeline = (servers: Servers.Servers): ReadonlyArray<Seen> =>
  servers.all.flatMap((server) => newestEvents(servers, server)).toSorted((a, b) => a.at - b.at)

/** A page for people. */
export const dump = Effect.fnUntraced(function*(servers: Servers.Servers) {
  const { all, names, network, options: { seed } } = servers
  const lines = yield* Effect.forEach(all, (server) =>
    Effect.gen(function*() {
      const { failure, host, newest: start, starts, state } = server
      const view = start === undefined ? undefined : yield* viewOf(server)
      return { host, state, starts, failure, view, leads: state === "running" && (yield* isLeader(server)) }
    }))
  const counters = yield* network.counters
  return Dump.page({ seed, now: yield* network.now, servers: lines, counters, events: timeline(servers), ids: names })
})

/** The questions that a test may ask. */
export const views = (servers: Servers.Servers) => ({
  running: Effect.sync(() => Servers.running(servers).map(({ index }) => index)),
  views: Effect.suspend(() =>
    Effect.forEach(
      Servers.running(servers),
      (server) => Effect.map(viewOf(server), (view) => [server.index, view] as const)
    )
  ).pipe(Effect.map((entries) => new Map(entries))),
  leaders: Effect.suspend(() => Effect.filter(Servers.running(servers), isLeader)).pipe(
    Effect.map((found) => found.map(({ index }) => index))
  ),
  agreed: (among?: ReadonlyArray<number>) => agreed(servers, among),
  events: (index: number) => Effect.map(Servers.at(servers, index), (server) => newestEvents(servers, server)),
  timeline: Effect.sync(() => timeline(servers)),
  dump: dump(servers)
})
