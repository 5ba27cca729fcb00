/**
 * Servers on real sockets: the layers of `Server`, over `node:dgram`.
 *
 * @since 0.1.0
 */
import type * as Config from "effect/Config"
import * as Layer from "effect/Layer"
import * as Server from "./server/Server.ts"
import type * as Settings from "./settings/Settings.ts"
import * as NodeDatagrams from "./transport/node/NodeDatagrams.ts"

/**
 * The `Datagrams` layer alone, for `Server.make` and for one `Server.Service` a group.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerDatagrams = NodeDatagrams.layer

/**
 * `Group`, `Leadership` and `Inbox` of one group, with settings from code alone.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Settings.Options = {}
): Layer.Layer<Server.Services, Server.ServerError> => Layer.provide(Server.layer(options), NodeDatagrams.layer)

/**
 * The same, with settings from the `ConfigProvider`: from `BELLWETHER_*` unless said otherwise.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (
  config?: Config.Wrap<Settings.Options>
): Layer.Layer<Server.Services, Server.ServerError | Config.ConfigError> =>
  Layer.provide(Server.layerConfig(config), NodeDatagrams.layer)
