/**
 * Groups in etcd from Node: the layers of `bellwether/Etcd`, over `node:http` and `node:https`.
 *
 * @since 0.1.0
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import type * as HttpClient from "effect/http/HttpClient"
import type * as Layer from "effect/Layer"

/**
 * Whom to believe that it is etcd, and who we are to it: texts in PEM. For endpoints of `https` alone.
 *
 * @category models
 * @since 0.1.0
 */
export interface Tls {
  /** The authorities that may have signed etcd's certificate, in place of those that Node knows. */
  readonly ca?: string | undefined
  /** Our certificate and its key, where etcd asks for one (`--client-cert-auth`). They prove no name: for that there is a password. */
  readonly cert?: string | undefined
  readonly key?: string | undefined
}

/**
 * The `HttpClient` alone, for `Etcd.layer`. Connections are kept for the next question.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerClient = ({ ca, cert, key }: Tls = {}): Layer.Layer<HttpClient.HttpClient> =>
  NodeHttpClient.layerNodeHttpOptions({
    keepAlive: true,
    ...ca === undefined ? {} : { ca },
    ...cert === undefined ? {} : { cert },
    ...key === undefined ? {} : { key }
  })
