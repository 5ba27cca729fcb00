/**
 * The one writer of a server's state. Every input is stepped through the pure core here; what the step leaves to be done
 * is done here, and its events are told in the same step, in order.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import * as MutableRef from "effect/MutableRef"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import * as Ref from "effect/Ref"
import type * as Scope from "effect/Scope"
import * as SubscriptionRef from "effect/SubscriptionRef"
import * as Contest from "../protocol/Contest.ts"
import type * as Event from "../protocol/Event.ts"
import * as Step from "../protocol/Step.ts"
import type { DropReason, Now, Output, State } from "../protocol/Turn.ts"
import * as Generation from "../transport/Generation.ts"
import type * as Messenger from "../transport/Messenger.ts"
import * as SinceBoot from "../transport/SinceBoot.ts"
import * as EventHub from "./EventHub.ts"
import type * as Inbox from "./Inbox.ts"
import type * as LeadingWork from "./LeadingWork.ts"
import type * as Supervisor from "./Supervisor.ts"

/**
 * The transition that servers go by: the protocol's own, `Step.step`. It is asked for once, when a server is made, and
 * must be pure. The simulator looks over its shoulder here, after every step of every server; tests of the simulator put
 * a broken protocol in its place.
 */
export const Transition = Context.Reference<typeof Step.step>("bellwether/group/GroupState/Transition", {
  defaultValue: () => Step.step
})

type EventBody<E> = E extends Event.Event ? Omit<E, "at"> : never

/** The state of one server, and the one way to change it. */
export interface GroupState {
  /** Steps one input, then does what it left to do. Sends are queued; nothing here waits for the network. */
  readonly step: (input: Step.Input) => Effect.Effect<void>
  readonly state: Effect.Effect<State>
  /** Subscribes to the events: with the view at the start and all of them in the discovery window, else from now on. */
  readonly subscribe: Effect.Effect<EventHub.Subscription<Step.View, Event.Event>, never, Scope.Scope>
  /** The view as it was last told. Of a server that has ended it is the last one. */
  readonly view: SubscriptionRef.SubscriptionRef<{ readonly view: Step.View; readonly isLast: boolean }>
  /** The reigns of this server's own that last, by election: the group's own has no name. */
  readonly ownReigns: SubscriptionRef.SubscriptionRef<Contest.OwnReigns>
  /** Tells an event that is none of the protocol's. */
  readonly tell: (event: EventBody<Event.Event>) => Effect.Effect<void>
  /** Who subscribes from here on gets what follows, and no longer all from `Started` on. */
  readonly forgetBeginning: Effect.Effect<void>
  /** Counts a datagram that was dropped. */
  readonly drop: (reason: DropReason | Messenger.DropReason) => void
  /** How many datagrams were dropped since the start, by reason. */
  readonly dropped: Effect.Effect<Readonly<Record<string, number>>>
  /** What waits to be sent, in order: carried out by the fiber of `Outbox`. */
  readonly outbox: Queue.Queue<Outgoing>
  readonly now: Effect.Effect<Now>
}

/** What the outbox holds: messages to send or to ask with, and the end. */
export type Outgoing = Extract<Output, { readonly _tag: "Send" | "Ask" | "Farewell" }>

const outboxCapacity = 4_096

/**
 * Makes the state of one server. `works.end` ends all leading work of an election, in a bounded time, and answers whether it
 * has finished by then. `deliver` takes what clients sent, and must not block.
 */
