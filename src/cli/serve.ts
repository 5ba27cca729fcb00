/**
 * `serve`: joins the group and stays until it is told to stop. Standard output shows what happens: a display on a
 * terminal, else a line an event, as JSON where that is asked for.
 */
import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import Cluster from "node:cluster"
import type * as Group from "../group/Group.ts"
import * as Server from "../group/Server.ts"
import type * as Settings from "../group/Settings.ts"
import * as Event from "../protocol/Event.ts"
import * as EventText from "../status/EventText.ts"
import type { DatagramsFailed } from "../transport/Datagrams.ts"
import * as NodeDatagrams from "../transport/NodeDatagrams.ts"
import * as NodeSocket from "../transport/NodeSocket.ts"
import * as Ending from "./exit.ts"
import * as Output from "./output.ts"
import * as Screen from "./screen.ts"
import * as Systemd from "./systemd.ts"
import * as Terminal from "./terminal.ts"

const encode = Schema.encodeSync(Event.Event)
const eventCapacity = 8_192

/**
 * Everything that happens from the start on. What happened between the start and the subscription is told by the picture
 * that came with it.
 */
const eventsOf = Effect.fnUntraced(function*(group: Group.GroupShape) {
  const { events, view } = yield* group.subscribe
  const at = yield* Clock.currentTimeMillis
  const { members, reign, self } = view
  const sofar: Array<Event.Event> = [{ at: self.incarnation, event: "Started", self }]
  for (const member of members) {
    if (member.id !== self.id) sofar.push({ at, event: "MemberJoined", member, via: "message" })
  }
  const leader = members.find(({ id }) => id === reign?.leader.id)
  if (reign !== null && leader !== undefined) {
    sofar.push({
      at,
      event: "LeaderChanged",
      election: "",
      leader,
      from: null,
      term: reign.term,
      cause: "Start",
      without: 0
    })
  }
  return Stream.concat(Stream.fromIterable(sofar), events)
})

/** What the network may get over by itself, such as a port of ours that our former process has not given back yet. */
const passes: ReadonlySet<DatagramsFailed["kind"]> = new Set([
  "AddressInUse",
  "AddressNotAvailable",
  "NoSuchInterface",
  "Unreachable"
])

/**
 * Starts the server as soon as its sockets open, and tells once why they do not. Without its own port it would lead a
 * group of which nobody hears, so it does not start before.
 */
const start = Effect.fnUntraced(function*(
  settings: Settings.Settings,
  scope: Scope.Scope,
  tell: (event: Event.Event) => Effect.Effect<unknown>
) {
  let told = ""
  const attempt = Effect.gen(function*() {
    const own = yield* Scope.fork(scope)
    return yield* Scope.provide(Server.fromSettings(settings), own).pipe(
      Effect.onError((cause) => Scope.close(own, Exit.failCause(cause)))
    )
  })
  const tellOnce = Effect.fnUntraced(function*({ kind, message }: DatagramsFailed) {
    if (message === told) return
    told = message
    // A port that another worker keeps does not get free as one of a former process does.
    if (kind === "AddressInUse" && Cluster.isWorker) yield* Effect.logWarning(message)
    const at = yield* Clock.currentTimeMillis
    yield* tell({ at, event: "NetworkChanged", what: `${message}; the server starts when it opens` })
  })
  return yield* attempt.pipe(
    Effect.tapError((error) => isPassing(error) ? tellOnce(error) : Effect.void),
    Effect.retry({ schedule: NodeSocket.reopening, while: isPassing })
  )
})

const isPassing = (error: Server.ServerError): error is DatagramsFailed =>
  error._tag === "DatagramsFailed" && passes.has(error.kind)

/** Prints each event as a line, as fast as the reader reads. */
const print = (events: Queue.Dequeue<Event.Event, Cause.Done>, line: (event: Event.Event) => string) =>
  Queue.takeAll(events).pipe(
    Effect.flatMap((some) => Output.line(some.map(line).join("\n"))),
    Effect.forever,
    Effect.catchTag("Done", () => Effect.void)
  )

export const serve = Effect.fnUntraced(function*(settings: Settings.Settings, options: { readonly json: boolean }) {
  yield* Ending.stoppingIsSuccess
  const systemd = yield* Systemd.make
  const screen = !options.json && (yield* Terminal.isScreen) ? yield* Screen.make(settings) : undefined
  const run = Effect.scoped(Effect.gen(function*() {
    // Between the server and a reader that may be slow or gone: here the oldest are lost, and nothing waits.
    const events = yield* Queue.sliding<Event.Event, Cause.Done>(eventCapacity)
    const closed = yield* Deferred.make<void, Output.OutputClosed>()
    const output = screen === undefined
      ? print(events, options.json ? (event) => JSON.stringify(encode(event)) : EventText.line)
      : screen.show(events)
    const printer = yield* output.pipe(
      Effect.catchTag(
        "OutputClosed",
        (error) => error.isGone ? Deferred.succeed(closed, undefined) : Deferred.fail(closed, error)
      ),
      Effect.forkScoped
    )
    const serverScope = yield* Scope.make()
    const stays = Effect.gen(function*() {
      const { group } = yield* start(settings, serverScope, (event) => Queue.offer(events, event))
      screen?.watch(group)
      yield* systemd.serving(group, settings)
      const pump = yield* (yield* eventsOf(group)).pipe(
        Stream.takeUntil((event) => event.event === "Left"),
        Stream.runForEach((event) =>
          Effect.andThen(screen === undefined ? shout(event) : Effect.void, Queue.offer(events, event))
        ),
        Effect.forkScoped
      )
      const stop = Effect.raceFirst(Deferred.await(closed), screen?.hangUp ?? Effect.never)
      yield* Effect.raceFirst(group.failed, stop).pipe(
        Effect.onExit(Effect.fnUntraced(function*(exit) {
          const told = yield* Effect.forkDetach(systemd.stopping, { startImmediately: true })
          // The subscription outlives the server: its goodbye is the last event.
          yield* Scope.close(serverScope, exit)
          yield* bounded(Effect.andThen(Fiber.await(pump), Fiber.await(told)))
        }))
      )
    })
    yield* stays.pipe(
      Effect.onExit((exit) => Scope.close(serverScope, exit)),
      Effect.ensuring(Effect.andThen(Queue.end(events), bounded(Fiber.await(printer))))
    )
  }))
  yield* screen === undefined ? run : screen.on(run)
}, Effect.provide(NodeDatagrams.layer))

/** What an operator must mend goes to the log as an error too: on the display it stands among the notes. */
const shout = (event: Event.Event) =>
  event.event === "DuplicateIdentity" ? Effect.logError(EventText.describe(event)) : Effect.void

/** Waits, but not for a reader that stands still. */
const bounded = (effect: Effect.Effect<unknown>) => Effect.timeoutOption(Effect.interruptible(effect), "300 millis")
