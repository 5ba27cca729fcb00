/** Plays a story of faults on a simulated group, and tells the watcher what befalls whom. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as SimulatedGroup from "../../testing/SimulatedGroup.ts"
import * as Faults from "../Faults.ts"
import type * as Watcher from "../Watcher.ts"
import * as Addresses from "./addresses.ts"
import * as Weather from "./weather.ts"

export interface Action {
  readonly at: number
  readonly fault: Faults.Fault
  readonly begins: boolean
  /** One of many of a fault that stands in the story once: it disturbs nobody anew. */
  readonly isRepeated: boolean
}

export const actionsOf = (story: ReadonlyArray<Faults.Fault>): ReadonlyArray<Action> =>
  story.flatMap((fault): ReadonlyArray<Action> => [
    ...spanOf(fault, false),
    ...(fault.kind === "pauses" ? pausesOf(fault).flatMap((pause) => spanOf(pause, true)) : [])
  ]).toSorted((a, b) => a.at - b.at)

const spanOf = (fault: Faults.Fault, isRepeated: boolean): ReadonlyArray<Action> => [
  { at: fault.at, fault, begins: true, isRepeated },
  ...(fault.for > 0 ? [{ at: fault.at + fault.for, fault, begins: false, isRepeated }] : [])
]

const pausesOf = (
  { at, every, for: lasting, pause, server }: Extract<Faults.Fault, { readonly kind: "pauses" }>
): ReadonlyArray<Faults.Fault> =>
  Array.from(
    { length: Math.floor((lasting - pause) / every) + 1 },
    (_, index) => ({ kind: "pause", at: at + index * every, for: pause, server, first: "datagrams" })
  )

