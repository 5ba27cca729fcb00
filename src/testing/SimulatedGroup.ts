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
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as TestClock from "effect/testing/TestClock"
import * as Closing from "../engine/Closing.ts"
import type * as Event from "../protocol/model/Event.ts"
import * as Reign from "../protocol/model/Reign.ts"
import type { State as ProtocolState } from "../protocol/model/State.ts"
import * as Step from "../protocol/Step.ts"
import type * as Group from "../server/Group.ts"
import * as Server from "../server/Server.ts"
import * as ServerEngine from "../server/ServerEngine.ts"
import type * as Settings from "../settings/Settings.ts"
import * as Spelling from "../settings/Spelling.ts"
import * as Datagrams from "../transport/Datagrams.ts"
import * as Generation from "../transport/Generation.ts"
import * as SinceBoot from "../transport/SinceBoot.ts"
import * as GroupOptions from "./GroupOptions.ts"
import * as Dump from "./internal/dump.ts"
import * as Snapshots from "./internal/snapshots.ts"
import * as Start from "./internal/start.ts"
import * as NotSettled from "./NotSettled.ts"
import * as SimulatedClients from "./SimulatedClients.ts"
import * as SimulatedNetwork from "./SimulatedNetwork.ts"
import type { Conditions } from "./Traffic.ts"

export type { Options } from "./GroupOptions.ts"

/**
 * An event of one server, and when it was told: in ms of true time since the group was made.
 *
 * @category models
 * @since 0.1.0
 */
export interface Seen {
  readonly at: number
  readonly index: number
  readonly event: Event.Event
}

export { NotSettled } from "./NotSettled.ts"

/**
 * How long to wait. `within` is 1 minute unless set, and `step`, how much time passes between two looks, 10 ms. `among`
 * names the servers that matter: all that run unless set.
 *
 * @category models
 * @since 0.1.0
 */
export interface Wait {
  readonly within?: Duration.Input | undefined
  readonly step?: Duration.Input | undefined
  readonly among?: ReadonlyArray<number> | undefined
}

/**
 * What a server does: `running`, its process stopped (`paused`) or its machine asleep (`suspended`), or no process at
 * all (`killed` or `stopped`).
 *
 * @category models
 * @since 0.1.0
 */
export type State = "running" | "paused" | "suspended" | "killed" | "stopped"

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
  /** The same, and does not wait: whoever waits for the fiber does, for which time may have to pass. */
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
  /** The lid is closed: the monotonic clock stands still too, and what arrives is lost. */
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
  /** The picture of each server that runs, by its number. */
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
    wait?: Wait
  ) => Effect.Effect<number, NotSettled.NotSettled>
  /** Lets time pass until all name one reign and its leader says that it leads; the number of that leader. */
  readonly awaitLeader: (wait?: Wait) => Effect.Effect<number, NotSettled.NotSettled>
  /** Lets time pass until, besides, all see exactly each other. */
  readonly settle: (wait?: Wait) => Effect.Effect<number, NotSettled.NotSettled>
}

/**
 * One reign that all name. `leader` is null where none of the servers asked about holds it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Agreement {
  readonly reign: Reign.Reign
  readonly leader: number | null
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
    const ambient = yield* Clock.Clock
    const nodes: Array<Node> = []
    yield* Effect.addFinalizer(() =>
      Effect.andThen(
        Effect.forEach(nodes, ({ starting }) => starting === undefined ? Effect.void : Fiber.interrupt(starting)),
        Effect.suspend(() => Effect.forEach(nodes.flatMap(({ buried }) => buried), Start.bury, { discard: true }))
      )
    )
    const { clients: clientSettings, settings } = options
    const clients = yield* SimulatedClients.make(network, {
      ...withoutName(typeof settings === "function" ? settings(0) : settings ?? {}),
      ...clientSettings
    })
    const group = build(options, network, ambient, nodes, clients)
    yield* Effect.addFinalizer((exit) => NotSettled.tell(exit, group))
    for (let index = 0; index < options.servers; index++) yield* group.add
    return group
  })

// internal

const down: ReadonlyArray<State> = ["killed", "stopped"]

const withoutName = ({ name: _, ...settings }: Settings.Options): Settings.Options => settings

interface Node {
  readonly index: number
  readonly host: SimulatedNetwork.Host
  state: State
  starts: number
  newest: Start.Start | undefined
  /** Until it has started. */
  starting: Fiber.Fiber<void, Server.ServerError> | undefined
  /** Those whose scope is still open. */
  buried: Array<Start.Start>
  events: Array<Seen>
  failure: Cause.Cause<unknown> | undefined
  snapshots: Snapshots.Snapshots | undefined
  /** How often it was noticed that it was set back. */
  generation: number
}

