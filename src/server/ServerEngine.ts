/**
 * The one writer of a server's state. Every input is stepped through the pure core here, and its outputs are carried out
 * here, in order; its events are published in the same step.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type * as Counters from "../engine/Counters.ts"
import type * as Drops from "../engine/Drops.ts"
import * as Elections from "../engine/Elections.ts"
import * as Engine from "../engine/Engine.ts"
import * as EventHub from "../engine/EventHub.ts"
import * as Feed from "../engine/Feed.ts"
import * as Latest from "../engine/Latest.ts"
import * as Outbox from "../engine/Outbox.ts"
import type * as Supervisor from "../engine/Supervisor.ts"
import type * as Parts from "../protocol/delivery/Parts.ts"
import * as ElectionContext from "../protocol/election/ElectionContext.ts"
import type * as Event from "../protocol/model/Event.ts"
import type * as Message from "../protocol/model/Message.ts"
import type { Output } from "../protocol/model/Output.ts"
import type { Now, State } from "../protocol/model/State.ts"
import * as Step from "../protocol/Step.ts"
import type { CrashLinks } from "../transport/CrashLinks.ts"
import * as Generation from "../transport/Generation.ts"
import * as SinceBoot from "../transport/SinceBoot.ts"
import * as ElectionSpans from "./ElectionSpans.ts"
import * as Holds from "./Holds.ts"
import type * as LeadingWork from "./LeadingWork.ts"
import * as Marking from "./Marking.ts"
import type * as Talk from "./Talk.ts"
import * as Traffic from "./Traffic.ts"

/**
 * The transition that servers go by: the protocol's own, `Step.step`. It is asked for once, when a server is made, and
 * must be pure. The simulator looks at every step of every server here; tests of the simulator put
 * a broken protocol in its place.
 */
export const Transition = Context.Reference<typeof Step.step>("bellwether/server/ServerEngine/Transition", {
  defaultValue: () => Step.step
})

type EventBody<E> = E extends Event.Event ? Omit<E, "at"> : never

/** The state of one server, and the one way to change it. */
export interface ServerEngine {
  /** Steps one input, then does what it left to do. Sends are queued; nothing here waits for the network. */
  readonly step: (input: Step.Input) => Effect.Effect<void>
  readonly offer: (input: Step.Input) => void
  readonly state: Effect.Effect<State>
  readonly stateUnsafe: () => State
  /** Its events: from the start, with the view of then, for a reader that subscribes in the discovery window. */
  readonly events: Pick<
    EventHub.EventHub<Step.View, Event.Event>,
    "readers" | "sequence" | "subscribe" | "subscribeAfter"
  >
  /** The messages that it sends and hears, while somebody watches. */
  readonly traffic: Stream.Stream<Traffic.Exchanged>
  /** The view as it was last told, and each later one. Of a server that has ended it is the last one. */
  readonly views: Stream.Stream<Step.View>
  /** The reigns of this server's own that last, by election: the group's own has no name. */
  readonly ownReigns: Stream.Stream<ElectionContext.OwnReigns>
  /** Whether work of the app depends on the clocks now, since it leads or holds something; and each later time. */
  readonly working: Stream.Stream<boolean>
  /** Tells an event that is none of the protocol's. */
  readonly tell: (event: EventBody<Event.Event>) => Effect.Effect<void>
  /** A reader that subscribes from here on gets the later events, and no longer all from `Started` on. */
  readonly forgetBeginning: Effect.Effect<void>
  /** How many datagrams were dropped since the start, by reason. */
  readonly dropped: Drops.Drops["counts"]
  readonly outbox: Outbox.Outbox
  /** The way to the marks of scheduled runs. */
  readonly mark: Marking.Marking["mark"]
  /** Begins a session that holds resources. */
  readonly hold: Holds.Holds["hold"]
  readonly now: Effect.Effect<Now>
}

/** What has become of what the app published. */
export type Published = Extract<Output, { readonly _tag: "Published" | "NotPublished" }>

const isPublished = (output: Output): output is Published =>
  output._tag === "Published" || output._tag === "NotPublished"

/** The dependencies of a server's engine. */
export interface Options {
  readonly group: string
  readonly initial: State
  readonly drops: Drops.Drops
  readonly counters: Counters.Counters
  /** How many of the newest events are kept for those who come later. */
  readonly eventHistory: number
  /** `end` ends all leading work of an election, in a bounded time, and answers whether it has finished by then. */
  readonly works: Pick<LeadingWork.All, "end" | "idle">
  /** Takes what clients sent, and must not block. */
  readonly deliver: (message: Parts.Whole) => void
  /** Takes what has become of what the app published, when no step is under way. */
  readonly published: (output: Published) => void
  /** Carries out what is left to do for those who talk, and must not block. */
  readonly talk: Talk.Talk["carryOut"]
  /** Its crash links, if it has any. */
  readonly links: Pick<CrashLinks, "keep" | "tryOut"> | null
  /** This server was paused: called before anything more is said. */
  readonly paused: () => void
  readonly supervisor: Supervisor.Supervisor
}

