/**
 * A whole group in one test: N servers with their real code, each on a machine of its own with its own clock, on one
 * simulated network; and verbs for all that can happen to them. A run is decided by its seed.
 *
 * ```ts
 * import { assert, it } from "@effect/vitest"
 * import * as Effect from "effect/Effect"
 * import { SimulatedGroup, VirtualTime } from "bellwether/testing"
 *
 * it.effect("somebody else leads when the leader dies", () =>
 *   VirtualTime.run(Effect.gen(function*() {
 *     const group = yield* SimulatedGroup.make({ servers: 3, seed: 42 })
 *     const first = yield* group.awaitLeader()
 *     yield* group.kill(first)
 *     assert.notStrictEqual(yield* group.awaitLeader({ within: "1 minute" }), first)
 *   })))
 * ```
 *
 * It runs under `TestClock` as it is, and two to three times faster in `VirtualTime`. Time passes only where a verb says so.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { State as ProtocolState } from "../protocol/model/State.ts"
import type * as Group from "../server/Group.ts"
import type * as Server from "../server/Server.ts"
import type * as Settings from "../settings/Settings.ts"
import * as Spelling from "../settings/Spelling.ts"
import * as GroupOptions from "./GroupOptions.ts"
import * as Lifecycle from "./internal/lifecycle.ts"
import * as Observation from "./internal/observation.ts"
import * as Servers from "./internal/servers.ts"
import * as Start from "./internal/start.ts"
import * as Waiting from "./internal/waiting.ts"
import * as NotSettled from "./NotSettled.ts"
import * as SimulatedClients from "./SimulatedClients.ts"
import * as SimulatedNetwork from "./SimulatedNetwork.ts"
import type { Agreement, Seen, State } from "./SimulatedServer.ts"
import type { Conditions } from "./Traffic.ts"

export type { Options } from "./GroupOptions.ts"
export { NotSettled } from "./NotSettled.ts"
export type { Wait } from "./NotSettled.ts"
export type { Agreement, Seen, State } from "./SimulatedServer.ts"

/**
 * Servers go by their number. A verb that needs a process where there is none, or the other way round, is a defect.
 *
 * @category models
 * @since 0.1.0
 */
export interface SimulatedGroup {
  readonly seed: number | string
  /** For what has no verb here, counters and traces among them. Its machines are `s0`, `s1`, and so on. */
  readonly network: SimulatedNetwork.SimulatedNetwork
  readonly size: Effect.Effect<number>
  readonly state: (index: number) => Effect.Effect<State>
  /** The services of the newest process of a server, also of one that was killed. */
  readonly server: (index: number) => Effect.Effect<Server.ServerShape>
  readonly host: (index: number) => Effect.Effect<SimulatedNetwork.Host>

  // --- What happens to servers ---

  /** Adds one more server and starts it; its number. */
  readonly add: Effect.Effect<number, Server.ServerError>
  /**
   * Starts one that was killed or stopped: a new incarnation, on the same machine. Where its seeds are names that nobody
   * answers for, time passes until it has started, two seconds at most.
   */
  readonly start: (index: number) => Effect.Effect<void, Server.ServerError>
  /** The same, and does not wait for it: the fiber ends when it has started, for which time may have to pass. */
  readonly startLater: (index: number) => Effect.Effect<Fiber.Fiber<void, Server.ServerError>>
  /** SIGKILL: it says nothing, and no finalizer of it runs before this group's scope closes. Its machine refuses. */
  readonly kill: (index: number) => Effect.Effect<void>
  /** The machine loses its power: as `kill`, but nobody refuses either. `start` brings it back. */
  readonly crash: (index: number) => Effect.Effect<void>
  /** SIGTERM: it says goodbye. Time passes until its scope has closed. */
  readonly stop: (index: number) => Effect.Effect<void>
  /** Kills it where it runs, and starts it 1 ms later. */
  readonly restart: (index: number) => Effect.Effect<void, Server.ServerError>
  /** SIGSTOP. */
  readonly pause: (index: number) => Effect.Effect<void>
  /** SIGCONT: by default the datagrams that waited are read before the sleepers wake. */
  readonly resume: (index: number, first?: "datagrams" | "sleepers") => Effect.Effect<void>
  /** The lid is closed: the monotonic clock stops too, and what arrives is lost. */
  readonly suspend: (index: number) => Effect.Effect<void>
  readonly wake: (index: number, first?: "datagrams" | "sleepers") => Effect.Effect<void>
  readonly jumpWallClock: (index: number, by: Duration.Input) => Effect.Effect<void>
  readonly setClockRate: (index: number, rate: number) => Effect.Effect<void>
  /**
   * Sets its machine back to what it was so many ms ago, or somewhat earlier, with its clocks but the wall clock: to this
   * state, or null where `snapshots` has none so old, or it does not run. Where it is noticed, a generation id has changed. Its
   * work goes on as it is.
   */
  readonly setBack: (index: number, by: number, isNoticed: boolean) => Effect.Effect<ProtocolState | null>

