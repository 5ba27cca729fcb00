/**
 * `serve`: joins the group and stays until it is told to stop. Standard output shows what happens: a display on a
 * terminal, else a line an event, as JSON where that is asked for.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import Cluster from "node:cluster"
import * as Event from "../protocol/model/Event.ts"
import * as Server from "../server/Server.ts"
import type * as Settings from "../settings/Settings.ts"
import * as EventText from "../status/EventText.ts"
import type { DatagramsFailed } from "../transport/Datagrams.ts"
import * as NodeDatagrams from "../transport/node/NodeDatagrams.ts"
import * as Socket from "../transport/node/Socket.ts"
import * as Ending from "./exit.ts"
import * as Output from "./output.ts"
import * as Screen from "./screen.ts"
import * as Systemd from "./systemd.ts"
import * as Terminal from "./terminal.ts"

const encode = Schema.encodeSync(Event.Event)
const eventCapacity = 8_192

/** What the network may get over by itself, such as a port of ours that our former process has not given back yet. */
const passes: ReadonlySet<DatagramsFailed["kind"]> = new Set([
  "AddressInUse",
  "AddressNotAvailable",
  "NoSuchInterface",
  "OutOfDescriptors",
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
    Effect.retry({ schedule: Socket.reopening, while: isPassing })
  )
})

const isPassing = (error: Server.ServerError): error is DatagramsFailed =>
  error._tag === "DatagramsFailed" && (passes.has(error.kind) || error.during === "scan")

/** Prints each event as a line, as fast as the reader reads. */
const print = (format: (event: Event.Event) => string) => {
  let at = 0
  const text = (event: Event.Event) => `${format(event)}\n`
  return Effect.map(
    Output.lines({ capacity: eventCapacity, lost: (count) => text({ at, event: "EventsLost", count }) }),
    (lines) => (event: Event.Event) => {
      at = event.at
      lines.add(text(event))
    }
  )
}

export const serve = Effect.fnUntraced(function*(settings: Settings.Settings, options: { readonly json: boolean }) {
  yield* Ending.stoppingIsSuccess
  const systemd = yield* Systemd.make
  const screen = !options.json && (yield* Terminal.isScreen) ? yield* Screen.make(settings) : undefined
  const run = Effect.scoped(Effect.gen(function*() {
    const show = yield* (screen?.open ?? print(
      options.json
        ? (event) => JSON.stringify(encode(event))
        : EventText.line
    ))
    const serverScope = yield* Scope.make()
    const stays = Effect.gen(function*() {
      const { group } = yield* start(settings, serverScope, (event) => Effect.sync(() => show(event)))
      // At once, so that it begins with `Started`.
      const subscription = yield* group.subscribe
      screen?.watch(group)
      yield* systemd.serving(group, settings)
      const pump = yield* subscription.events.pipe(
        Stream.takeUntil((event) => event.event === "Left"),
        Stream.runForEach((event) =>
          Effect.andThen(screen === undefined ? shout(event) : Effect.void, Effect.sync(() => show(event)))
        ),
        Effect.forkScoped
      )
      return yield* group.failed.pipe(
        Effect.onExit(Effect.fnUntraced(function*(exit) {
          const told = yield* Effect.forkDetach(systemd.stopping, { startImmediately: true })
          // The subscription outlives the server: its goodbye is the last event.
          yield* Scope.close(serverScope, exit)
          yield* bounded(Effect.andThen(Fiber.await(pump), Fiber.await(told)))
        }))
      )
    })
    return yield* Effect.onExit(stays, (exit) => Scope.close(serverScope, exit))
  }))
  return yield* screen === undefined ? run : screen.on(run)
}, Effect.provide(NodeDatagrams.layer))

/** What an operator must mend goes to the log as an error too: on the display it stands among the notes. */
const shout = (event: Event.Event) =>
  event.event === "DuplicateIdentity" ? Effect.logError(EventText.describe(event)) : Effect.void

/** Waits, but not for a reader that stands still. */
const bounded = (effect: Effect.Effect<unknown>) => Effect.timeoutOption(Effect.interruptible(effect), "300 millis")