/** Makes the state of one server. */
export const make = Effect.fnUntraced(function*(
  { counters, deliver, drops, eventHistory, group, initial, links, paused, published, supervisor, talk, works }: Options
): Effect.fn.Return<ServerEngine, never, Scope.Scope> {
  const clock = yield* Clock.Clock
  const sinceBoot = yield* SinceBoot.SinceBoot
  const generation = yield* Generation.Generation
  const view = yield* Latest.make(Step.view(initial))
  const ownReigns = yield* Latest.make<ElectionContext.OwnReigns>(new Map())
  const working = yield* Latest.make(false)
  const hub = yield* EventHub.make<Step.View, Event.Event>(view.get, eventHistory)
  const runWork = yield* FiberMap.makeRuntime<never, string>()
  const outbox = yield* Outbox.make(drops.count, supervisor)
  const marking = Marking.make((input) => engine.offer(input))
  const holds = Holds.make({
    offer: (input) => engine.offer(input),
    state: () => engine.stateUnsafe(),
    now: Effect.sync(() => engine.now())
  })
  const traffic = yield* Feed.make<Traffic.Exchanged>()
  const trace = yield* ElectionSpans.make({ group, node: initial.self.id })
  const followElections = (elections: Elections.Changes): void => {
    for (const election of elections.ended) counters.ended(election)
    trace(elections)
  }
  const wall = () => clock.currentTimeMillisUnsafe()
  const showSent = (output: Output): void => {
    if (output._tag !== "Send") return
    for (const to of output.to) traffic.show(() => Traffic.sent(wall(), to, output.message))
  }

  const emit = (event: Event.Event): void => {
    hub.publish(event)
    counters.event(event)
    if (event.event === "Stalled") paused()
  }
  const carryOut = (output: Output, afterwards: (wake: () => void) => void): void => {
    counters.output(output)
    switch (output._tag) {
      case "Emit":
        return emit(output.event)
      case "Deliver":
        return deliver(output.message)
      case "Published":
      case "NotPublished":
        return
      case "Drop":
        return drops.count(output.reason)
      case "Send":
      case "Ask":
      case "Farewell":
        showSent(output)
        return outbox.add(output)
      case "Hear":
      case "Handle":
      case "Answered":
        return talk(output)
      case "Granted":
      case "EndGrant":
      case "HoldRefused":
      case "AskAnswered":
        return holds.carryOut(output, afterwards)
      case "KeepLinks":
        return links?.keep(output.peers)
      case "TryLink":
        return links?.tryOut(output.peer)
      case "RunMarked": {
        const { known, request } = output
        return void runWork(`run ${request}`, supervisor.guard("scheduled runs", marking.answered(request, known)))
      }
      case "AwaitIdle": {
        const idle = Effect.map(works.idle(output.election), () => engine.offer({ ...output, _tag: "WorkIdle" }))
        return void runWork(`idle ${output.election}`, supervisor.guard("idle", idle))
      }
      case "EndWork": {
        const { election } = output
        const end = Effect.map(
          works.end(election),
          (finished) => engine.offer({ _tag: "WorkEnded", election, finished })
        )
        return void runWork(`end of work ${election}`, supervisor.guard("end of work", end))
      }
    }
  }
  const engine: Engine.Engine<State, Step.Input> = yield* Engine.make<State, Step.Input, Output>({
    initial,
    transition: yield* Transition,
    dueAt: Step.dueAt,
    due: { _tag: "Due" },
    carryOut: (outputs, { after, before }, afterwards) => {
      // Leading work hears of the end of its reign before anyone else does.
      const ownsSame = ElectionContext.ownsSame(before, after)
      if (!ownsSame) ownReigns.set(ElectionContext.ownReigns(after))
      if (!ownsSame || before.grants.holdings !== after.grants.holdings) {
        const works = ownReigns.get().size > 0 || Step.holdsAny(after)
        if (works !== working.get()) working.set(works)
      }
      if (!Step.showsSame(before, after)) view.set(Step.view(after))
      const elections = Elections.between(before, after)
      if (elections !== Elections.unchanged) afterwards(() => followElections(elections))
      for (const output of outputs) carryOut(output, afterwards)
      const ended = outputs.filter(isPublished)
      if (ended.length > 0) afterwards(() => ended.forEach(published))
    },
    clocks: () => ({ ...sinceBoot?.(), generation: generation() }),
    supervisor
  })

  const isOwn = (message: Message.Message) => "sender" in message && message.sender.id === initial.self.id
  const offer = (input: Step.Input): void => {
    // Its own multicasts, come back, were shown when they were sent.
    if (input._tag === "Received" && !isOwn(input.message)) traffic.show(() => Traffic.heard(wall(), input.message))
    engine.offer(input)
  }

  return {
    step: (input) => Effect.sync(() => offer(input)),
    offer,
    state: engine.state,
    stateUnsafe: engine.stateUnsafe,
    events: hub,
    traffic: traffic.shown,
    views: view.changes,
    ownReigns: ownReigns.changes,
    working: working.changes,
    tell: (event) => Effect.sync(() => hub.publish({ at: wall(), ...event })),
    forgetBeginning: Effect.sync(hub.forgetBeginning),
    dropped: drops.counts,
    outbox,
    mark: marking.mark,
    hold: holds.hold,
    now: Effect.sync(engine.now)
  }
})
