/**
 * What servers say that they see: whom they follow, and who is there.
 */
import * as Effect from "effect/Effect"
import type * as Event from "../../src/protocol/model/Event.ts"
import type * as Process from "../cli/process.ts"

/** For a server of the profile `fast`. */
export const flags = (name: string, priority: number, ...more: ReadonlyArray<string>): ReadonlyArray<string> => [
  "--json",
  "--profile",
  "fast",
  "--name",
  name,
  "--priority",
  String(priority),
  ...more
]

export const leaderOf = (server: Process.Running): string | null =>
  server.events.findLast((event) => event.event === "LeaderChanged")?.leader?.name ?? null

export const follows = (server: Process.Running, name: string) =>
  server.until(() => leaderOf(server) === name ? true : undefined)

export const allFollow = (servers: ReadonlyArray<Process.Running>, name: string) =>
  Effect.forEach(servers, (server) => follows(server, name), { discard: true })

/** Whom it sees, by name, itself left out. */
export const sees = (server: Process.Running): ReadonlyArray<string> => {
  const names = new Map<string, string>()
  for (const event of server.events) {
    if (event.event === "MemberJoined") names.set(event.member.id, event.member.name)
    if (event.event === "MemberRemoved") names.delete(event.member.id)
  }
  return [...names.values()].toSorted()
}

export const seesAll = (server: Process.Running, ...names: ReadonlyArray<string>) =>
  server.until(() => sees(server).join() === names.toSorted().join() ? true : undefined)

/** Each sees all the others: one member each. */
export const allSeeAll = (servers: Readonly<Record<string, Process.Running>>) =>
  Effect.forEach(
    Object.entries(servers),
    ([name, server]) => seesAll(server, ...Object.keys(servers).filter((other) => other !== name)),
    { discard: true }
  )

/** What happens on a server from now on. */
export const since = (server: Process.Running) => {
  const from = server.events.length
  return () => server.events.slice(from)
}

/** Waits until a server tells of its network in words that end so. */
export const tells = (server: Process.Running, happened: () => ReadonlyArray<Event.Event>, what: string) =>
  server.until(() => happened().find((event) => event.event === "NetworkChanged" && event.what.includes(what)))

/** A machine may be so loaded that a server is paused for longer than a time-out: such a one says so itself. */
const hasStalled = (server: Process.Running) => server.events.some(({ event }) => event === "Stalled")

/** Who was removed as silent or crashed though it ran all the time: by whom, and why. */
export const evicted = (servers: Readonly<Record<string, Process.Running>>): ReadonlyArray<string> =>
  Object.entries(servers).flatMap(([by, { events }]) =>
    events.flatMap((event) => {
      if (event.event !== "MemberRemoved" || event.reason._tag === "Left") return []
      const { member: { name }, reason } = event
      const server = servers[name]
      return server === undefined || hasStalled(server) ? [] : [`${name} by ${by}: ${JSON.stringify(reason)}`]
    })
  )