export const make = ({ group, rates, servers, watcher }: {
  readonly group: SimulatedGroup.SimulatedGroup
  readonly watcher: Watcher.Watcher
  readonly rates: ReadonlyArray<number>
  readonly servers: number
}) => {
  const happened = Object.fromEntries(Faults.kinds.map((kind) => [kind, 0])) as Record<Faults.Fault["kind"], number>
  const active = new Set<Faults.Fault>()
  const starting = new Set<number>()
  const begun = new Set<Faults.Fault>()
  const slow = new Set<number>()
  const all = Array.from({ length: servers }, (_, index) => index)
  const addresses = Addresses.make(group, watcher, servers)
  const weather = Weather.make({ group, watcher, active, servers })

  /** What of a server fails, as all that is active makes it. */
  const failing = ({ kind, server }: Extract<Faults.Fault, { readonly kind: keyof typeof fails }>) =>
    group.setFailing(
      server,
      fails[kind],
      [...active].some((one) => one.kind === kind && one.server === server)
    )

  /** Names are resolved as the newest that is active has it. */
  const resolver = Effect.suspend(() => {
    const newest = [...active].findLast((fault) => fault.kind === "deadNames")
    return group.setResolver(newest === undefined ? "works" : newest.how === "late" ? { after: late } : newest.how)
  })

  /** Which links a fault makes bad; until when nothing can be said of the group. */
  const spoil = (fault: Faults.Fault, now: number) => {
    const until = now + Faults.endOf(fault) - fault.at
    for (const from of all) {
      for (const to of all) {
        if (!Weather.spoils(fault, from, to)) continue
        watcher.bad(from, to, until, fault.kind === "multicastLoss" ? "multicasts" : "all")
      }
    }
    return Weather.lasts(fault) ? now : until
  }

  const down = Effect.fnUntraced(function*(
    index: number,
    states: ReadonlyArray<SimulatedGroup.State>,
    verb: (index: number) => Effect.Effect<void>
  ) {
    if (!states.includes(yield* group.state(index))) return false
    yield* verb(index)
    watcher.ended(index, yield* group.now)
    return true
  })

  const alive: ReadonlyArray<SimulatedGroup.State> = ["running", "paused", "suspended"]

  /** With names that nobody resolves it takes a while: the run goes on. */
  const start = Effect.fnUntraced(function*(index: number) {
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

  const begin = Effect.fnUntraced(function*(fault: Faults.Fault) {
    switch (fault.kind) {
      case "kill":
        return yield* down(fault.server, alive, group.kill)
      case "crash":
        return yield* down(fault.server, alive, group.crash)
      case "stop":
        return yield* down(fault.server, ["running"], group.stop)
      case "restart":
        if (!(yield* down(fault.server, alive, group.kill))) return false
        // An incarnation is a millisecond of the wall clock.
        yield* group.advance(1)
        yield* start(fault.server)
        return true
      case "pause":
      case "suspend":
        if ((yield* group.state(fault.server)) !== "running") return false
        watcher.paused(fault.server, yield* group.now, (yield* group.now) + fault.for)
        yield* fault.kind === "pause" ? group.pause(fault.server) : group.suspend(fault.server)
        return true
      case "jump":
        yield* group.jumpWallClock(fault.server, fault.by)
        return true
      case "drift":
        yield* group.setClockRate(fault.server, fault.rate)
        return true
      case "rollback": {
        const state = yield* group.setBack(fault.server, fault.by, fault.isNoticed)
        if (state === null) return false
        watcher.setBack(fault.server, yield* group.now, state, fault.isNoticed)
        return true
      }
      case "resign": {
        if ((yield* group.state(fault.server)) !== "running") return false
        const { leadership } = yield* group.server(fault.server)
        return yield* leadership.resign.pipe(Effect.as(true), Effect.orElseSucceed(() => false))
      }
      case "overflow":
        yield* group.overflow(fault.server, fault.for)
        return true
      case "noScans":
      case "noSockets":
      case "noSends":
        active.add(fault)
        yield* failing(fault)
        return true
      case "deadNames":
        active.add(fault)
        yield* resolver
        return true
      case "slowWork":
        if (slow.has(fault.server)) return false
        slow.add(fault.server)
        return true
      case "move":
        return yield* fault.for > 0 ? addresses.lose(fault.server) : addresses.move(fault.server, fault.host)
      case "secondNetwork":
        return yield* addresses.join(fault.server)
      case "lateNetwork":
        if (!(yield* down(fault.server, alive, group.kill))) return false
        yield* group.advance(1)
        yield* addresses.lose(fault.server)
        yield* start(fault.server)
        return true
      default:
        active.add(fault)
        yield* weather.change
        return true
    }
  })

  const end = Effect.fnUntraced(function*(fault: Faults.Fault) {
    switch (fault.kind) {
      case "kill":
      case "crash":
      case "stop":
        return yield* start(fault.server)
      case "pause":
      case "suspend": {
        const state = yield* group.state(fault.server)
        if (state !== (fault.kind === "pause" ? "paused" : "suspended")) return
        watcher.resumed(fault.server, yield* group.now)
        return yield* fault.kind === "pause"
          ? group.resume(fault.server, fault.first)
          : group.wake(fault.server)
      }
      case "drift":
        return yield* group.setClockRate(fault.server, rates[fault.server] ?? 1)
      case "noScans":
      case "noSockets":
      case "noSends":
        active.delete(fault)
        return yield* failing(fault)
      case "deadNames":
        active.delete(fault)
        return yield* resolver
      case "slowWork":
        if (begun.has(fault)) slow.delete(fault.server)
        return
      case "move":
        return yield* begun.has(fault) ? Effect.asVoid(addresses.find(fault.server, fault.host)) : Effect.void
      case "secondNetwork":
        return yield* begun.has(fault) ? addresses.quit(fault.server) : Effect.void
      case "lateNetwork":
        return yield* begun.has(fault) ? Effect.asVoid(addresses.find(fault.server)) : Effect.void
      default:
        active.delete(fault)
        yield* weather.change
    }
  })

  return {
    happened,
    /** Whether leading work of a server is to take longer than it has. */
    isSlow: (index: number) => slow.has(index),
    act: Effect.fnUntraced(function*({ begins, fault, isRepeated }: Action) {
      if (isRepeated) return yield* begins ? Effect.asVoid(begin(fault)) : end(fault)
      const now = yield* group.now
      watcher.disturbed(begins && !isDown(fault) ? spoil(fault, now) : now)
      if (!begins) {
        yield* end(fault)
      } else if (yield* begin(fault)) {
        begun.add(fault)
        happened[fault.kind] += 1
      }
      // Some verbs take time.
      watcher.disturbed(yield* group.now)
    })
  }
}

/** After these the group may settle without the server, or with all that it has. */
const isDown = ({ kind }: Faults.Fault): boolean =>
  kind === "kill" || kind === "crash" || kind === "stop" || kind === "secondNetwork"

const fails = { noScans: "scans", noSockets: "sockets", noSends: "sends" } as const

/** Longer than a server waits for its seeds before it starts, and shorter than it waits for one of them later. */
const late = 3_000