const build = (
  options: GroupOptions.Options,
  network: SimulatedNetwork.SimulatedNetwork,
  ambient: Clock.Clock,
  nodes: Array<Node>,
  clients: SimulatedClients.SimulatedClients
): SimulatedGroup => {
  // Node ids of all starts, to name their servers.
  const ids = new Map<string, string>()
  const { app, clocks, eventCapacity = 10_000, onStep, seed, settings = {}, snapshots = 0, transition = Step.step } =
    options

  const nodeIn = (index: number, states?: ReadonlyArray<State>) =>
    Effect.suspend(() => {
      const node = nodes[index]
      if (node === undefined) return Effect.die(new Error(`there is no server ${index} among ${nodes.length}`))
      return states === undefined || states.includes(node.state)
        ? Effect.succeed(node)
        : Effect.die(new Error(`server ${index} is ${node.state}, not ${states.join(" or ")}`))
    })
  const nodeAt = (index: number) => nodeIn(index)
  const newest = (node: Node): Start.Start => {
    if (node.newest === undefined) throw new Error(`server ${node.index} never started`)
    return node.newest
  }
  const advance = (duration: Duration.Input) =>
    "adjust" in ambient
      ? (ambient as TestClock.TestClock).adjust(duration)
      : ambient.sleep(Duration.fromInputUnsafe(duration))

  // --- Servers ---

  const start = Effect.fnUntraced(function*(node: Node) {
    const { host, index } = node
    yield* host.connect
    // What one process has run out of, the next has.
    yield* host.setFailing("scans", false)
    yield* host.setFailing("sockets", false)
    const scope = yield* Scope.make()
    const ownProcess = yield* host.clock.process
    node.starts += 1
    const { starts } = node
    if (snapshots > 0) node.snapshots = Snapshots.make(transition, snapshots)
    const own = node.snapshots?.step ?? transition
    const watched: typeof Step.step = (current, input, now) => {
      const before = node.snapshots?.before(current) ?? current
      const stepped = own(before, input, now)
      if (onStep === undefined) return stepped
      const at = network.nowUnsafe()
      onStep({ at, index, start: starts, host, before, input, now, after: stepped[0], outputs: stepped[1] })
      return stepped
    }
    const inProcess = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
      effect.pipe(
        Random.withSeed(`${seed} ${host.name} ${node.starts}`),
        Effect.provideService(Clock.Clock, ownProcess.clock),
        Effect.provideService(Closing.RealClock, ownProcess.clock),
        Effect.provideService(Generation.Generation, () => String(node.generation)),
        Effect.provideService(SinceBoot.SinceBoot, () => ({ sinceBoot: host.clock.sinceBoot(), doubted: 0 })),
        Scope.provide(scope)
      )
    const server = yield* Server.make(typeof settings === "function" ? settings(index) : settings).pipe(
      Effect.provideService(Datagrams.Datagrams, host.datagrams),
      Effect.provideService(ServerEngine.Transition, watched),
      inProcess,
      Effect.onError(() => Scope.close(scope, Exit.void))
    )
    ids.set((yield* server.group.self).id, host.name)
    // Read in true time, and not in the process: what it told before its end is kept.
    const note = (event: Event.Event) =>
      Effect.map(network.now, (at) => {
        node.events.push({ at, index, event })
        if (node.events.length >= 2 * eventCapacity) node.events = node.events.slice(-eventCapacity)
      })
    const reading = Effect.flatMap(server.group.subscribe, ({ events }) => Stream.runForEach(events, note))
    const reader = yield* (eventCapacity === 0 ? Effect.void : Effect.scoped(reading)).pipe(
      Effect.forkDetach({ startImmediately: true })
    )
    if (app !== undefined) {
      const noted = Effect.onError(app(server, index), (cause) =>
        Effect.sync(() => {
          if (!Cause.hasInterruptsOnly(cause)) node.failure = cause
        }))
      yield* inProcess(Effect.forkScoped(noted))
    }
    node.newest = { server, host, ownProcess, scope, reader }
    node.buried.push(node.newest)
    node.state = "running"
  })

  /** Begins to start a server. Until it has started it cannot be started again. */
  const startLater = Effect.fnUntraced(function*(index: number, states: ReadonlyArray<State>) {
    const node = yield* nodeIn(index, states)
    if (node.starting !== undefined) return yield* Effect.die(new Error(`server ${index} is starting already`))
    const ended = Effect.sync(() => {
      node.starting = undefined
    })
    const fiber = yield* Effect.forkDetach(Effect.ensuring(start(node), ended), { startImmediately: true })
    if (fiber.pollUnsafe() === undefined) node.starting = fiber
    return fiber
  })

  const startNow = Effect.fnUntraced(function*(index: number, states: ReadonlyArray<State>) {
    const starting = yield* startLater(index, states)
    yield* passUntil(`server ${index} starts`, () => starting.pollUnsafe() !== undefined)
    return yield* Fiber.join(starting)
  })

  const passUntil = (what: string, isSo: () => boolean) => Effect.orDie(until(what, Effect.sync(isSo), { step: 1 }))

  const add = Effect.gen(function*() {
    const index = nodes.length
    const host = yield* network.host({ ...clocks?.(index), name: `s${index}` })
    const node: Node = {
      index,
      host,
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
    nodes.push(node)
    yield* startNow(index, ["stopped"])
    return index
  })

  const kill = Effect.fnUntraced(function*(index: number) {
    const node = yield* nodeIn(index, ["running", "paused", "suspended"])
    yield* node.host.killEndpoints
    yield* newest(node).ownProcess.kill
    // The machine itself goes on.
    if (node.state === "paused") yield* node.host.resume()
    if (node.state === "suspended") yield* node.host.wake()
    node.state = "killed"
  })

  const stop = Effect.fnUntraced(function*(index: number) {
    const node = yield* nodeIn(index, ["running"])
    const ending = newest(node)
    const closing = yield* Effect.forkDetach(Start.close(ending), { startImmediately: true })
    node.state = "stopped"
    yield* passUntil(`server ${index} stops`, () => closing.pollUnsafe() !== undefined)
    node.buried = node.buried.filter((start) => start !== ending)
  })

  const change = (
    index: number,
    from: State,
    to: State,
    verb: (host: SimulatedNetwork.Host) => Effect.Effect<void>
  ) =>
    Effect.flatMap(nodeIn(index, [from]), (node) => {
      node.state = to
      return verb(node.host)
    })

  // --- What is seen ---

  const runningNodes = (among?: ReadonlyArray<number>) =>
    nodes.filter(({ index, state }) => state === "running" && (among === undefined || among.includes(index)))
  const viewOf = (node: Node) => newest(node).server.group.view
  const isLeader = (node: Node) => newest(node).server.leadership.isLeader

  const agreed = Effect.fnUntraced(function*(among?: ReadonlyArray<number>) {
    const asked = runningNodes(among)
    const views = yield* Effect.forEach(asked, viewOf)
    const reign = views[0]?.reign ?? null
    if (reign === null) return null
    if (!views.every((view) => view.reign !== null && Reign.compare(view.reign, reign) === 0)) return null
    const leader = asked.find((_, at) => views[at]?.self.id === reign.leader.id)
    return { reign, leader: leader?.index ?? null }
  })

  const leading = Effect.fnUntraced(function*(among?: ReadonlyArray<number>) {
    const agreement = yield* agreed(among)
    const leader = agreement === null || agreement.leader === null ? undefined : nodes[agreement.leader]
    return leader !== undefined && (yield* isLeader(leader)) ? leader.index : undefined
  })

  const seeEachOther = Effect.fnUntraced(function*(among?: ReadonlyArray<number>) {
    const views = yield* Effect.forEach(runningNodes(among), viewOf)
    const starts = new Set(views.map(({ self }) => `${self.id} ${self.incarnation}`))
    return views.every(({ members }) =>
      members.length === starts.size && members.every(({ id, incarnation }) => starts.has(`${id} ${incarnation}`))
    )
  })

  const timeline = () => nodes.flatMap(({ events }) => events.slice(-eventCapacity)).toSorted((a, b) => a.at - b.at)

  const dump = Effect.gen(function*() {
    const servers = yield* Effect.forEach(nodes, (node) =>
      Effect.gen(function*() {
        const { failure, host, newest: start, starts, state } = node
        const view = start === undefined ? undefined : yield* viewOf(node)
        return { host, state, starts, failure, view, leads: state === "running" && (yield* isLeader(node)) }
      }))
    const counters = yield* network.counters
    return Dump.page({ seed, now: yield* network.now, servers, counters, events: timeline(), ids })
  })

  // --- Letting time pass ---

  const until = Effect.fnUntraced(function*(what: string, predicate: Effect.Effect<boolean>, wait: Wait = {}) {
    const within = Duration.toMillis(wait.within ?? Duration.minutes(1))
    const step = Duration.toMillis(wait.step ?? 10)
    const begin = yield* network.now
    for (;;) {
      const failed = nodes.find(({ failure }) => failure !== undefined)
      const passed = (yield* network.now) - begin
      if (failed === undefined && (yield* predicate)) return passed
      if (failed !== undefined || passed >= within) {
        return yield* new NotSettled.NotSettled({ what, within, seed, dump: yield* dump })
      }
      yield* advance(Math.min(step, within - passed))
    }
  })

  const awaitLeader = Effect.fnUntraced(function*(wait: Wait = {}) {
    let leader = -1
    const found = Effect.map(leading(wait.among), (index) => {
      leader = index ?? -1
      return index !== undefined
    })
    yield* until("all follow one leader", found, wait)
    return leader
  })

  const settle = Effect.fnUntraced(function*(wait: Wait = {}) {
    let leader = -1
    const found = Effect.gen(function*() {
      leader = (yield* leading(wait.among)) ?? -1
      return leader >= 0 && (yield* seeEachOther(wait.among))
    })
    yield* until("all see each other and follow one leader", found, wait)
    return leader
  })

  const host = (index: number) => Effect.map(nodeAt(index), (node) => node.host)
  const nameAt = (index: number) => `s${index}`

  return {
    seed,
    network,
    size: Effect.sync(() => nodes.length),
    state: (index) => Effect.map(nodeAt(index), ({ state }) => state),
    server: (index) => Effect.map(nodeAt(index), (node) => newest(node).server),
    host,
    add,
    start: (index) => startNow(index, down),
    startLater: (index) => startLater(index, down),
    kill,
    crash: (index) => Effect.andThen(kill(index), Effect.flatMap(host(index), ({ disconnect }) => disconnect)),
    stop,
    restart: Effect.fnUntraced(function*(index) {
      const node = yield* nodeAt(index)
      if (node.state !== "killed" && node.state !== "stopped") yield* kill(index)
      // An incarnation is a millisecond of the wall clock.
      yield* advance(1)
      yield* startNow(index, down)
    }),
    pause: (index) => change(index, "running", "paused", ({ pause }) => pause),
    resume: (index, first) => change(index, "paused", "running", ({ resume }) => resume(first)),
    suspend: (index) => change(index, "running", "suspended", ({ suspend }) => suspend),
    wake: (index, first) => change(index, "suspended", "running", ({ wake }) => wake(first)),
    jumpWallClock: (index, by) => Effect.flatMap(host(index), ({ clock }) => clock.jumpWallClock(by)),
    setBack: Effect.fnUntraced(function*(index, by, isNoticed) {
      const node = yield* nodeAt(index)
      const { clock } = node.host
      const found = node.state === "running" ? node.snapshots?.setBack(clock.monotonicMillis() - by) : undefined
      if (found === undefined) return null
      yield* clock.setBack(clock.monotonicMillis() - found.at)
      if (isNoticed) node.generation += 1
      return found.state
    }),
    setClockRate: (index, rate) => Effect.flatMap(host(index), ({ clock }) => clock.setRate(rate)),
    clients,
    stopClient: Effect.fnUntraced(function*(index) {
      const closing = yield* clients.stop(index)
      yield* passUntil(`client ${index} stops`, () => closing.pollUnsafe() !== undefined)
    }),
    partition: (parts) => network.partition(parts.map((part) => part.map(nameAt))),
    cut: (from, to) => network.cut(nameAt(from), nameAt(to)),
    heal: network.heal,
    setLink: (from, to, conditions) => network.setLink(nameAt(from), nameAt(to), conditions),
    setMulticastLoss: (index, loss) => network.setMulticastLoss(nameAt(index), loss),
    setLoss: network.setLoss,
    setDelay: network.setDelay,
    setDuplicate: network.setDuplicate,
    setReorder: network.setReorder,
    setAddress: (index, ip, name) => Effect.flatMap(host(index), ({ setAddress }) => setAddress(ip, name)),
    addInterface: (index, name, ip) => Effect.flatMap(host(index), ({ addInterface }) => addInterface(name, ip)),
    removeInterface: (index, name) => Effect.flatMap(host(index), ({ removeInterface }) => removeInterface(name)),
    setFailing: (index, what, failing) => Effect.flatMap(host(index), ({ setFailing }) => setFailing(what, failing)),
    setResolver: network.setResolver,
    overflow: (index, duration) => Effect.flatMap(host(index), ({ overflow }) => overflow(duration)),
    running: Effect.sync(() => runningNodes().map(({ index }) => index)),
    views: Effect.suspend(() =>
      Effect.forEach(runningNodes(), (node) => Effect.map(viewOf(node), (view) => [node.index, view] as const))
    ).pipe(Effect.map((entries) => new Map(entries))),
    leaders: Effect.suspend(() => Effect.filter(runningNodes(), isLeader)).pipe(
      Effect.map((found) => found.map(({ index }) => index))
    ),
    agreed,
    events: (index) => Effect.map(nodeAt(index), ({ events }) => events.slice(-eventCapacity)),
    timeline: Effect.sync(timeline),
    now: network.now,
    dump,
    advance,
    until,
    awaitLeader,
    settle
  }
}
