/** Plays a story of faults on a simulated group, and tells the watcher what happens to whom. */
import * as Effect from "effect/Effect"
import type * as SimulatedGroup from "../../testing/SimulatedGroup.ts"
import * as Faults from "../Faults.ts"
import type * as Watcher from "../Watcher.ts"
import * as Addresses from "./addresses.ts"
import * as Verbs from "./verbs.ts"
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
  const world: Verbs.World = {
    group,
    watcher,
    rates,
    active,
    addresses: Addresses.make(group, watcher, servers),
    changeWeather: Weather.make({ group, watcher, active, servers }).change,
    begun: new Set(),
    slow: new Set(),
    starting: new Set()
  }

  return {
    happened,
    /** Whether leading work of a server is to take longer than it has. */
    isSlow: (index: number) => world.slow.has(index),
    act: Effect.fnUntraced(function*({ begins, fault, isRepeated }: Action) {
      if (isRepeated) return yield* begins ? Effect.asVoid(Verbs.begin(fault, world)) : Verbs.end(fault, world)
      const now = yield* group.now
      watcher.disturbed(begins && !isDown(fault) ? spoil(fault, { now, servers, watcher }) : now)
      if (!begins) {
        yield* Verbs.end(fault, world)
      } else if (yield* Verbs.begin(fault, world)) {
        world.begun.add(fault)
        happened[fault.kind] += 1
      }
      // Some verbs take time. One that takes none was told of before: what it did itself disturbs nobody anew.
      const ended = yield* group.now
      if (ended > now) watcher.disturbed(ended)
    })
  }
}

// internal

/** After these the group may settle without the server, or with all that it has. */
const isDown = ({ kind }: Faults.Fault): boolean =>
  kind === "kill" || kind === "crash" || kind === "stop" || kind === "secondNetwork"

/** Tells the watcher which links a fault makes bad; until when nothing can be said of the group. */
const spoil = (fault: Faults.Fault, { now, servers, watcher }: {
  readonly now: number
  readonly servers: number
  readonly watcher: Watcher.Watcher
}): number => {
  const until = now + Faults.endOf(fault) - fault.at
  for (let from = 0; from < servers; from++) {
    for (let to = 0; to < servers; to++) {
      if (!Weather.spoils(fault, from, to)) continue
      watcher.bad(from, to, until, fault.kind === "multicastLoss" ? "multicasts" : "all")
    }
  }
  return Weather.lasts(fault) ? now : until
}
