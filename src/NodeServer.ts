/**
 * Servers on real sockets: the layers of `Server`, over `node:dgram`.
 *
 * @since 0.1.0
 */
import type * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Server from "./server/Server.ts"
import * as Settings from "./settings/Settings.ts"
import * as Token from "./status/http/Token.ts"
import * as NodeDatagrams from "./transport/node/NodeDatagrams.ts"

/**
 * The `Datagrams` layer alone, for `Server.make` and for one `Server.Service` a group.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerDatagrams = NodeDatagrams.layer

/**
 * `Group`, `Leadership`, `Inbox`, `Members`, `Publishing`, `Partitions` and `Lock` of one group, with settings from code alone.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Settings.Options = {}
): Layer.Layer<Server.Services, Server.ServerError> => layered(Settings.make(options))

/**
 * The same, with settings from the `ConfigProvider`: from `BELLWETHER_*` unless said otherwise.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (
  config: Config.Wrap<Settings.Options> = Settings.config
): Layer.Layer<Server.Services, Server.ServerError | Config.ConfigError> =>
  layered(Effect.flatMap(Settings.fromConfig(config), Settings.make))

const layered = <E>(
  settings: Effect.Effect<Settings.Settings, E>
): Layer.Layer<Server.Services, E | Server.ServerError> =>
  Layer.effectContext(Effect.flatMap(settings, started)).pipe(Layer.provide(NodeDatagrams.layer))

/** A server, and its page where that is asked for: it is closed after the server has said goodbye. */
const started = Effect.fnUntraced(function*(settings: Settings.Settings) {
  const scope = yield* Effect.scope
  const pages = yield* Scope.fork(scope)
  const { http } = settings
  const secret = yield* Token.read(settings)
  const server = yield* Server.fromSettings(settings)
  if (http !== undefined) {
    const { listen } = yield* Effect.promise(() => import("./status/http/NodeListener.ts"))
    yield* Scope.provide(listen(server, { ...settings, http }, secret, told), pages)
  }
  return Server.services(server)
})

const told = {
  listening: (url: string) => Effect.logInfo(`Bellwether's page is at ${url}`),
  refused: (why: string) => Effect.logWarning(`Bellwether's page is not served: ${why}; it is tried again`)
}
