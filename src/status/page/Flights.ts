/**
 * Messages as something that flies between members. Only what the server can know: of what it heard it knows who said it, not who
 * else hears it, so that flies to the server itself; of what it sends it knows the addressee.
 */
import type * as Member from "../../protocol/model/Member.ts"
import type { Exchanged } from "../../server/Traffic.ts"

/** Between whom a message flies. */
export interface Flight {
  readonly type: string
  readonly from: string
  readonly to: string
}

/** What is seen of one message: whose heart beats, and what flies. */
export interface Seen {
  readonly beats: string | null
  readonly flights: ReadonlyArray<Flight>
}

/** One message to the whole group is drawn to so many members at most. */
export const maxFlights = 32

const nothing: Seen = { beats: null, flights: [] }

/** The messages of which a group makes many all the time. */
const isSteady: ReadonlySet<string> = new Set(["SERVER_ALIVE", "BEAT", "BEAT_ACK"])

/** Whether a message belongs to what happens seldom: what a log of messages is for. */
export const isNews = ({ type }: Pick<Exchanged, "type">): boolean => !isSteady.has(type)

/** What is seen of a message by the server `self` in a group of these members. */
export const see = (
  exchanged: Exchanged,
  self: string,
  members: ReadonlyArray<Pick<Member.Member, "id" | "ip" | "port">>
): Seen => {
  const { by, to, type, way } = exchanged
  if (by === null || !members.some(({ id }) => id === by)) return nothing
  const beats = type === "SERVER_ALIVE" ? by : null
  if (way === "heard") return { beats, flights: by === self ? [] : [{ type, from: by, to: self }] }
  if (by !== self) return nothing
  const others = members.filter(({ id, ip, port }) =>
    id !== self && (to === null || to === `${ip}:${port}` || to === `[${ip}]:${port}`)
  )
  // A heartbeat of our own is seen as one: a line to everybody twice a second would hide the rest.
  return {
    beats,
    flights: beats === null ? others.slice(0, maxFlights).map(({ id }) => ({ type, from: self, to: id })) : []
  }
}

/** How a message is coloured: by what it is for. */
export const kindOf = (type: string): "heartbeat" | "election" | "objection" | "leader" | "lease" | "other" => {
  switch (type) {
    case "SERVER_ALIVE":
      return "heartbeat"
    case "ELECTION":
      return "election"
    case "OK":
    case "VOTE":
      return "objection"
    case "COORDINATOR":
    case "STEPPING_DOWN":
      return "leader"
    case "BEAT":
    case "BEAT_ACK":
    case "RELEASE":
      return "lease"
    default:
      return "other"
  }
}
