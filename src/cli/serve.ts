/**
 * `serve`: joins the group and stays until it is told to stop. Standard output shows what happens: a display on a
 * terminal, else a line an event, as JSON where that is asked for.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { identity } from "effect/Function"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import type { EtcdError } from "../etcd/Etcd.ts"
import * as Event from "../protocol/model/Event.ts"
import type * as Group from "../server/Group.ts"
import type * as Leadership from "../server/Leadership.ts"
import type * as Publishing from "../server/Publishing.ts"
import type { ServerError } from "../server/Server.ts"
import type * as Settings from "../settings/Settings.ts"
import * as EventLog from "../status/EventLog.ts"
import * as EventText from "../status/EventText.ts"
import * as Events from "./events.ts"
import * as Ending from "./exit.ts"
import * as Log from "./log.ts"
import type { Collector } from "./otlp.ts"
import * as Systemd from "./systemd.ts"
import * as Telemetry from "./telemetry.ts"
import * as Terminal from "./terminal.ts"

const encode = Schema.encodeSync(Event.Event)

/** What shows the events of a server, and logs them where that is asked for. */
export type Show = (event: Event.Event) => Effect.Effect<void>

/** A server that runs. One whose backend carries no messages publishes none. */
export interface Served {
  readonly group: Group.GroupShape
  readonly leadership: Leadership.LeadershipShape
  readonly publishing: Publishing.PublishingShape | null
}

/** A server that is to be: what keeps its group starts it. */
export interface Backed {
  readonly settings: Settings.Settings
  /** Where its group meets, for the head of the display. */
  readonly where: string
  /** Starts it, and ends it with the scope. What keeps it from starting, and may pass, is shown. */
  readonly start: (scope: Scope.Scope, show: Show) => Effect.Effect<Served, ServerError | EtcdError>
}

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
  server: Served
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
  readonly backed: Backed
  readonly token: Redacted.Redacted | undefined
  readonly systemd: Systemd.Systemd
  readonly telemetry: Collector | null
  readonly log: Show
}

/** Serves until the server cannot go on, or is told to stop. */
const stay = Effect.fnUntraced(function*(
  { backed, log, systemd, telemetry, token }: Around,
  { show: print, watch }: Showing
) {
  const { settings } = backed
  const show: Show = (event) => Effect.andThen(log(event), Effect.sync(() => print(event)))
  const server = yield* Scope.fork(yield* Effect.scope)
  const running = yield* backed.start(server, show)
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
export interface Options {
  readonly json: boolean
  readonly token: Redacted.Redacted | undefined
  readonly logFormat: Log.Format | null
}

/** Serves what is given. */
export const serveOver = Effect.fnUntraced(
  function*(backed: Backed, { json, logFormat, token }: Options) {
    yield* Ending.stoppingIsSuccess
    const systemd = yield* Systemd.make
    const telemetry = yield* Telemetry.asked
    const isLogged = logFormat !== null
    const hasScreen = !json && !isLogged && (yield* Terminal.isScreen)
    const around = { backed, token, systemd, telemetry, log: logger({ isLogged, telemetry, hasScreen }) }
    const run = (shown: Effect.Effect<Showing, never, Scope.Scope>) =>
      Effect.scoped(Effect.flatMap(shown, (showing) => stay(around, showing))).pipe(
        telemetry?.on ?? identity,
        Log.formatted(logFormat)
      )
    if (hasScreen) {
      const { make } = yield* Effect.promise(() => import("./ownView.ts"))
      const { on, open, ...view } = yield* make(backed)
      return yield* on(run(Effect.as(open, view)))
    }
    if (isLogged && !json) return yield* run(Effect.succeed(unseen))
    const printing = Events.lines<Event.Event>(json ? (event) => JSON.stringify(encode(event)) : EventText.line)
    return yield* run(Effect.map(printing, ({ show }) => ({ ...unseen, show })))
  }
)
