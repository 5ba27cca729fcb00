/**
 * One run of the simulator: servers with their real code and leading work on each, a story of faults, and a watcher that
 * judges every step. Its seed decides all of it.
 *
 * ```ts
 * import { Simulation } from "bellwether/testing"
 *
 * const run = Simulation.run({ servers: 5, seed: 42, millis: 3_600_000, faults: "harsh", settings: { profile: "fast" } })
 * ```
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Leadership from "../group/Leadership.ts"
import * as Server from "../group/Server.ts"
import * as Settings from "../group/Settings.ts"
import * as Spelling from "../group/Spelling.ts"
import * as Election from "../protocol/Election.ts"
import type * as Event from "../protocol/Event.ts"
import * as Member from "../protocol/Member.ts"
import * as Reign from "../protocol/Reign.ts"
import type * as Step from "../protocol/Step.ts"
import * as Faults from "./Faults.ts"
import * as Invariants from "./Invariants.ts"
import * as SimulatedGroup from "./SimulatedGroup.ts"
import type { Counters } from "./Traffic.ts"
import * as VirtualTime from "./VirtualTime.ts"
import * as Watcher from "./Watcher.ts"

/**
 * What a run is made of.
 *
 * @category models
 * @since 0.1.0
 */
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

/**
 * What came of a run. All times are ms of true time since its start.
 *
 * @category models
 * @since 0.1.0
 */
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

/**
 * Runs it, in virtual time of its own. An option of a name that is none is refused.
 *
 * @category constructors
 * @since 0.1.0
 */
export const run = (options: Options): Effect.Effect<Report, Server.ServerError> => VirtualTime.run(inTime(options))

// internal

/** The wall clocks of machines that are well kept differ by less. */
const wallDifference = 2_000
const day = 86_400_000
const drift = 0.009
const epoch = 1_700_000_000_000

const inTime = (options: Options): Effect.Effect<Report, Server.ServerError, Scope.Scope> =>
  Effect.gen(function*() {
    yield* Spelling.refuseUnknown(options, optionNames)
    const { millis, progress, seed, servers } = options
    const settings = yield* Settings.make(options.settings)
    const rules = Server.rulesOf(settings)
    const bound = Invariants.settlesWithin(rules, servers)
    const random = yield* Random.withSeed(Effect.service(Random.Random), `${seed} machines`)
    // In half of the runs with leases the wall clocks agree as well as the growth of terms asks for.
    const kept = rules.lease !== null && random.nextDoubleUnsafe() < 0.5 ? rules.lease.duration : null
    const jumps = kept === null ? day : kept / 20
    const ahead = kept === null ? wallDifference : kept / 4
    const story = typeof options.faults === "string"
      ? yield* Faults.draw({ seed, profile: options.faults, servers, millis, rules, calm: bound, drift, jumps })
      : options.faults
    const watcher = new Watcher.Watcher(settings)
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
        // The others get a new id with every start.
        ...(index % 2 === 0 ? { unicastPort: 40_000 } : {})
      }),
      clocks: (index) => ({
        rate: rates[index],
        wallAhead: Math.round(ahead * (random.nextDoubleUnsafe() - 0.5))
      }),
      onStep: watcher.stepped,
      transition: options.transition,
      app: app(watcher, settings)
    })
    const play = player({ group, watcher, rates, servers })
    const actions = actionsOf(story).filter(({ at }) => at < millis)
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
        const due = Math.ceil(watcher.disturbedAt + bound)
        if (due > until) return yield* pass(until)
        const seen = watcher.disturbedAt
        yield* pass(due)
        if (done()) return
        if (watcher.disturbedAt !== seen) continue
        watcher.settled(yield* group.now, yield* group.running)
        yield* compareReaders(group, watcher)
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

