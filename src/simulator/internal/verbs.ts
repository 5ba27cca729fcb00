/** What each kind of fault does to a simulated group when it begins, and what its end undoes. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as SimulatedGroup from "../../testing/SimulatedGroup.ts"
import type * as SimulatedNetwork from "../../testing/SimulatedNetwork.ts"
import type * as Faults from "../Faults.ts"
import type * as Watcher from "../Watcher.ts"
import type * as Addresses from "./addresses.ts"

/** What faults act on. */
export interface World {
  readonly group: SimulatedGroup.SimulatedGroup
  readonly watcher: Watcher.Watcher
  readonly addresses: Addresses.Addresses
  /** Has the network be as the faults make it that are active. */
  readonly changeWeather: Effect.Effect<void>
  /** How fast the clocks of servers run unless a fault has it otherwise. */
  readonly rates: ReadonlyArray<number>
  /** Faults that are under way and add up with others of their kind. */
  readonly active: Set<Faults.Fault>
  /** Faults that found their server in a state in which they could happen. */
  readonly begun: Set<Faults.Fault>
  /** Servers whose leading work takes longer than it has. */
  readonly slow: Set<number>
  /** Servers that are about to run again. */
  readonly starting: Set<number>
}

/** A fault begins: whether it found its server in a state in which it could happen. */
export const begin = (fault: Faults.Fault, world: World): Effect.Effect<boolean> => verbOf(fault).begin(fault, world)

/** A fault ends, for which it need not have happened. */
export const end = (fault: Faults.Fault, world: World): Effect.Effect<void> => verbOf(fault).end(fault, world)

// internal

type Of<Kind extends Faults.Fault["kind"]> = Faults.Fault & { readonly kind: Kind }

interface Verb<in Fault> {
  readonly begin: (fault: Fault, world: World) => Effect.Effect<boolean>
  readonly end: (fault: Fault, world: World) => Effect.Effect<void>
}

const verbOf = ({ kind }: Faults.Fault) => verbs[kind] as Verb<Faults.Fault>

/** What lasts for no time, or ends by itself, has nothing to undo. */
const once = <Fault>(begin: Verb<Fault>["begin"]): Verb<Fault> => ({ begin, end: () => Effect.void })

/** What only undoes what it did. */
const undoing = <Fault extends Faults.Fault>(
  begin: Verb<Fault>["begin"],
  undo: (fault: Fault, world: World) => Effect.Effect<unknown>
): Verb<Fault> => ({
  begin,
  end: (fault, world) => world.begun.has(fault) ? Effect.asVoid(undo(fault, world)) : Effect.void
})

/** What adds up with others of its kind: all that are active are looked at together. */
const addingUp = <Fault extends Faults.Fault>(
  apply: (fault: Fault, world: World) => Effect.Effect<void>
): Verb<Fault> => ({
  begin: (fault, world) =>
    Effect.suspend(() => {
      world.active.add(fault)
      return Effect.as(apply(fault, world), true)
    }),
  end: (fault, world) =>
    Effect.suspend(() => {
      world.active.delete(fault)
      return apply(fault, world)
    })
})

// --- Processes ---

const alive: ReadonlyArray<SimulatedGroup.State> = ["running", "paused", "suspended"]

/** A process ends, and another starts when the fault does. */
const ending = (
  by: "kill" | "crash" | "stop",
  states: ReadonlyArray<SimulatedGroup.State>
): Verb<Of<"kill" | "crash" | "stop">> => ({
  begin: ({ server }, world) => takeDown(world, server, by, states),
  end: ({ server }, world) => start(world, server)
})

const takeDown = Effect.fnUntraced(function*(
  { active, group, watcher }: World,
  index: number,
  by: "kill" | "crash" | "stop",
  states: ReadonlyArray<SimulatedGroup.State>
) {
  if (!states.includes(yield* group.state(index))) return false
  if (by === "kill" && active.size === 0) watcher.killed(index, yield* group.now)
  yield* group[by](index)
  watcher.ended(index, yield* group.now)
  return true
})

/** With names that nobody resolves it takes a while: the run goes on. */
const start = Effect.fnUntraced(function*({ group, starting, watcher }: World, index: number) {
  const state = yield* group.state(index)
  if ((state !== "killed" && state !== "stopped") || starting.has(index)) return
  starting.add(index)
  const fiber = yield* group.startLater(index)
  const started = Effect.gen(function*() {
    starting.delete(index)
    watcher.disturbed(yield* group.now)
  })
  yield* Fiber.await(fiber).pipe(Effect.andThen(started), Effect.forkDetach({ startImmediately: true }))
})

const restart = once<Of<"restart">>(Effect.fnUntraced(function*({ server }, world) {
  if (!(yield* takeDown(world, server, "kill", alive))) return false
  // An incarnation is a millisecond of the wall clock.
  yield* world.group.advance(1)
  yield* start(world, server)
  return true
}))

const lateNetwork = undoing<Of<"lateNetwork">>(
  Effect.fnUntraced(function*({ server }, world) {
    if (!(yield* takeDown(world, server, "kill", alive))) return false
    yield* world.group.advance(1)
    yield* world.addresses.lose(server)
    yield* start(world, server)
    return true
  }),
  ({ server }, { addresses }) => addresses.find(server)
)

