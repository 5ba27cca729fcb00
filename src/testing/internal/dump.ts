/** A simulated group as a page for people: every server, what it does and what it sees, and the newest events. */
import * as Cause from "effect/Cause"
import type * as Event from "../../protocol/model/Event.ts"
import type * as Group from "../../server/Group.ts"
import type * as SimulatedNetwork from "../SimulatedNetwork.ts"
import type { Counters } from "../Traffic.ts"

export interface Server {
  readonly host: SimulatedNetwork.Host
  readonly state: string
  readonly starts: number
  readonly failure: Cause.Cause<unknown> | undefined
  /** Undefined before its first start. */
  readonly view: Group.View | undefined
  readonly leads: boolean
}

/** `ids` has the names of the servers by the ids of all their starts. */
export const page = ({ counters, events, ids, now, seed, servers }: {
  readonly seed: number | string
  readonly now: number
  readonly servers: ReadonlyArray<Server>
  readonly counters: Counters
  readonly events: ReadonlyArray<{ readonly at: number; readonly index: number; readonly event: Event.Event }>
  readonly ids: ReadonlyMap<string, string>
}): string => {
  const nameOf = (id: string) => ids.get(id) ?? id
  const short = (key: string, value: unknown) =>
    typeof value === "object" && value !== null && "id" in value && key !== "self" ? nameOf(String(value.id)) : value
  return [
    `seed ${seed}, after ${now.toFixed(3)} ms`,
    ...servers.flatMap((server) => lines(server, nameOf)),
    `  datagrams: ${JSON.stringify(counters)}`,
    "newest events:",
    ...events.slice(-40).map(({ at, event: { at: _, event, ...rest }, index }) =>
      `  ${at.toFixed(3).padStart(12)} s${index} ${event} ${JSON.stringify(rest, short)}`
    )
  ].join("\n")
}

const lines = (
  { failure, host, leads, starts, state, view }: Server,
  nameOf: (id: string) => string
): ReadonlyArray<string> => {
  const reign = view?.reign ?? null
  const leader = reign === null ? "nobody" : `${nameOf(reign.leader.id)} in term ${reign.term}`
  const members = view?.members.map(({ id }) => nameOf(id)).join(" ") ?? ""
  const line = `  ${host.name} ${host.ip} ${state}, start ${starts}${
    leads ? ", leads" : ""
  }: follows ${leader}, sees ${members}`
  return failure === undefined ? [line] : [line, `    its app failed: ${Cause.pretty(failure)}`]
}
