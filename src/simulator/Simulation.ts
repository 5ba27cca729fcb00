/**
 * One run of the simulator: servers with their real code and leading work on each, a story of faults, and a watcher that
 * judges every step. Its seed decides all of it.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Election from "../protocol/model/Election.ts"
import type * as Event from "../protocol/model/Event.ts"
import * as Member from "../protocol/model/Member.ts"
import * as Reign from "../protocol/model/Reign.ts"
import type * as Step from "../protocol/Step.ts"
import * as Leadership from "../server/Leadership.ts"
import * as Server from "../server/Server.ts"
import * as Settings from "../settings/Settings.ts"
import * as Spelling from "../settings/Spelling.ts"
import * as SimulatedGroup from "../testing/SimulatedGroup.ts"
import type { Counters } from "../testing/Traffic.ts"
import * as VirtualTime from "../testing/VirtualTime.ts"
import * as Agreement from "./Agreement.ts"
import * as Faults from "./Faults.ts"
import * as Player from "./internal/player.ts"
import * as Invariants from "./Invariants.ts"
import * as Watcher from "./Watcher.ts"

/** What a run is made of. */
export interface Options {
  readonly servers: number
  /** With all else that is here, it decides the run. */
  readonly seed: number | string
  /** How long, in ms of true time. */
  readonly millis: number
  /** A profile of faults to draw a story from, or the story itself. */
  readonly faults: Faults.Profile | ReadonlyArray<Faults.Fault>
  /** Settings of all servers. Their priorities and, of every other one, the port are the run's own. */
  readonly settings?: Settings.Options | undefined
  /** See `SimulatedGroup.Options`. */
  readonly transition?: typeof Step.step | undefined
  /** Ends the run with the first violation. */
  readonly untilViolation?: boolean | undefined
  /** Is told from time to time how many ms of the run have passed. */
  readonly progress?: ((millis: number) => Effect.Effect<void>) | undefined
}

const optionNames = Object.keys(
  {
    servers: true,
    seed: true,
    millis: true,
    faults: true,
    settings: true,
    transition: true,
    untilViolation: true,
    progress: true
  } satisfies Record<keyof Options, true>
)

/** What came of a run. All times are ms of true time since its start. */
export interface Report {
  readonly seed: number | string
  readonly servers: number
  readonly millis: number
  readonly story: ReadonlyArray<Faults.Fault>
  /** Of the story, what found a server in a state in which it could happen. */
  readonly happened: Readonly<Record<Faults.Fault["kind"], number>>
  readonly led: ReadonlyArray<Readonly<Watcher.Led>>
  readonly verdicts: ReadonlyArray<Watcher.Verdict>
  readonly violations: ReadonlyArray<Watcher.Violation>
  readonly steps: number
  readonly datagrams: Counters
  /** How long the group may take to settle after the last fault. */
  readonly settlesWithin: number
}

/** Runs it, in virtual time of its own. An option of a name that is none is refused. */
export const run = (options: Options): Effect.Effect<Report, Server.ServerError> => VirtualTime.run(inTime(options))

// internal

/** The wall clocks of machines that are well kept differ by less. */
const wallDifference = 2_000
const day = 86_400_000
const drift = 0.009
const fixedPort = 40_000
const epoch = 1_700_000_000_000

