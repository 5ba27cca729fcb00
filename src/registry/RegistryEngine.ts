/**
 * Drives a server over its registry: the one writer of its state. What a step leaves to be asked of the registry is asked here, each by
 * itself and within a bounded time, and what comes of it is an input again.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberMap from "effect/FiberMap"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Closing from "../engine/Closing.ts"
import type * as Counters from "../engine/Counters.ts"
import * as Engine from "../engine/Engine.ts"
import * as EventHub from "../engine/EventHub.ts"
import * as Latest from "../engine/Latest.ts"
import type * as Supervisor from "../engine/Supervisor.ts"
import type * as ElectionContext from "../protocol/election/ElectionContext.ts"
import type * as Event from "../protocol/model/Event.ts"
import type * as Step from "../protocol/Step.ts"
import type * as LeadingWork from "../server/LeadingWork.ts"
import * as Marking from "../server/Marking.ts"
import * as Generation from "../transport/Generation.ts"
import * as SinceBoot from "../transport/SinceBoot.ts"
import type { Registry } from "./Registry.ts"
import * as RegistryCalls from "./RegistryCalls.ts"
import * as RegistryState from "./RegistryState.ts"
import * as RegistryStep from "./RegistryStep.ts"

/** The parts of a driver. */
export interface Options {
  readonly registry: Registry
  readonly initial: RegistryState.State
  /** How long a session lasts: nothing that is asked for is waited for longer than half of that. */
  readonly leaseDuration: Duration.Duration
  readonly eventHistory: number
  readonly counters: Counters.Counters
  readonly works: Pick<LeadingWork.All, "end" | "idle">
  readonly supervisor: Supervisor.Supervisor
}

/** The state of one server, and the one way to change it. */
export interface RegistryEngine extends Engine.Engine<RegistryState.State, RegistryState.Input> {
  readonly events: EventHub.EventHub<Step.View, Event.Event>
  readonly views: Stream.Stream<Step.View>
  readonly ownReigns: Stream.Stream<ElectionContext.OwnReigns>
  readonly mark: Marking.Marking["mark"]
  /** When something was last sent to the registry, on the monotonic clock. */
  readonly sentAt: () => number
  /** Waits until all is said. */
  readonly farewell: Effect.Effect<void>
}

/** The first wait after a watch that failed, and the longest, in ms. */
const waits = { first: 50, longest: 2_000, refused: 10_000 } as const

const ownReigns = (state: RegistryState.State): ElectionContext.OwnReigns => {
  const all = new Map()
  for (const name of RegistryState.elections(state)) {
    const own = RegistryState.ownReign(state, name)
    if (own !== null) all.set(name, own)
  }
  return all
}

const ownsSame = (before: RegistryState.State, after: RegistryState.State): boolean => {
  if (before.group === after.group && before.named === after.named) return true
  const names = new Set([...RegistryState.elections(before), ...RegistryState.elections(after)])
  return [...names].every((name) => RegistryState.ownReign(before, name) === RegistryState.ownReign(after, name))
}

/** What carries out the outputs of a step. */
interface Hands {
  readonly run: (key: string, effect: Effect.Effect<unknown>) => void
  readonly offer: (input: RegistryState.Input) => void
  readonly calls: RegistryCalls.Calls
  readonly emit: (event: Event.Event) => void
  readonly marking: Marking.Marking
  readonly works: Options["works"]
  readonly farewell: (closes: boolean) => Effect.Effect<void>
}

/** Nothing here waits: what takes time runs elsewhere, and comes back as an input. */
const carryOut = (
  { calls, emit, farewell, marking, offer, run, works }: Hands,
  output: RegistryState.Output
): void => {
  switch (output._tag) {
    case "Emit":
      return emit(output.event)
    case "Renew":
      return run("renew", Effect.map(calls.renew(output.number), offer))
    case "Commit":
      return run(`commit ${output.id}`, Effect.map(calls.commit(output), offer))
    case "EndWork": {
      const { election } = output
      const end = Effect.map(works.end(election), (finished) => offer({ _tag: "WorkEnded", election, finished }))
      return run(`end of work ${election}`, end)
    }
    case "AwaitIdle": {
      const { election, term } = output
      const idle = Effect.map(works.idle(election), () => offer({ _tag: "WorkIdle", election, term }))
      return run(`idle ${election}`, idle)
    }
    case "RunMarked":
      return run(`run ${output.request}`, marking.answered(output.request, output.known))
    case "Farewell":
      return run("farewell", farewell(output.closes))
  }
}

