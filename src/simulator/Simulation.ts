/**
 * One run of the simulator: servers with their real code and leading work on each, a story of faults, and a watcher that
 * judges every step. Its seed decides all of it.
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import * as Holdings from "../protocol/grants/Holdings.ts"
import type * as Timing from "../protocol/model/Timing.ts"
import type * as Step from "../protocol/Step.ts"
import * as Server from "../server/Server.ts"
import * as Settings from "../settings/Settings.ts"
import * as Spelling from "../settings/Spelling.ts"
import * as SimulatedGroup from "../testing/SimulatedGroup.ts"
import type { Counters } from "../testing/Traffic.ts"
import * as VirtualTime from "../testing/VirtualTime.ts"
import * as Agreement from "./Agreement.ts"
import * as Faults from "./Faults.ts"
import * as App from "./internal/app.ts"
import type { Held } from "./internal/grantSafety.ts"
import * as Passing from "./internal/passing.ts"
import * as Player from "./internal/player.ts"
import * as Watcher from "./Watcher.ts"

/** What a run is made of. */
export interface Options {
  readonly servers: number
  /** With all else that is here, it decides the run. */
  readonly seed: number | string
  /** How long, in ms of true time. */
  readonly millis: number
  /** How many of them have a vote, where leases are: the first ones. All, unless set; the others come and go like these. */
  readonly voters?: number | undefined
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
    voters: true,
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
  /** How many of them have a vote, where leases are. */
  readonly voters: number
  readonly millis: number
  readonly story: ReadonlyArray<Faults.Fault>
  /** Of the story, what found a server in a state in which it could happen. */
  readonly happened: Readonly<Record<Faults.Fault["kind"], number>>
  readonly led: ReadonlyArray<Readonly<Watcher.Led>>
  readonly held: ReadonlyArray<Readonly<Held>>
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
    const { millis, progress, seed, servers, transition, voters = servers } = options
    const settings = yield* Settings.make(options.settings)
    const world = yield* drawWorld(options, Server.timingOf(settings))
    const { bound, rates, story, timing } = world
    const watcher = new Watcher.Watcher(settings, servers, transition)
    const group = yield* SimulatedGroup.make({
      ...machines(options, world),
      onStep: watcher.stepped,
      transition,
      app: App.make({ watcher, settings, seed, expiry: world.expiry, isSlow: (index) => play.isSlow(index) })
    })
    const play: ReturnType<typeof Player.make> = Player.make({ group, watcher, rates, servers })
    const isDone = () => options.untilViolation === true && watcher.violations.length > 0
    const run: Passing.Run = {
      group,
      watcher,
      timing,
      isDone,
      progress: (end) => progress === undefined ? Effect.void : progress(Math.min(end, millis))
    }
    watcher.disturbed(0)
    for (const action of Player.actionsOf(story).filter(({ at }) => at < millis)) {
      yield* Passing.until(run, action.at)
      if (isDone()) break
      yield* play.act(action)
    }
    yield* Passing.until(run, millis)
    watcher.finish()
    return {
      seed,
      servers,
      voters,
      millis: yield* group.now,
      story,
      happened: play.happened,
      led: watcher.led,
      held: watcher.grants.held,
      verdicts: watcher.verdicts(),
      violations: watcher.violations,
      steps: watcher.steps,
      datagrams: yield* group.network.counters,
      settlesWithin: bound
    }
  })

/** What the seed decides of a run before it starts. */
const drawWorld = Effect.fnUntraced(function*({ faults, millis, seed, servers }: Options, timing: Timing.Timing) {
  const random = yield* Random.withSeed(Effect.service(Random.Random), `${seed} machines`)
  // In half of the runs with leases the wall clocks agree as well as the growth of terms asks for.
  const kept = timing.lease !== null && random.nextDoubleUnsafe() < 0.5 ? timing.lease.duration : null
  const bound = Agreement.settlesWithin(timing, servers)
  const jumps = kept === null ? day : kept / 20
  const ahead = kept === null ? wallDifference : kept / 4
  return {
    timing,
    bound,
    story: typeof faults === "string"
      ? yield* Faults.draw({ seed, profile: faults, servers, millis, timing, calm: bound, drift, jumps })
      : faults,
    rates: Array.from({ length: servers }, () => 1 + drift * (2 * random.nextDoubleUnsafe() - 1)),
    expiry: drawExpiry(timing, yield* Random.withSeed(Random.next, `${seed} grants`)),
    drawAhead: () => Math.round(ahead * (random.nextDoubleUnsafe() - 0.5))
  }
})

/** For how long grants last: as long as an app has them unless it says otherwise, or for less than a change of the leader takes. */
const drawExpiry = ({ lease }: Timing.Timing, chance: number): number =>
  lease === null ? 0 : Math.ceil(Holdings.defaultExpiry(lease) / (chance < 0.5 ? 1 : 3))

const machines = (
  { seed, servers, settings, voters = servers }: Options,
  { drawAhead, rates, story }: Effect.Success<ReturnType<typeof drawWorld>>
) => {
  const isNamed = story.some(({ kind }) => kind === "deadNames")
  const seeds = Array.from({ length: Math.ceil(servers / 2) }, (_, index) => `s${2 * index}:${fixedPort}`)
  return {
    servers,
    seed,
    epoch,
    eventCapacity: 0,
    settings: (index: number): Settings.Options => ({
      ...settings,
      priority: Math.floor(index / 2),
      name: `s${index}`,
      votes: index < voters,
      ...(isNamed ? { seeds } : {}),
      // The others get a new id with every start.
      ...(index % 2 === 0 ? { unicastPort: fixedPort } : {})
    }),
    clocks: (index: number) => ({ rate: rates[index], wallAhead: drawAhead() }),
    snapshots: Math.max(0, ...story.map((fault) => fault.kind === "rollback" ? fault.by + 5_000 : 0))
  }
}