const pausing: Verb<Of<"pause" | "suspend">> = {
  begin: Effect.fnUntraced(function*(fault, { group, watcher }) {
    const { kind, server } = fault
    if ((yield* group.state(server)) !== "running") return false
    watcher.paused(server, yield* group.now)
    yield* kind === "pause" ? group.pause(server) : group.suspend(server)
    return true
  }),
  end: Effect.fnUntraced(function*(fault, { group, watcher }) {
    const { kind, server } = fault
    if ((yield* group.state(server)) !== (kind === "pause" ? "paused" : "suspended")) return
    watcher.resumed(server, yield* group.now)
    yield* kind === "pause" ? group.resume(server, fault.first) : group.wake(server)
  })
}

const rollback = once<Of<"rollback">>(Effect.fnUntraced(function*({ by, isNoticed, server }, { group, watcher }) {
  const state = yield* group.setBack(server, by, isNoticed)
  if (state === null) return false
  watcher.setBack(server, yield* group.now, state, isNoticed)
  return true
}))

const resign = once<Of<"resign">>(Effect.fnUntraced(function*({ server }, { group }) {
  if ((yield* group.state(server)) !== "running") return false
  const { leadership } = yield* group.server(server)
  return yield* leadership.resign.pipe(Effect.as(true), Effect.orElseSucceed(() => false))
}))

const change = once<Of<"change">>(Effect.fnUntraced(function*({ priority, server, zone }, { group: servers }) {
  if ((yield* servers.state(server)) !== "running") return false
  const { group } = yield* servers.server(server)
  return yield* Effect.andThen(group.setTags({ zone }), group.setPriority(priority)).pipe(
    Effect.as(true),
    Effect.orElseSucceed(() => false)
  )
}))

const slowWork = undoing<Of<"slowWork">>(
  ({ server }, { slow }) =>
    Effect.sync(() => {
      if (slow.has(server)) return false
      slow.add(server)
      return true
    }),
  ({ server }, { slow }) => Effect.sync(() => slow.delete(server))
)

// --- Clocks ---

const jump = once<Of<"jump">>(({ by, server }, { group }) => Effect.as(group.jumpWallClock(server, by), true))

const drift: Verb<Of<"drift">> = {
  begin: ({ rate, server }, { group }) => Effect.as(group.setClockRate(server, rate), true),
  end: ({ server }, { group, rates }) => group.setClockRate(server, rates[server] ?? 1)
}

// --- Networks ---

const weather = addingUp<Faults.Fault>((_, { changeWeather }) => changeWeather)

const overflow = once<Of<"overflow">>((fault, { group }) => Effect.as(group.overflow(fault.server, fault.for), true))

/** What of a server fails, as all that is active makes it. */
const failing = (what: SimulatedNetwork.Failing) =>
  addingUp<Of<"noScans" | "noSockets" | "noSends">>(({ kind, server }, { active, group }) =>
    group.setFailing(server, what, [...active].some((one) => one.kind === kind && one.server === server))
  )

/** Longer than a server waits for its seeds before it starts, and shorter than it waits for one of them later. */
const late = 3_000

/** Names are resolved as the newest that is active has it. */
const deadNames = addingUp<Of<"deadNames">>((_, { active, group }) => {
  const newest = [...active].findLast((fault) => fault.kind === "deadNames")
  return group.setResolver(newest === undefined ? "works" : newest.how === "late" ? { after: late } : newest.how)
})

const move = undoing<Of<"move">>(
  (fault, { addresses }) => fault.for > 0 ? addresses.lose(fault.server) : addresses.move(fault.server, fault.host),
  ({ host, server }, { addresses }) => addresses.find(server, host)
)

const secondNetwork = undoing<Of<"secondNetwork">>(
  ({ server }, { addresses }) => addresses.join(server),
  ({ server }, { addresses }) => addresses.quit(server)
)

/** The newest that is active says what happens to connections. */
const tcp = addingUp<Of<"tcp">>((fault, { active, group }) => {
  const newest = [...active].findLast((one) => one.kind === "tcp" && one.server === fault.server)
  const how = newest?.kind === "tcp" ? newest.how : "open"
  return Effect.flatMap(group.host(fault.server), ({ setTcp }) => setTcp(how))
})

const verbs: { readonly [Kind in Faults.Fault["kind"]]: Verb<Of<Kind>> } = {
  kill: ending("kill", alive),
  crash: ending("crash", alive),
  stop: ending("stop", ["running"]),
  restart,
  lateNetwork,
  pause: pausing,
  suspend: pausing,
  rollback,
  resign,
  change,
  slowWork,
  jump,
  drift,
  overflow,
  noScans: failing("scans"),
  noSockets: failing("sockets"),
  noSends: failing("sends"),
  deadNames,
  move,
  secondNetwork,
  partition: weather,
  cut: weather,
  loss: weather,
  duplicate: weather,
  reorder: weather,
  delay: weather,
  multicastLoss: weather,
  links: weather,
  deaf: weather,
  mute: weather,
  lossyHost: weather,
  pauses: weather,
  tcp
}