export const make = Effect.fnUntraced(function*(options: {
  readonly initial: State
  readonly works: Pick<LeadingWork.All, "end" | "idle">
  readonly deliver: (message: Inbox.Message) => void
  /** This server was paused: called before anything more is said. */
  readonly paused: () => void
  readonly supervisor: Supervisor.Supervisor
}): Effect.fn.Return<GroupState, never, Scope.Scope> {
  const services = yield* Effect.context()
  const clock = yield* Clock.Clock
  const random = yield* Random.Random
  const sinceBoot = yield* SinceBoot.SinceBoot
  const generation = yield* Generation.Generation
  const transition = yield* Transition
  const ref = yield* Ref.make(options.initial)
  const view = yield* SubscriptionRef.make({ view: Step.view(options.initial), isLast: false })
  const ownReigns = yield* SubscriptionRef.make<Contest.OwnReigns>(new Map())
  const hub = yield* EventHub.make<Step.View, Event.Event>(() => Step.view(Ref.getUnsafe(ref)))
  const outbox = yield* Queue.dropping<Outgoing>(outboxCapacity)
  const fibers = yield* FiberMap.make<number | `end of work ${string}` | `idle ${string}`>()
  const dropped = new Map<string, number>()

  const now = (): Now => ({
    monotonic: Number(clock.monotonicTimeNanosUnsafe()) / 1e6,
    wall: clock.currentTimeMillisUnsafe(),
    entropy: Math.floor(random.nextDoubleUnsafe() * 4_294_967_296),
    ...sinceBoot?.(),
    generation: generation()
  })
  const drop: GroupState["drop"] = (reason) => void dropped.set(reason, (dropped.get(reason) ?? 0) + 1)
  const tell: GroupState["tell"] = (event) =>
    Effect.sync(() => hub.publish({ at: clock.currentTimeMillisUnsafe(), ...event }))
  const { supervisor } = options

  /** What of an output is done at once, without waiting for anything; what is left is an effect. */
  const carryOut = (output: Output): Effect.Effect<unknown> | undefined => {
    switch (output._tag) {
      case "Emit":
        hub.publish(output.event)
        if (output.event.event === "Stalled") options.paused()
        if (output.event.event === "MessageReceived") options.deliver(output.event)
        return
      case "Drop":
        drop(output.reason)
        return
      case "Send":
      case "Ask":
      case "Farewell":
        if (!Queue.offerUnsafe(outbox, output)) drop("SendFailed")
        return
      case "SetTimer":
        return FiberMap.run(
          fibers,
          output.token,
          Effect.andThen(
            Effect.sleep(output.after),
            supervisor.guard("timer", Effect.suspend(() => step({ ...output, _tag: "TimerFired" })))
          )
        )
      case "ClearTimer":
        return FiberMap.remove(fibers, output.token)
      case "AwaitIdle":
        return FiberMap.run(
          fibers,
          `idle ${output.election}`,
          supervisor.guard(
            "idle",
            Effect.andThen(
              options.works.idle(output.election),
              Effect.suspend(() => step({ ...output, _tag: "WorkIdle" }))
            )
          )
        )
      case "EndWork":
        // Not forked into the scope: that is closing already where the end of work is part of the goodbye.
        return FiberMap.run(
          fibers,
          `end of work ${output.election}`,
          supervisor.guard(
            "end of work",
            Effect.flatMap(
              options.works.end(output.election),
              (finished) => step({ _tag: "WorkEnded", election: output.election, finished })
            )
          )
        )
    }
  }

  const showAs = (isLast: boolean) =>
    Effect.suspend(() => SubscriptionRef.set(view, { view: Step.view(Ref.getUnsafe(ref)), isLast }))
  const show = showAs(false)
  yield* Effect.addFinalizer(() => showAs(true))
  const showOwnReigns = Effect.suspend(() => SubscriptionRef.set(ownReigns, Contest.ownReigns(Ref.getUnsafe(ref))))

  // To tell an event may run its reader at once, and that may step again, here in the middle. Its state is the newest
  // then; what it left to do waits behind what is being done, so that the order of steps is that of all they do.
  const todo: Array<Output | Effect.Effect<unknown>> = []
  let isDoing = false
  const doAll = (): ReadonlyArray<Effect.Effect<unknown>> => {
    const rest: Array<Effect.Effect<unknown>> = []
    if (isDoing) return rest
    isDoing = true
    try {
      for (let next = todo.shift(); next !== undefined; next = todo.shift()) {
        const left = Effect.isEffect(next) ? next : carryOut(next)
        if (left !== undefined) rest.push(left)
      }
    } finally {
      isDoing = false
    }
    return rest
  }

  const step: GroupState["step"] = (input) =>
    Effect.uninterruptible(Effect.suspend(() => {
      const before = Ref.getUnsafe(ref)
      const [after, outputs] = transition(before, input, now())
      MutableRef.set(ref.ref, after)
      // Leading work hears of the end of its reign before anyone else does.
      if (!Contest.ownsSame(before, after)) todo.push(showOwnReigns)
      todo.push(...outputs)
      if (!Step.showsSame(before, after)) todo.push(show)
      const rest = doAll()
      // Timers last longer than the step: they live in this server's time, whoever called for it.
      return rest.length === 0
        ? Effect.void
        : Effect.provideContext(Effect.forEach(rest, (effect) => effect, { discard: true }), services)
    }))

  /** Waits until all that the newest state came with is told: a snapshot is taken after it. */
  const settled: Effect.Effect<void> = Effect.suspend(() =>
    isDoing || todo.length > 0 ? Effect.andThen(Effect.yieldNow, settled) : Effect.void
  )

  return {
    step,
    state: Ref.get(ref),
    subscribe: Effect.andThen(settled, hub.subscribe),
    view,
    ownReigns,
    tell,
    forgetBeginning: Effect.sync(hub.forgetBeginning),
    drop,
    dropped: Effect.sync(() => Object.fromEntries(dropped)),
    outbox,
    now: Effect.sync(now)
  }
})
