/** What a demo knows: its servers, each as it sees its group by its own events, and what was done to them. Pure. */
import type * as Event from "../../protocol/model/Event.ts"

/** The servers by name, the first with the lowest priority. */
export const names = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota"] as const

/** How many there are at first. */
export const initial = 5

export type Leadership = "bully" | "lease"

/** How far a process is: told to end by a signal that it cannot hear (`killed`), by one that it can, or ended by itself. */
export type Life = "starting" | "running" | "stopping" | "killed" | "stopped" | "failed"

export interface Server {
  readonly name: string
  readonly priority: number
  /** The address of its page. */
  readonly page: string
  readonly life: Life
  readonly isFrozen: boolean
  readonly isCutOff: boolean
  /** Its node id, null before its first event. */
  readonly id: string | null
  /** The ids of those in its view, itself included. */
  readonly sees: ReadonlySet<string>
  /** The id of the server that leads as it sees it. */
  readonly follows: string | null
}

export type Kind =
  | "Killed"
  | "Stopped"
  | "Frozen"
  | "Thawed"
  | "CutOff"
  | "Healed"
  | "Started"
  | "AllByBully"
  | "AllByLease"

/** Something that followed, so many ms after the act, by the events of a server. */
export interface Consequence {
  readonly after: number
  readonly who: string
  readonly text: string
}

/** What was done, to which server (null: to all), when in Unix ms, and what followed. */
export interface Act {
  readonly kind: Kind
  readonly target: string | null
  readonly at: number
  readonly didLead: boolean
  readonly consequences: ReadonlyArray<Consequence>
  /** What is told once has been told under these keys. */
  readonly told: ReadonlySet<string>
}

export interface Model {
  readonly group: string
  readonly token: string
  readonly leadership: Leadership
  readonly servers: ReadonlyArray<Server>
  readonly acts: ReadonlyArray<Act>
  /** The server that keys act on; null for the one that leads. */
  readonly chosen: string | null
  /** Why the last key did nothing. */
  readonly refusal: string | null
}

const keptActs = 20

export const make = (given: Pick<Model, "group" | "leadership" | "token">): Model => ({
  ...given,
  servers: [],
  acts: [],
  chosen: null,
  refusal: null
})

/** A server that is being started. */
export const starting = (given: Pick<Server, "name" | "page" | "priority">): Server => ({
  ...given,
  life: "starting",
  isFrozen: false,
  isCutOff: false,
  id: null,
  sees: new Set(),
  follows: null
})

/** A process that is there. */
export const isThere = ({ life }: Server): boolean => life === "starting" || life === "running" || life === "stopping"

/** One that can hear the others, and be heard. */
export const isReachable = (server: Server): boolean =>
  (server.life === "running" || server.life === "starting") && !server.isFrozen && !server.isCutOff

export const serverOf = ({ servers }: Model, name: string | null): Server | undefined =>
  servers.find((server) => server.name === name)

/** The name of a server by its node id. */
export const nameOf = ({ servers }: Pick<Model, "servers">, id: string | null): string | undefined =>
  id === null ? undefined : servers.find((server) => server.id === id)?.name

/** The server that leads by its own word, of those that most follow. */
export const leaderOf = ({ servers }: Pick<Model, "servers">): Server | undefined => {
  const followers = (leader: Server) =>
    servers.filter((server) => isThere(server) && server.follows === leader.id).length
  const leaders = servers.filter((server) => isThere(server) && server.id !== null && server.follows === server.id)
  return leaders.reduce<Server | undefined>(
    (most, leader) => most === undefined || followers(leader) > followers(most) ? leader : most,
    undefined
  )
}

/** The server that keys act on. */
export const targetOf = (model: Model): Server | undefined =>
  model.chosen === null ? leaderOf(model) ?? model.servers.find(isThere) : serverOf(model, model.chosen)

const withServer = (model: Model, name: string, change: (server: Server) => Server): Model => ({
  ...model,
  servers: model.servers.map((server) => server.name === name ? change(server) : server)
})

const changed: Record<Kind, (server: Server) => Server> = {
  Killed: (server) => ({ ...server, life: "killed" }),
  Stopped: (server) => ({ ...server, life: "stopping", isFrozen: false }),
  Frozen: (server) => ({ ...server, isFrozen: true }),
  Thawed: (server) => ({ ...server, isFrozen: false }),
  CutOff: (server) => ({ ...server, isCutOff: true }),
  Healed: (server) => ({ ...server, isCutOff: false }),
  Started: (server) => server,
  AllByBully: (server) => server,
  AllByLease: (server) => server
}

const leaderships: { readonly [K in Kind]?: Leadership } = { AllByBully: "bully", AllByLease: "lease" }

/** What is done now, with nothing that followed yet. */
export const act = (model: Model, kind: Kind, target: string | null, at: number): Model => {
  const didLead = target !== null && leaderOf(model)?.name === target
  const act: Act = { kind, target, at, didLead, consequences: [], told: new Set() }
  const acts = [...model.acts, act].slice(-keptActs)
  const done = {
    ...model,
    acts,
    refusal: null,
    leadership: leaderships[kind] ?? model.leadership,
    // The same key undoes what lasts; after all else, keys act on the leader again.
    chosen: kind === "Frozen" || kind === "CutOff" ? target : null
  }
  return target === null ? done : withServer(done, target, changed[kind])
}

/** A server is started, in place of the one that had its name, or besides the others. */
export const withStarting = (model: Model, server: Server): Model => ({
  ...model,
  servers: serverOf(model, server.name) === undefined
    ? [...model.servers, server]
    : model.servers.map((former) => former.name === server.name ? server : former)
})

const seen = (server: Server, event: Event.AnyEvent): Server => {
  switch (event.event) {
    case "Started":
      return { ...server, life: "running", id: event.self.id, sees: new Set([event.self.id]) }
    case "MemberJoined":
      return { ...server, sees: new Set([...server.sees, event.member.id]) }
    case "MemberRemoved":
      return { ...server, sees: new Set([...server.sees].filter((id) => id !== event.member.id)) }
    case "LeaderChanged":
      return event.election === "" ? { ...server, follows: event.leader?.id ?? null } : server
    case "Left":
      return { ...server, follows: null, sees: new Set() }
    default:
      return server
  }
}

/** A server has told an event. What it says of one that is gone is past. */
export const hear = (model: Model, name: string, event: Event.AnyEvent): Model =>
  withServer(model, name, (server) => seen(server, event))

/** The process of a server has ended. */
export const end = (model: Model, name: string): Model =>
  withServer(model, name, (server) => ({
    ...server,
    life: server.life === "killed" ? "killed" : server.life === "stopping" ? "stopped" : "failed",
    isFrozen: false,
    isCutOff: false,
    follows: null,
    sees: new Set()
  }))

export const choose = (model: Model, chosen: string | null): Model => ({ ...model, chosen, refusal: null })

export const refuse = (model: Model, refusal: string): Model => ({ ...model, refusal })
