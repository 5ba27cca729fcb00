/** The app on each server of a simulated run: leading work that takes its time to stop, and a reader of the events. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import * as Election from "../../protocol/model/Election.ts"
import type * as Event from "../../protocol/model/Event.ts"
import * as Member from "../../protocol/model/Member.ts"
import * as Reign from "../../protocol/model/Reign.ts"
import type * as Step from "../../protocol/Step.ts"
import * as Leadership from "../../server/Leadership.ts"
import type * as Server from "../../server/Server.ts"
import type * as Settings from "../../settings/Settings.ts"
import type * as SimulatedGroup from "../../testing/SimulatedGroup.ts"
import * as Invariants from "../Invariants.ts"
import type * as Watcher from "../Watcher.ts"
import * as Holding from "./holding.ts"

/** What an app goes by on all servers of a run. `expiry`: ms for which what it holds is granted. */
export interface Options {
  readonly watcher: Watcher.Watcher
  readonly settings: Settings.Settings
  readonly seed: number | string
  readonly expiry: number
  readonly isSlow: (index: number) => boolean
}

/** What runs on each server, until its scope closes. */
export const make = ({ expiry, isSlow, seed, settings, watcher }: Options) => {
  const starts: Array<number> = []
  const stopTimeout = Duration.toMillis(settings.stopTimeout)
  return (server: Server.ServerShape, index: number) =>
    Effect.gen(function*() {
      const start = (starts[index] ?? 0) + 1
      starts[index] = start
      yield* Effect.forkScoped(read(server, (what) => watcher.died(index, what)))
      const drawStop = (overruns: () => void) => stopOf(stopTimeout, () => isSlow(index), overruns)
      const work = Effect.gen(function*() {
        const reign = yield* Leadership.Reign
        const tell = watcher.workStarts(index, start, reign.term)
        const stop = yield* drawStop(() => tell("overran"))
        return yield* Effect.onInterrupt(
          Effect.never,
          () => Effect.andThen(stop, Effect.sync(() => tell("ended")))
        )
      })
      const leading = server.leadership.whileLeader(work)
      if (settings.leadership !== "lease") return yield* leading
      const holding = Holding.run({ hold: server.sessions.hold, watcher, index, start, expiry, stopTimeout, drawStop })
      // With a chance of its own: what leads works as it did without it.
      return yield* Effect.all([leading, Random.withSeed(holding, `${seed} holds s${index} ${start}`)], {
        concurrency: "unbounded",
        discard: true
      })
    })
}

/** How some work stops. Most does at once, some takes its time, and some takes too long. */
const stopOf = (stopTimeout: number, isSlow: () => boolean, overruns: () => void): Effect.Effect<Effect.Effect<void>> =>
  Effect.map(Effect.all([Random.next, Random.next]), ([kind, length]) =>
    Effect.suspend(() => {
      if (kind < 0.95 && !isSlow()) return kind < 0.6 ? Effect.void : Effect.sleep(0.8 * stopTimeout * length)
      // It will not make it: no lease can be asked to last until it has ended.
      overruns()
      return Effect.sleep(stopTimeout * (1.2 + 2 * length))
    }))

/** Tells the watcher of readers that have not the same view as their servers. */
export const compareReaders = Effect.fnUntraced(function*(
  group: SimulatedGroup.SimulatedGroup,
  watcher: Watcher.Watcher
) {
  for (const index of yield* group.running) {
    if (watcher.wasSetBack(yield* group.host(index))) continue
    const server = yield* group.server(index)
    const reader = readers.get(server)
    const view = yield* server.group.view
    watcher.count("readersSeeTheView")
    if (reader === undefined || startsIn(reader.view) === startsIn(view)) continue
    const what = `the reader has ${startsIn(reader.view)}, the server ${startsIn(view)}`
    watcher.complain(yield* group.now, "readersSeeTheView", index, what)
  }
})

// internal

/** What a reader makes of the events, by server. */
const readers = new WeakMap<Server.ServerShape, { view: Step.View }>()

const read = Effect.fnUntraced(function*(server: Server.ServerShape, died: (what: string) => void) {
  const { events, view } = yield* server.group.subscribe
  const reader = { view }
  readers.set(server, reader)
  yield* Stream.runForEach(events, (event) =>
    Effect.sync(() => {
      if (event.event === "FiberDied") died(`${event.fiber}: ${event.cause}`)
      reader.view = viewAfter(reader.view, event)
    }))
}, Effect.scoped)

const viewAfter = (view: Step.View, event: Event.Event): Step.View => {
  switch (event.event) {
    case "MemberJoined":
      return { ...view, members: [...view.members, event.member] }
    case "MemberRemoved":
      return { ...view, members: view.members.filter((member) => !Member.isSameStart(member, event.member)) }
    case "MemberMoved": {
      const { member } = event
      const reign = view.reign !== null && Member.isSameStart(view.reign.leader, member)
        ? Reign.make(view.reign.term, member)
        : view.reign
      const self = view.self.id === member.id ? member : view.self
      return { ...view, self, reign, members: view.members.map((other) => other.id === member.id ? member : other) }
    }
    case "MemberChanged": {
      const { after } = event
      const self = view.self.id === after.id ? after : view.self
      return { ...view, self, members: view.members.map((other) => other.id === after.id ? after : other) }
    }
    case "LeaderChanged":
      return event.election !== Election.ofGroup
        ? view
        : { ...view, term: event.term, reign: event.leader && Reign.make(event.term, event.leader) }
    case "IncarnationRaised": {
      const self = { ...view.self, incarnation: event.to }
      return { ...view, self, members: view.members.map((member) => member.id === self.id ? self : member) }
    }
    default:
      return view
  }
}

const startsIn = ({ members, reign }: Step.View): string =>
  `${
    members.map((member) => `${member.id}#${member.incarnation}.${member.revision}@${Member.formatAddress(member)}`)
      .toSorted().join(" ")
  }, ${Invariants.formatReign(reign)}${reign === null ? "" : `@${Member.formatAddress(reign.leader)}`}`