  // --- Clients ---

  /** The clients: to add, kill and stop them, and to see what they do. */
  readonly clients: SimulatedClients.SimulatedClients
  /** SIGTERM for a client: it says goodbye. Time passes until its scope has closed. */
  readonly stopClient: (index: number) => Effect.Effect<void>

  // --- What happens to the network ---

  readonly partition: (parts: ReadonlyArray<ReadonlyArray<number>>) => Effect.Effect<void>
  readonly cut: (from: number, to: number) => Effect.Effect<void>
  readonly heal: Effect.Effect<void>
  readonly setLink: (from: number, to: number, conditions: Partial<Conditions>) => Effect.Effect<void>
  readonly setMulticastLoss: (index: number, loss: number) => Effect.Effect<void>
  /** On every link that has no conditions of its own. */
  readonly setLoss: (loss: number) => Effect.Effect<void>
  readonly setDelay: (delay: Conditions["delay"]) => Effect.Effect<void>
  readonly setDuplicate: (duplicate: number) => Effect.Effect<void>
  readonly setReorder: (reorder: number, by?: Duration.Input) => Effect.Effect<void>
  /** Gives the machine of a server another address, on its first interface unless named; or none (null). */
  readonly setAddress: (index: number, ip: string | null, name?: string) => Effect.Effect<void>
  /** Adds an interface, on another network if its address is on one. The one that is there from the start is `sim0`. */
  readonly addInterface: (index: number, name: string, ip: string | null) => Effect.Effect<void>
  readonly removeInterface: (index: number, name: string) => Effect.Effect<void>
  /** Lets its scans of interfaces, its opening of sockets or its sends fail, or work again. A new start can do the first two. */
  readonly setFailing: (index: number, what: SimulatedNetwork.Failing, failing: boolean) => Effect.Effect<void>
  /** How names of machines, as seeds have them, are resolved. */
  readonly setResolver: (how: SimulatedNetwork.Resolver) => Effect.Effect<void>
  /** For so long its receive buffers are full: what arrives is lost. */
  readonly overflow: (index: number, duration: Duration.Input) => Effect.Effect<void>

  // --- What is seen ---

  /** The numbers of those that run. */
  readonly running: Effect.Effect<ReadonlyArray<number>>
  /** The view of each server that runs, by its number. */
  readonly views: Effect.Effect<ReadonlyMap<number, Group.View>>
  /** The numbers of those that would say now that they lead. */
  readonly leaders: Effect.Effect<ReadonlyArray<number>>
  /** The reign that all who run name, and the number of its leader; null where they do not agree. */
  readonly agreed: (among?: ReadonlyArray<number>) => Effect.Effect<Agreement | null>
  /** The events of one server, over all its starts, in order. */
  readonly events: (index: number) => Effect.Effect<ReadonlyArray<Seen>>
  /** The events of all, in the order in which they were told. */
  readonly timeline: Effect.Effect<ReadonlyArray<Seen>>
  /** Milliseconds of true time since the group was made. */
  readonly now: Effect.Effect<number>
  /** A page for people: every server, what it does and what it sees, and the newest events. */
  readonly dump: Effect.Effect<string>

  // --- Letting time pass ---

  readonly advance: (duration: Duration.Input) => Effect.Effect<void>
  /** Lets time pass until it is true; how many ms that took, in steps. */
  readonly until: (
    what: string,
    predicate: Effect.Effect<boolean>,
    wait?: NotSettled.Wait
  ) => Effect.Effect<number, NotSettled.NotSettled>
  /** Lets time pass until all name one reign and its leader says that it leads; the number of that leader. */
  readonly awaitLeader: (wait?: NotSettled.Wait) => Effect.Effect<number, NotSettled.NotSettled>
  /** Lets time pass until, besides, all see exactly each other. */
  readonly settle: (wait?: NotSettled.Wait) => Effect.Effect<number, NotSettled.NotSettled>
}

