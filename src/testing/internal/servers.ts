/** The servers of a simulated group: what each has been through, and where it is found by its number. */
import type * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type * as Server from "../../server/Server.ts"
import type * as GroupOptions from "../GroupOptions.ts"
import type * as SimulatedClock from "../SimulatedClock.ts"
import type * as SimulatedNetwork from "../SimulatedNetwork.ts"
import type { Seen, State } from "../SimulatedServer.ts"
import type * as Snapshots from "./snapshots.ts"

/** One start of one server. */
export interface Start {
  readonly server: Server.ServerShape
  readonly host: SimulatedNetwork.Host
  readonly ownProcess: SimulatedClock.Process
  readonly scope: Scope.Closeable
  readonly reader: Fiber.Fiber<void>
}

/** One server over all its starts. */
export interface SimulatedServer {
  readonly index: number
  readonly host: SimulatedNetwork.Host
  state: State
  starts: number
  newest: Start | undefined
  /** Until it has started. */
  starting: Fiber.Fiber<void, Server.ServerError> | undefined
  /** Those whose scope is still open. */
  buried: Array<Start>
  events: Array<Seen>
  failure: Cause.Cause<unknown> | undefined
  snapshots: Snapshots.Snapshots | undefined
  /** How often it was noticed that it was set back. */
  generation: number
}

/** The servers of one group, and what they share. */
export interface Servers {
  readonly options: GroupOptions.Options
  readonly network: SimulatedNetwork.SimulatedNetwork
  readonly ambient: Clock.Clock
  readonly all: Array<SimulatedServer>
  /** The names of the servers by the node ids of all their starts. */
  readonly names: Map<string, string>
}

/** How many of its newest events are kept for each server. */
export const eventCapacity = ({ options }: Servers): number => options.eventCapacity ?? 10_000

/** One more, on a machine of its own, that has not started. */
export const create = Effect.fnUntraced(function*({ all, network }: Servers, clock: SimulatedClock.Options = {}) {
  const index = all.length
  const server: SimulatedServer = {
    index,
    host: yield* network.host({ ...clock, name: `s${index}` }),
    state: "stopped",
    starts: 0,
    newest: undefined,
    starting: undefined,
    buried: [],
    events: [],
    failure: undefined,
    snapshots: undefined,
    generation: 0
  }
  all.push(server)
  return server
})

/** The server of a number, in one of these states where they are named; anything else is a defect. */
export const at = ({ all }: Servers, index: number, states?: ReadonlyArray<State>): Effect.Effect<SimulatedServer> =>
  Effect.suspend(() => {
    const server = all[index]
    if (server === undefined) return Effect.die(new Error(`there is no server ${index} among ${all.length}`))
    return states === undefined || states.includes(server.state)
      ? Effect.succeed(server)
      : Effect.die(new Error(`server ${index} is ${server.state}, not ${states.join(" or ")}`))
  })

export const hostOf = (servers: Servers, index: number): Effect.Effect<SimulatedNetwork.Host> =>
  Effect.map(at(servers, index), ({ host }) => host)

export const newest = ({ index, newest: start }: SimulatedServer): Start => {
  if (start === undefined) throw new Error(`server ${index} never started`)
  return start
}

/** Those that run, of all or of those that matter. */
export const running = ({ all }: Servers, among?: ReadonlyArray<number>): ReadonlyArray<SimulatedServer> =>
  all.filter(({ index, state }) => state === "running" && (among === undefined || among.includes(index)))