const inTime = (options: Options): Effect.Effect<Report, Server.ServerError, Scope.Scope> =>
  Effect.gen(function*() {
    yield* Spelling.refuseUnknown(options, optionNames)
    const { millis, progress, seed, servers } = options
    const settings = yield* Settings.make(options.settings)
    const timing = Server.timingOf(settings)
    const bound = Agreement.settlesWithin(timing, servers)
    const random = yield* Random.withSeed(Effect.service(Random.Random), `${seed} machines`)
    // In half of the runs with leases the wall clocks agree as well as the growth of terms asks for.
    const kept = timing.lease !== null && random.nextDoubleUnsafe() < 0.5 ? timing.lease.duration : null
    const jumps = kept === null ? day : kept / 20
    const ahead = kept === null ? wallDifference : kept / 4
    const story = typeof options.faults === "string"
      ? yield* Faults.draw({ seed, profile: options.faults, servers, millis, timing, calm: bound, drift, jumps })
      : options.faults
    const isNamed = story.some(({ kind }) => kind === "deadNames")
    const seeds = Array.from({ length: Math.ceil(servers / 2) }, (_, index) => `s${2 * index}:${fixedPort}`)
    const watcher = new Watcher.Watcher(settings, servers, options.transition)
    const rates = Array.from({ length: servers }, () => 1 + drift * (2 * random.nextDoubleUnsafe() - 1))
    const group = yield* SimulatedGroup.make({
      servers,
      seed,
      epoch,
      eventCapacity: 0,
      settings: (index) => ({
        ...options.settings,
        priority: Math.floor(index / 2),
        name: `s${index}`,
        ...(isNamed ? { seeds } : {}),
        // The others get a new id with every start.
        ...(index % 2 === 0 ? { unicastPort: fixedPort } : {})
      }),
      clocks: (index) => ({
        rate: rates[index],
        wallAhead: Math.round(ahead * (random.nextDoubleUnsafe() - 0.5))
      }),
      onStep: watcher.stepped,
      transition: options.transition,
      snapshots: Math.max(0, ...story.map((fault) => fault.kind === "rollback" ? fault.by + 5_000 : 0)),
      app: app(watcher, settings, (index) => play.isSlow(index))
    })
    const play: ReturnType<typeof Player.make> = Player.make({ group, watcher, rates, servers })
    const actions = Player.actionsOf(story).filter(({ at }) => at < millis)
    const done = () => options.untilViolation === true && watcher.violations.length > 0
    const pass = Effect.fnUntraced(function*(until: number) {
      for (;;) {
        const now = yield* group.now
        if (until - now < 0.001 || done()) return
        // In pieces, so that there is something to see.
        yield* group.advance(Math.min(until - now, 30_000))
        if (progress !== undefined) yield* progress(Math.min(until, millis))
      }
    })
    /** Lets time pass; looks at the group as soon as it has had the time to settle. */
    const passAndLook = Effect.fnUntraced(function*(until: number) {
      for (;;) {
        // A whole ms: what is left of one by rounding would be no time to pass.
        const due = Math.ceil(watcher.disturbedAt + watcher.quiet.bound(timing, yield* group.running))
        if (due > until) return yield* pass(until)
        const seen = watcher.disturbedAt
        yield* pass(due)
        if (done()) return
        if (watcher.disturbedAt !== seen) continue
        const running = yield* group.running
        let again = watcher.settled(yield* group.now, running)
        // Else something may have happened at this very instant.
        if (watcher.quiet.isWhole(running)) {
          yield* askWhoIsThere(group, watcher)
          yield* compareReaders(group, watcher)
        }
        while (again !== null && Math.ceil((yield* group.now) + again) <= until && !done()) {
          yield* pass(Math.ceil((yield* group.now) + again))
          if (watcher.disturbedAt !== seen) break
          again = watcher.settled(yield* group.now, yield* group.running)
        }
        return yield* pass(until)
      }
    })
    watcher.disturbed(0)
    for (const action of actions) {
      yield* passAndLook(action.at)
      if (done()) break
      yield* play.act(action)
    }
    yield* passAndLook(millis)
    watcher.finish()
    return {
      seed,
      servers,
      millis: yield* group.now,
      story,
      happened: play.happened,
      led: watcher.led,
      verdicts: watcher.verdicts(),
      violations: watcher.violations,
      steps: watcher.steps,
      datagrams: yield* group.network.counters,
      settlesWithin: bound
    }
  })

// --- The app on each server ---

/** What a reader makes of the events, by server. */
const readers = new WeakMap<Server.ServerShape, { view: Step.View }>()

const app = (watcher: Watcher.Watcher, settings: Settings.Settings, isSlow: (index: number) => boolean) => {
  const starts: Array<number> = []
  const stopTimeout = Duration.toMillis(settings.stopTimeout)
  return (server: Server.ServerShape, index: number) =>
    Effect.gen(function*() {
      const start = (starts[index] ?? 0) + 1
      starts[index] = start
      yield* Effect.forkScoped(read(server, (what) => watcher.died(index, what)))
      const work = Effect.gen(function*() {
        const reign = yield* Leadership.Reign
        const tell = watcher.workStarts(index, start, reign.term)
        // Most work stops at once, some takes its time, and some takes too long.
        const kind = yield* Random.next
        const length = yield* Random.next
        const stop = Effect.suspend(() => {
          if (kind < 0.95 && !isSlow(index)) return kind < 0.6 ? Effect.void : Effect.sleep(0.8 * stopTimeout * length)
          // It will not make it: no lease can be asked to last until it has ended.
          tell("overran")
          return Effect.sleep(stopTimeout * (1.2 + 2 * length))
        })
        return yield* Effect.onInterrupt(
          Effect.never,
          () => Effect.andThen(stop, Effect.sync(() => tell("ended")))
        )
      })
      return yield* server.leadership.whileLeader(work)
    })
}

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
    members.map((member) => `${member.id}#${member.incarnation}@${Member.formatAddress(member)}`).toSorted().join(" ")
  }, ${Invariants.formatReign(reign)}${reign === null ? "" : `@${Member.formatAddress(reign.leader)}`}`

const askWhoIsThere = Effect.fnUntraced(function*(
  group: SimulatedGroup.SimulatedGroup,
  watcher: Watcher.Watcher
) {
  const where = new Map<number, ReadonlyArray<Member.Address>>()
  const running = yield* group.running
  for (const index of running) where.set(index, yield* Effect.flatMap(group.host(index), ({ listening }) => listening))
  watcher.asked(yield* group.now, running, where)
})

const compareReaders = Effect.fnUntraced(function*(
  group: SimulatedGroup.SimulatedGroup,
  watcher: Watcher.Watcher
) {
  for (const index of yield* group.running) {
    if (watcher.wasSetBack(yield* group.host(index))) continue
    const server = yield* group.server(index)
    const reader = readers.get(server)
    const view = yield* server.group.view
    watcher.counted("readersSeeTheView")
    if (reader === undefined || startsIn(reader.view) === startsIn(view)) continue
    const what = `the reader has ${startsIn(reader.view)}, the server ${startsIn(view)}`
    watcher.complain(yield* group.now, "readersSeeTheView", index, what)
  }
})