/**
 * Starts a group. Closing the scope ends all servers, also the killed ones; no time passes, and nobody hears of it. Where it
 * is closed by a failure, such as an assertion of a test, an error is logged that names the seed, which decides the run, and
 * shows the servers as they were; a {@link NotSettled} says so itself. An option of a name that is none is refused.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: GroupOptions.Options): Effect.Effect<SimulatedGroup, Server.ServerError, Scope.Scope> =>
  Effect.gen(function*() {
    yield* Spelling.refuseUnknown(options, GroupOptions.names)
    const network = yield* SimulatedNetwork.make(
      GroupOptions.ofNetwork(options)
    )
    const servers: Servers.Servers = { options, network, ambient: yield* Clock.Clock, all: [], names: new Map() }
    yield* Effect.addFinalizer(() => end(servers))
    const { clients: clientSettings, settings } = options
    const clients = yield* SimulatedClients.make(network, {
      ...withoutName(typeof settings === "function" ? settings(0) : settings ?? {}),
      ...clientSettings
    })
    const group = build(servers, clients)
    yield* Effect.addFinalizer((exit) => NotSettled.tell(exit, group))
    for (let index = 0; index < options.servers; index++) yield* group.add
    return group
  })

// internal

const withoutName = ({ name: _, ...settings }: Settings.Options): Settings.Options => settings

const end = ({ all }: Servers.Servers) =>
  Effect.andThen(
    Effect.forEach(all, ({ starting }) => starting === undefined ? Effect.void : Fiber.interrupt(starting)),
    Effect.suspend(() => Effect.forEach(all.flatMap(({ buried }) => buried), Start.bury, { discard: true }))
  )

const build = (servers: Servers.Servers, clients: SimulatedClients.SimulatedClients): SimulatedGroup => ({
  seed: servers.options.seed,
  network: servers.network,
  size: Effect.sync(() => servers.all.length),
  state: (index) => Effect.map(Servers.at(servers, index), ({ state }) => state),
  server: (index) => Effect.map(Servers.at(servers, index), (server) => Servers.newest(server).server),
  host: (index) => Servers.hostOf(servers, index),
  ...Lifecycle.verbs(servers),
  clients,
  stopClient: Effect.fnUntraced(function*(index: number) {
    const closing = yield* clients.stop(index)
    yield* Waiting.passUntil(servers, `client ${index} stops`, () => closing.pollUnsafe() !== undefined)
  }),
  ...networkVerbs(servers),
  ...hostVerbs(servers),
  ...Observation.views(servers),
  now: servers.network.now,
  ...Waiting.verbs(servers)
})

const nameAt = (index: number) => `s${index}`

const networkVerbs = (
  { network }: Servers.Servers
): Pick<
  SimulatedGroup,
  | "partition"
  | "cut"
  | "heal"
  | "setLink"
  | "setMulticastLoss"
  | "setLoss"
  | "setDelay"
  | "setDuplicate"
  | "setReorder"
  | "setResolver"
> => ({
  partition: (parts) => network.partition(parts.map((part) => part.map(nameAt))),
  cut: (from, to) => network.cut(nameAt(from), nameAt(to)),
  heal: network.heal,
  setLink: (from, to, conditions) => network.setLink(nameAt(from), nameAt(to), conditions),
  setMulticastLoss: (index, loss) => network.setMulticastLoss(nameAt(index), loss),
  setLoss: network.setLoss,
  setDelay: network.setDelay,
  setDuplicate: network.setDuplicate,
  setReorder: network.setReorder,
  setResolver: network.setResolver
})

const hostVerbs = (
  servers: Servers.Servers
): Pick<
  SimulatedGroup,
  | "jumpWallClock"
  | "setClockRate"
  | "setAddress"
  | "addInterface"
  | "removeInterface"
  | "setFailing"
  | "overflow"
> => {
  const on = (index: number, verb: (host: SimulatedNetwork.Host) => Effect.Effect<void>) =>
    Effect.flatMap(Servers.hostOf(servers, index), verb)
  return {
    jumpWallClock: (index, by) => on(index, ({ clock }) => clock.jumpWallClock(by)),
    setClockRate: (index, rate) => on(index, ({ clock }) => clock.setRate(rate)),
    setAddress: (index, ip, name) => on(index, ({ setAddress }) => setAddress(ip, name)),
    addInterface: (index, name, ip) => on(index, ({ addInterface }) => addInterface(name, ip)),
    removeInterface: (index, name) => on(index, ({ removeInterface }) => removeInterface(name)),
    setFailing: (index, what, failing) => on(index, ({ setFailing }) => setFailing(what, failing)),
    overflow: (index, duration) => on(index, ({ overflow }) => overflow(duration))
  }
}
