/**
 * Groups in etcd, for those who have outgrown a LAN: `Group` and `Leadership` with the same meaning, kept in etcd 3.4 or later by its
 * JSON gateway, over any `HttpClient`. `bellwether/NodeEtcd` has one with TLS.
 *
 * ```ts
 * import * as Etcd from "bellwether/Etcd"
 * import * as Effect from "effect/Effect"
 * import * as FetchHttpClient from "effect/http/FetchHttpClient"
 * import * as Layer from "effect/Layer"
 * import { Leadership } from "bellwether"
 *
 * const program = Leadership.Leadership.use((leadership) => leadership.whileLeader(Effect.log("we lead")))
 *
 * export const main = program.pipe(
 *   Effect.provide(Etcd.layer({ group: "orders", endpoints: ["http://10.0.0.1:2379", "http://10.0.0.2:2379"] })),
 *   Effect.provide(FetchHttpClient.layer)
 * )
 * ```
 *
 * What etcd cannot do is not there: an app that needs `Inbox`, `Publishing` or `Members` does not compile against these layers.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as RegistryConfig from "../registry/RegistryConfig.ts"
import * as RegistryOptions from "../registry/RegistryOptions.ts"
import * as RegistryServer from "../registry/RegistryServer.ts"
import * as Group from "../server/Group.ts"
import * as Leadership from "../server/Leadership.ts"
import type { SettingRefused } from "../settings/SettingRefused.ts"
import * as Settings from "../settings/Settings.ts"
import * as EtcdOptions from "./EtcdOptions.ts"
import type { EtcdRefused } from "./EtcdRefused.ts"
import * as EtcdRegistry from "./EtcdRegistry.ts"
import * as EtcdStart from "./EtcdStart.ts"
import * as Fences from "./Fences.ts"

export type { EtcdOptions } from "./EtcdOptions.ts"

export { EtcdRefused } from "./EtcdRefused.ts"

export { type Fence, Fences } from "./Fences.ts"

/**
 * The options of a server: those of its group, and where etcd is.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends RegistryOptions.Options, EtcdOptions.EtcdOptions {}

/**
 * What a server in etcd is to its app.
 *
 * @category models
 * @since 0.1.0
 */
export interface EtcdServer {
  readonly group: Group.GroupShape
  readonly leadership: Leadership.LeadershipShape
  readonly fences: Fences.Fences["Service"]
}

/**
 * The services of the one group of an app.
 *
 * @category models
 * @since 0.1.0
 */
export type Services = Group.Group | Leadership.Leadership | Fences.Fences

/**
 * Why a server could not start.
 *
 * @category errors
 * @since 0.1.0
 */
export type EtcdError = SettingRefused | EtcdRefused

/**
 * Starts a server. Where etcd is away, it is told in the log after a sixth of `leaseDuration` at most, and tried until it is there;
 * what waiting cannot mend fails. When the scope closes, leading work is ended and the session given up: that takes `stopTimeout` and a
 * second at most.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fn("Etcd.start")(function*(
  options: Options
): Effect.fn.Return<EtcdServer, EtcdError, Scope.Scope | HttpClient.HttpClient> {
  const read = yield* EtcdOptions.read(options)
  const { settings } = yield* RegistryOptions.read(options, read.leaseDuration, EtcdOptions.keys)
  const { gateway, prefix, registry } = yield* EtcdRegistry.make({
    ...read,
    group: settings.group,
    ttl: Duration.toSeconds(read.leaseDuration)
  })
  yield* EtcdStart.check(gateway, prefix)
  const { leaseDuration } = read
  const { group, leadership } = yield* RegistryServer.make(options, registry, {
    name: "etcd",
    leaseDuration,
    others: EtcdOptions.keys
  })
  return { group, leadership, fences: Fences.make(gateway, prefix) }
})

const services = ({ fences, group, leadership }: EtcdServer): Context.Context<Services> =>
  Context.make(Group.Group, group).pipe(
    Context.add(Leadership.Leadership, leadership),
    Context.add(Fences.Fences, fences)
  )

/**
 * `Group` and `Leadership` of one group, with settings from code alone.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options): Layer.Layer<Services, EtcdError, HttpClient.HttpClient> =>
  Layer.effectContext(Effect.map(make(options), services))

/**
 * The options that the configuration gives: `BELLWETHER_GROUP` and the others as on a LAN, `BELLWETHER_ADVERTISE`,
 * `BELLWETHER_LEASE_DURATION`, and `BELLWETHER_ETCD_ENDPOINTS` (with commas between them), `BELLWETHER_ETCD_USERNAME`,
 * `BELLWETHER_ETCD_PASSWORD`, `BELLWETHER_ETCD_PREFIX`.
 *
 * @category configuration
 * @since 0.1.0
 */
export const config: Config.Config<Options> = Config.map(
  RegistryConfig.make("etcd", EtcdOptions.settings),
  // Which of them must be there is checked where all are read, and said in one way.
  (given) => ({ endpoints: [], ...given })
)

/**
 * The same, with options from the `ConfigProvider`: from `BELLWETHER_*` unless said otherwise.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (
  options: Config.Wrap<Options> = config
): Layer.Layer<Services, EtcdError | Config.ConfigError, HttpClient.HttpClient> =>
  Layer.effectContext(Effect.map(Effect.flatMap(Settings.fromConfig(options), make), services))

/**
 * Within leading work: what a transaction of etcd must be conditional on, so that only this very reign writes. An election that has
 * a name is given by {@link fenceOf}. It asks etcd, so ask once a reign; it fails with `EtcdRefused` where etcd does not answer.
 *
 * @category fencing
 * @since 0.1.0
 */
export const fence: Effect.Effect<
  Fences.Fence,
  Leadership.NotLeading | EtcdRefused,
  Leadership.Reign | Fences.Fences
> = Effect.flatMap(Fences.Fences, (fences) => fences.of(""))

/**
 * The same in a named election.
 *
 * @category fencing
 * @since 0.1.0
 */
export const fenceOf = (
  election: string
): Effect.Effect<Fences.Fence, Leadership.NotLeading | EtcdRefused, Leadership.Reign | Fences.Fences> =>
  Effect.flatMap(Fences.Fences, (fences) => fences.of(election))