const app = (watcher: Watcher.Watcher, settings: Settings.Settings) => {
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
        const stops = kind < 0.6 ? 0 : kind < 0.95 ? 0.8 * stopTimeout * length : stopTimeout * (1.2 + 2 * length)
        const stop = stops === 0
          ? Effect.void
          : stops < stopTimeout
          ? Effect.sleep(stops)
          // It will not make it: no lease can be asked to last until it has ended.
          : Effect.andThen(Effect.sync(() => tell("overran")), Effect.sleep(stops))
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
  `${members.map(({ id, incarnation }) => `${id}#${incarnation}`).toSorted().join(" ")}, ${
    Invariants.formatReign(reign)
  }`

const compareReaders = Effect.fnUntraced(function*(
  group: SimulatedGroup.SimulatedGroup,
  watcher: Watcher.Watcher
) {
  for (const index of yield* group.running) {
    const server = yield* group.server(index)
    const reader = readers.get(server)
    const view = yield* server.group.view
    watcher.counted("readersSeeTheView")
    if (reader === undefined || startsIn(reader.view) === startsIn(view)) continue
    const what = `the reader has ${startsIn(reader.view)}, the server ${startsIn(view)}`
    watcher.complain(yield* group.now, "readersSeeTheView", index, what)
  }
})

// --- The faults ---

interface Action {
  readonly at: number
  readonly fault: Faults.Fault
  readonly begins: boolean
}

const actionsOf = (story: ReadonlyArray<Faults.Fault>): ReadonlyArray<Action> =>
  story.flatMap((fault): ReadonlyArray<Action> => [
    { at: fault.at, fault, begins: true },
    ...(fault.for > 0 ? [{ at: fault.at + fault.for, fault, begins: false }] : [])
  ]).toSorted((a, b) => a.at - b.at)

const player = ({ group, rates, servers, watcher }: {
  readonly group: SimulatedGroup.SimulatedGroup
  readonly watcher: Watcher.Watcher
  readonly rates: ReadonlyArray<number>
  readonly servers: number
}) => {
  const happened = Object.fromEntries(Faults.kinds.map((kind) => [kind, 0])) as Record<Faults.Fault["kind"], number>
  const active = new Set<Faults.Fault>()
  const all = Array.from({ length: servers }, (_, index) => index)

  /** The network as all that is active makes it: of each kind, the worst. */
  const weather = Effect.gen(function*() {
    let loss = 0
    let duplicate = 0
    let reorder = { probability: 0, by: 0 }
    let delay = 1
    const multicastLoss = all.map(() => 0)
    yield* group.heal
    for (const fault of active) {
      switch (fault.kind) {
        case "partition":
          yield* group.partition(fault.parts)
          break
        case "cut":
          yield* group.cut(fault.from, fault.to)
          break
        case "loss":
          loss = Math.max(loss, fault.probability)
          break
        case "duplicate":
          duplicate = Math.max(duplicate, fault.probability)
          break
        case "reorder":
          reorder = {
            probability: Math.max(reorder.probability, fault.probability),
            by: Math.max(reorder.by, fault.by)
          }
          break
        case "delay":
          delay = Math.max(delay, fault.max)
          break
        case "multicastLoss":
          multicastLoss[fault.server] = Math.max(multicastLoss[fault.server] ?? 0, fault.probability)
          break
      }
    }
    yield* group.setLoss(loss)
    yield* group.setDuplicate(duplicate)
    yield* group.setReorder(reorder.probability, reorder.by)
    yield* group.setDelay({ min: 0.1, max: delay })
    for (const index of all) yield* group.setMulticastLoss(index, multicastLoss[index] ?? 0)
  })

  /** Which links a fault makes bad. */
  const spoil = (fault: Faults.Fault, now: number) => {
    const until = now + Faults.endOf(fault) - fault.at
    for (const from of all) {
      for (const to of all) {
        const touched = fault.kind === "partition" || fault.kind === "loss" || fault.kind === "delay"
          || fault.kind === "reorder" || (fault.kind === "cut" && fault.from === from && fault.to === to)
          || ((fault.kind === "overflow" || fault.kind === "multicastLoss") && fault.server === to)
        if (touched) watcher.bad(from, to, until, fault.kind === "multicastLoss" ? "multicasts" : "all")
      }
    }
    return until
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
        yield* Effect.orDie(group.restart(fault.server))
        return true
      case "pause":
      case "suspend":
        if ((yield* group.state(fault.server)) !== "running") return false
        watcher.still(fault.server, yield* group.now, (yield* group.now) + fault.for)
        yield* fault.kind === "pause" ? group.pause(fault.server) : group.suspend(fault.server)
        return true
      case "jump":
        yield* group.jumpWallClock(fault.server, fault.by)
        return true
      case "drift":
        yield* group.setClockRate(fault.server, fault.rate)
        return true
      case "resign": {
        if ((yield* group.state(fault.server)) !== "running") return false
        const { leadership } = yield* group.server(fault.server)
        return yield* leadership.resign.pipe(Effect.as(true), Effect.orElseSucceed(() => false))
      }
      case "overflow":
        yield* group.overflow(fault.server, fault.for)
        return true
      default:
        active.add(fault)
        yield* weather
        return true
    }
  })

  const end = Effect.fnUntraced(function*(fault: Faults.Fault) {
    switch (fault.kind) {
      case "kill":
      case "crash":
      case "stop": {
        const state = yield* group.state(fault.server)
        if (state === "killed" || state === "stopped") yield* Effect.orDie(group.start(fault.server))
        return
      }
      case "pause":
      case "suspend": {
        const state = yield* group.state(fault.server)
        if (state !== (fault.kind === "pause" ? "paused" : "suspended")) return
        watcher.woke(fault.server, yield* group.now)
        return yield* fault.kind === "pause"
          ? group.resume(fault.server, fault.first)
          : group.wake(fault.server)
      }
      case "drift":
        return yield* group.setClockRate(fault.server, rates[fault.server] ?? 1)
      default:
        active.delete(fault)
        yield* weather
    }
  })

  return {
    happened,
    act: Effect.fnUntraced(function*({ begins, fault }: Action) {
      const now = yield* group.now
      watcher.disturbed(begins && !isDown(fault) ? spoil(fault, now) : now)
      if (!begins) yield* end(fault)
      else if (yield* begin(fault)) happened[fault.kind] += 1
      // Some verbs take time.
      watcher.disturbed(yield* group.now)
    })
  }
}

/** After these the group may settle without the server. */
const isDown = ({ kind }: Faults.Fault): boolean => kind === "kill" || kind === "crash" || kind === "stop"