const closing = ({ close }: Registry) => Effect.ignore(Effect.timeoutOption(close, Closing.goodbyeWithin))

/** Makes it. It asks for nothing before its `Start`. */
export const make = Effect.fnUntraced(function*(
  { counters, eventHistory, initial, leaseDuration, registry, supervisor, works }: Options
): Effect.fn.Return<RegistryEngine, never, Scope.Scope> {
  const clock = yield* Clock.Clock
  const sinceBoot = yield* SinceBoot.SinceBoot
  const generation = yield* Generation.Generation
  const view = yield* Latest.make(RegistryStep.view(initial))
  const owns = yield* Latest.make<ElectionContext.OwnReigns>(new Map())
  const hub = yield* EventHub.make<Step.View, Event.Event>(view.get, eventHistory)
  const runFiber = yield* FiberMap.makeRuntime<never, string>()
  const marking = Marking.make((input) => {
    if (input._tag === "MarkRun") engine.offer(input)
  })
  const gone = yield* Deferred.make<void>()
  const monotonic = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  let sentAt = monotonic()
  const hands: Hands = {
    run: (key, effect) => void runFiber(key, supervisor.guard(key, effect)),
    offer: (input) => engine.offer(input),
    calls: RegistryCalls.make(registry, RegistryCalls.atMost(leaseDuration)),
    emit: (event) => {
      hub.publish(event)
      counters.event(event)
    },
    marking,
    works,
    farewell: (closes) => Effect.ensuring(closes ? closing(registry) : Effect.void, Deferred.succeed(gone, undefined))
  }
  const engine: Engine.Engine<RegistryState.State, RegistryState.Input> = yield* Engine.make<
    RegistryState.State,
    RegistryState.Input,
    RegistryState.Output
  >({
    initial,
    transition: RegistryStep.step,
    dueAt: RegistryStep.dueAt,
    due: { _tag: "Due" },
    carryOut: (outputs, { after, before }) => {
      // Leading work hears of the end of its reign before anyone else does.
      if (!ownsSame(before, after)) owns.set(ownReigns(after))
      if (!RegistryStep.showsSame(before, after)) view.set(RegistryStep.view(after))
      for (const output of outputs) {
        if (output._tag === "Renew" || output._tag === "Commit") sentAt = monotonic()
        carryOut(hands, output)
      }
    },
    clocks: () => ({ ...sinceBoot?.(), generation: generation() }),
    supervisor
  })
  return {
    ...engine,
    events: hub,
    views: view.changes,
    ownReigns: owns.changes,
    mark: marking.mark,
    sentAt: () => sentAt,
    farewell: Deferred.await(gone)
  }
})

/** Starts the watch. One that ends, for any reason, is begun anew after a while. */
export const watch = (
  registry: Registry,
  engine: RegistryEngine,
  supervisor: Supervisor.Supervisor
): Effect.Effect<void, never, Scope.Scope> =>
  supervisor.keep(
    "watch",
    Effect.gen(function*() {
      let wait: number = waits.first
      while (true) {
        const exit = yield* Effect.exit(Stream.runForEach(registry.watch, (change) => {
          if (change._tag === "Picture") wait = waits.first
          return engine.step(change)
        }))
        if (Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)) return yield* Effect.interrupt
        const { detail, kind } = RegistryCalls.failureIn(exit, "watch")
          ?? { kind: "Unreachable" as const, detail: "the watch has ended" }
        yield* engine.step({ _tag: "WatchFailed", kind, detail })
        yield* Effect.sleep(kind === "Refused" ? waits.refused : wait)
        wait = Math.min(waits.longest, 2 * wait)
      }
    })
  )
