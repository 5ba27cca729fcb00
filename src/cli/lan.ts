/** `serve` on a LAN: a server that starts as soon as its sockets open. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Server from "../server/Server.ts"
import * as MulticastGroup from "../settings/MulticastGroup.ts"
import type * as Settings from "../settings/Settings.ts"
import type { Datagrams, DatagramsFailed } from "../transport/Datagrams.ts"
import * as NodeDatagrams from "../transport/node/NodeDatagrams.ts"
import * as Rarely from "../transport/node/Rarely.ts"
import * as Socket from "../transport/node/Socket.ts"
import * as Serve from "./serve.ts"
import * as Spawner from "./spawner.ts"

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
  show: Serve.Show
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

/** Serves over datagrams that are given. */
export const serveOver = (settings: Settings.Settings, options: Serve.Options) =>
  Effect.flatMap(Effect.context<Datagrams>(), (context) =>
    Serve.serveOver({
      settings,
      where: `${MulticastGroup.format(settings.multicastAddress)}:${settings.port}`,
      start: (scope, show) => Effect.provide(start(settings, scope, show), context)
    }, options))

export const serve = (settings: Settings.Settings, options: Serve.Options) =>
  Effect.provide(serveOver(settings, options), [NodeDatagrams.layer, Spawner.layer])
