/**
 * An observer on real sockets: the layers of `Observer`, over `node:dgram`.
 *
 * @since 0.1.0
 */
import type * as Config from "effect/Config"
import * as Layer from "effect/Layer"
import * as Observer from "./client/Observer.ts"
import * as NodeDatagrams from "./transport/node/NodeDatagrams.ts"

/**
 * The `Datagrams` layer alone, for `Observer.make` and for one `Observer.Service` a group.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerDatagrams = NodeDatagrams.layer

/**
 * `Observer` of one group, with settings from code alone.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Observer.Options = {}): Layer.Layer<Observer.Observer, Observer.ObserverError> =>
  Layer.provide(Observer.layer(options), NodeDatagrams.layer)

/**
 * The same, with settings from the `ConfigProvider`: from `BELLWETHER_*` unless said otherwise.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (
  config?: Config.Wrap<Observer.Options>
): Layer.Layer<Observer.Observer, Observer.ObserverError | Config.ConfigError> =>
  Layer.provide(Observer.layerConfig(config), NodeDatagrams.layer)
