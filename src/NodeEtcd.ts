/**
 * Groups in etcd from Node: the layers of `bellwether/Etcd`, over `node:http` and `node:https`.
 *
 * ```ts
 * import * as NodeEtcd from "bellwether/NodeEtcd"
 * import * as Effect from "effect/Effect"
 * import { Leadership } from "bellwether"
 *
 * export const main = Leadership.Leadership.use((leadership) => leadership.whileLeader(Effect.log("we lead"))).pipe(
 *   Effect.provide(NodeEtcd.layer({
 *     group: "orders",
 *     endpoints: ["https://10.0.0.1:2379", "https://10.0.0.2:2379", "https://10.0.0.3:2379"],
 *     tls: { caFile: "/etc/orders/etcd-ca.pem" }
 *   }))
 * )
 * ```
 *
 * @since 0.1.0
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { readFile } from "node:fs/promises"
import { hostname } from "node:os"
import * as Etcd from "./etcd/Etcd.ts"
import { SettingRefused, shown } from "./settings/SettingRefused.ts"
import * as Settings from "./settings/Settings.ts"

/**
 * Whom to believe that it is etcd, and who we are to it: files in PEM, read at the start. For endpoints of `https` alone.
 *
 * @category models
 * @since 0.1.0
 */
export interface Tls {
  /** The authorities that may have signed etcd's certificate, in place of those that Node knows. */
  readonly caFile?: string | undefined
  /** Our certificate, where etcd asks for one (`--client-cert-auth`). It proves no name of a user: for that there is a password. */
  readonly certFile?: string | undefined
  readonly keyFile?: string | undefined
}

/**
 * The options of a server: those of `Etcd.layer`, and TLS. Its `hostname` is that of the system unless it is given.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends Etcd.Options {
  readonly tls?: Tls | undefined
}

const read = (key: keyof Tls, file: string | undefined): Effect.Effect<string | void, SettingRefused> =>
  file === undefined ? Effect.void : Effect.tryPromise({
    try: () => readFile(file, "utf8"),
    catch: () => new SettingRefused({ setting: key, as: key, was: shown(file), allowed: "a file that can be read" })
  })

/**
 * The `HttpClient` alone, for `Etcd.layer`. Connections are kept for the next question.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerClient = ({ caFile, certFile, keyFile }: Tls = {}): Layer.Layer<
  HttpClient.HttpClient,
  Settings.SettingRefused
> =>
  Layer.unwrap(
    Effect.all({ ca: read("caFile", caFile), cert: read("certFile", certFile), key: read("keyFile", keyFile) }).pipe(
      Effect.map((texts) => Object.entries(texts).filter(([, text]) => text !== undefined)),
      Effect.map((given) => NodeHttpClient.layerNodeHttpOptions({ keepAlive: true, ...Object.fromEntries(given) }))
    )
  )

const layered = ({ tls, ...options }: Options): Layer.Layer<Etcd.Services, Etcd.EtcdError> =>
  Layer.provide(Etcd.layer({ hostname: hostname(), ...options }), layerClient(tls))

/**
 * `Group` and `Leadership` of one group, with settings from code alone.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options): Layer.Layer<Etcd.Services, Etcd.EtcdError> => layered(options)

const file = (name: string) => Config.schema(Schema.UndefinedOr(Schema.String), [`BELLWETHER_ETCD_${name}_FILE`])

/**
 * The options that the configuration gives: those of `Etcd.config`, and the files of TLS by `BELLWETHER_ETCD_CA_FILE`,
 * `BELLWETHER_ETCD_CERT_FILE` and `BELLWETHER_ETCD_KEY_FILE`.
 *
 * @category configuration
 * @since 0.1.0
 */
export const config: Config.Config<Options> = Config.map(
  Config.all({ options: Etcd.config, caFile: file("CA"), certFile: file("CERT"), keyFile: file("KEY") }),
  ({ options, ...tls }) => ({ ...options, tls })
)

/**
 * The same, with options from the `ConfigProvider`: from `BELLWETHER_*` unless said otherwise.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (
  options: Config.Wrap<Options> = config
): Layer.Layer<Etcd.Services, Etcd.EtcdError | Config.ConfigError> =>
  Layer.unwrap(Effect.map(Settings.fromConfig(options), layered))
