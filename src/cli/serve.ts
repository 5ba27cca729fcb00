/**
 * `serve`: joins the group and stays until it is told to stop. Standard output shows what happens: a display on a
 * terminal, else a line an event, as JSON where that is asked for.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { identity } from "effect/Function"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Event from "../protocol/model/Event.ts"
import type * as Group from "../server/Group.ts"
import * as Server from "../server/Server.ts"
import type * as Settings from "../settings/Settings.ts"
import * as EventLog from "../status/EventLog.ts"
import * as EventText from "../status/EventText.ts"
import type { DatagramsFailed } from "../transport/Datagrams.ts"
import * as NodeDatagrams from "../transport/node/NodeDatagrams.ts"
import * as Rarely from "../transport/node/Rarely.ts"
import * as Socket from "../transport/node/Socket.ts"
import * as Events from "./events.ts"
import * as Ending from "./exit.ts"
import * as Log from "./log.ts"
import type { Collector } from "./otlp.ts"
import * as Spawner from "./spawner.ts"
import * as Systemd from "./systemd.ts"
import * as Telemetry from "./telemetry.ts"
import * as Terminal from "./terminal.ts"

const encode = Schema.encodeSync(Event.Event)

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
  show: Show
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
    if (kind === "AddressInUse" && Rarely.cluster().isWorker) yield* Effect.logWarning(message)
    const at = yield* Clock.currentTimeMillis
    // No hub can tell it: a server's state, of which a hub gives snapshots, begins with the address of an open socket.
    yield* show({ at, event: "NetworkChanged", what: `${message}; the server starts when it opens` })
  })
  return yield* attempt.pipe(
    Effect.tapError((error) => isPassing(error) ? tellOnce(error) : Effect.void),
    Effect.retry({ schedule: Socket.reopening, while: isPassing })
  )
})

const isPassing = (error: Server.ServerError): error is DatagramsFailed =>
  error._tag === "DatagramsFailed" && (passes.has(error.kind) || error.during === "scan")

/** What shows the events of a server, and logs them where that is asked for. */
type Show = (event: Event.Event) => Effect.Effect<void>

/** How a server is shown on standard output: `watch` is called once it runs. */
interface Showing {
  readonly show: (event: Event.Event) => void
  readonly watch: (group: Group.GroupShape) => void
}

/** Nothing is shown. */
const unseen: Showing = { show: () => {}, watch: () => {} }

/** What an operator must mend goes to the log as an error too: on the display it stands among the notes. */
const shout = (event: Event.Event) =>
  event.event === "DuplicateIdentity" ? Effect.logError(EventText.describe(event)) : Effect.void

/** The page and the API, where they are asked for. Their scope outlives the server's own, so that who reads events gets its goodbye. */
const serveHttp = Effect.fnUntraced(function*(
  settings: Settings.Settings,
  token: Redacted.Redacted | undefined,
  server: Server.ServerShape
) {
  const { http } = settings
  if (http === undefined) return
  const { listen } = yield* Effect.promise(() => import("../status/http/NodeListener.ts"))
  yield* listen(server, { ...settings, http }, token, {
    listening: (url) => Effect.logInfo(`the page is at ${url}`),
    refused: (why) => Effect.logWarning(`the page is not served: ${why}; it is tried again`)
  })
})

/** How each event is logged: all of them on standard error, or at the collector; or only what must not be overlooked. */
const logger = (
  { hasScreen, isLogged, telemetry }: {
    readonly isLogged: boolean
    readonly telemetry: Collector | null
    readonly hasScreen: boolean
  }
): Show => {
  if (isLogged) return EventLog.log
  const loud = hasScreen ? () => Effect.void : shout
  return telemetry === null ? loud : (event) => Effect.andThen(telemetry.only(EventLog.log(event)), loud(event))
}

/** What goes with a server. */
interface Around {
  readonly settings: Settings.Settings
  readonly token: Redacted.Redacted | undefined
  readonly systemd: Systemd.Systemd
  readonly telemetry: Collector | null
  readonly log: Show
}

/** Serves until the server cannot go on, or is told to stop. */
const stay = Effect.fnUntraced(function*(
  { log, settings, systemd, telemetry, token }: Around,
  { show: print, watch }: Showing
) {
  const show: Show = (event) => Effect.andThen(log(event), Effect.sync(() => print(event)))
  const server = yield* Scope.fork(yield* Effect.scope)
  const running = yield* start(settings, server, show)
  const { group } = running
  const shown = yield* EventLog.annotated(group)(Events.follow(group, show))
  if (telemetry !== null) yield* telemetry.measure(group)
  watch(group)
  yield* serveHttp(settings, token, running)
  yield* systemd.serving(group, settings)
  // Last acquired, first released: what shows the server's goodbye, and what tells systemd, runs until that is done.
  yield* Effect.addFinalizer(Effect.fnUntraced(function*(exit) {
    const told = yield* Effect.forkDetach(systemd.stopping, { startImmediately: true })
    yield* Scope.close(server, exit)
    yield* Events.soon(Effect.andThen(shown, Fiber.await(told)))
  }))
  return yield* group.failed
})

/** How a server is run: whether its events are printed as JSON, the token of its page, if any, and how its events are logged, if so. */
interface Options {
  readonly json: boolean
  readonly token: Redacted.Redacted | undefined
  readonly logFormat: Log.Format | null
}

/** Serves over datagrams that are given. */
export const serveOver = Effect.fnUntraced(
  function*(settings: Settings.Settings, { json, logFormat, token }: Options) {
    yield* Ending.stoppingIsSuccess
    const systemd = yield* Systemd.make
    const telemetry = yield* Telemetry.asked
    const isLogged = logFormat !== null
    const hasScreen = !json && !isLogged && (yield* Terminal.isScreen)
    const around = { settings, token, systemd, telemetry, log: logger({ isLogged, telemetry, hasScreen }) }
    const run = (shown: Effect.Effect<Showing, never, Scope.Scope>) =>
      Effect.scoped(Effect.flatMap(shown, (showing) => stay(around, showing))).pipe(
        telemetry?.on ?? identity,
        Log.formatted(logFormat)
      )
    if (hasScreen) {
      const { make } = yield* Effect.promise(() => import("./ownView.ts"))
      const { on, open, ...view } = yield* make(settings)
      return yield* on(run(Effect.as(open, view)))
    }
    if (isLogged && !json) return yield* run(Effect.succeed(unseen))
    const printing = Events.lines<Event.Event>(json ? (event) => JSON.stringify(encode(event)) : EventText.line)
    return yield* run(Effect.map(printing, ({ show }) => ({ ...unseen, show })))
  }
)

export const serve = (settings: Settings.Settings, options: Options) =>
  Effect.provide(serveOver(settings, options), [NodeDatagrams.layer, Spawner.layer])
