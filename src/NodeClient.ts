/**
 * A client on real sockets: the layers of `Client`, over `node:dgram`.
 *
 * @since 0.1.0
 */
import type * as Config from "effect/Config"
import * as Layer from "effect/Layer"
import * as Client from "./client/Client.ts"
import * as NodeDatagrams from "./transport/node/NodeDatagrams.ts"

/**
 * The `Datagrams` layer alone, for `Client.make` and for one `Client.Service` a group.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerDatagrams = NodeDatagrams.layer

/**
 * `Client` of one group, with settings from code alone.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Client.Options = {}): Layer.Layer<Client.Client, Client.ClientError> =>
  Layer.provide(Client.layer(options), NodeDatagrams.layer)

/**
 * The same, with settings from the `ConfigProvider`: from `BELLWETHER_*` unless said otherwise.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (
  config?: Config.Wrap<Client.Options>
): Layer.Layer<Client.Client, Client.ClientError | Config.ConfigError> =>
  Layer.provide(Client.layerConfig(config), NodeDatagrams.layer)
