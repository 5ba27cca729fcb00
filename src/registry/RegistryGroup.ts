/** The service `Group` over a registry. What only the LAN has is empty: datagrams, clients, votes, traffic, pages. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type * as Backend from "../backend/Backend.ts"
import type * as Counters from "../engine/Counters.ts"
import type * as Supervisor from "../engine/Supervisor.ts"
import * as Group from "../server/Group.ts"
import * as Health from "../server/Health.ts"
import * as OwnDescription from "../server/OwnDescription.ts"
import type * as Settings from "../settings/Settings.ts"
import type { RegistryEngine } from "./RegistryEngine.ts"
import * as RegistryOptions from "./RegistryOptions.ts"
import type * as RegistryState from "./RegistryState.ts"
import * as RegistryStatus from "./RegistryStatus.ts"

/** What the service stands on. */
export interface Parts extends Pick<Group.GroupShape, "failed"> {
  /** What the registry is called. */
  readonly name: string
  readonly settings: Settings.Settings
  readonly backend: Backend.Membership
  readonly engine: RegistryEngine
  readonly counters: Counters.Counters
  readonly supervisor: Pick<Supervisor.Supervisor, "giveUp">
}

const noDatagrams = { received: 0, receivedBytes: 0, sent: 0, sentBytes: 0 } as const

/** Entries of the registry that were left out, by reason. */
const droppedIn = ({ membersFull, mirror }: RegistryState.State): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Object.entries({ ...mirror.dropped, MembersFull: membersFull }).filter(([, count]) => count > 0)
  )

/** The service over a server's state. */
export const make = ({ backend, counters, engine, failed, name, settings, supervisor }: Parts): Group.GroupShape => {
  const status = Effect.map(engine.state, (state) => RegistryStatus.of(state, engine.now()))
  const pulse = Effect.sync(() => Math.max(0, engine.now().monotonic - engine.sentAt()))
  const dropped = Effect.map(engine.state, droppedIn)
  return {
    settings,
    backend: { name, settings: [...RegistryOptions.keys, "leaseDuration"] },
    ...Group.watching(backend),
    status: Effect.map(status, (status) => ({ ...status, sequence: engine.events.sequence() })),
    traffic: Stream.empty,
    ...OwnDescription.make({
      offer: ({ description }) => engine.offer({ _tag: "Describe", description }),
      stateUnsafe: engine.stateUnsafe
    }, null),
    announcePage: () => Effect.void,
    lastHeard: Effect.map(engine.state, (state) => {
      const heard = RegistryStatus.lastHeard(state, engine.now())
      return new Map([
        [state.self.id, { ...heard, ago: 0 }],
        ...state.members.map(({ id }) => [id, heard] as const)
      ])
    }),
    dropped,
    counters: Effect.zipWith(engine.state, dropped, ({ members }, dropped) => ({
      ...counters.counted(),
      datagrams: noDatagrams,
      dropped,
      waiting: 0,
      held: 0,
      tables: { members: members.length, clients: 0, sessions: 0, tombstones: 0 },
      readers: engine.events.readers()
    })),
    pulse,
    votesIn: Effect.map(engine.state, ({ phase }) => phase === "Left" ? Infinity : 0),
    votes: Effect.void,
    failed,
    fail: (what, cause) => supervisor.giveUp(what, cause),
    healthy: Effect.zipWith(status, pulse, (status, pulse) => Health.of(status, pulse, settings))
  }
}
