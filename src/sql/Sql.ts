/**
 * Groups in Postgres, for those who have outgrown a LAN and have a database: `Group` and `Leadership` with the same meaning, kept in
 * tables of Postgres 13 or later, over any `SqlClient` for it, such as that of `@effect/sql-pg`.
 *
 * ```ts
 * import * as PgClient from "@effect/sql-pg/PgClient"
 * import * as Sql from "bellwether/Sql"
 * import * as Effect from "effect/Effect"
 * import * as Redacted from "effect/Redacted"
 * import { Leadership } from "bellwether"
 *
 * const program = Leadership.Leadership.use((leadership) => leadership.whileLeader(Effect.log("we lead")))
 *
 * export const main = program.pipe(
 *   Effect.provide(Sql.layer({ group: "orders" })),
 *   Effect.provide(PgClient.layer({ url: Redacted.make("postgres://orders@10.0.0.1/orders"), maxConnections: 4 }))
 * )
 * ```
 *
 * What a database cannot do is not there: an app that needs `Inbox`, `Publishing` or `Members` does not compile against these layers.
 *
 * @since 0.1.0
 */
import type * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import type * as SqlError from "effect/sql/SqlError"
import * as RegistryConfig from "../registry/RegistryConfig.ts"
import * as RegistryOptions from "../registry/RegistryOptions.ts"
import * as RegistryServer from "../registry/RegistryServer.ts"
import * as Group from "../server/Group.ts"
import * as Leadership from "../server/Leadership.ts"
import type { SettingRefused } from "../settings/SettingRefused.ts"
import * as Settings from "../settings/Settings.ts"
import * as Fences from "./Fences.ts"
import * as SqlFailed from "./SqlFailed.ts"
import * as SqlOptions from "./SqlOptions.ts"
import { SqlRefused } from "./SqlRefused.ts"
import * as SqlRegistry from "./SqlRegistry.ts"
import * as SqlStart from "./SqlStart.ts"
import * as Statements from "./Statements.ts"

export type { SqlOptions } from "./SqlOptions.ts"

export { SqlRefused } from "./SqlRefused.ts"

export { Fences } from "./Fences.ts"

export { migrations } from "./Migrations.ts"

/**
 * The options of a server: those of its group, and how the database keeps it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends RegistryOptions.Options, SqlOptions.SqlOptions {}

/**
 * What a server in Postgres is to its app.
 *
 * @category models
 * @since 0.1.0
 */
export interface SqlServer {
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
export type SqlServerError = SettingRefused | SqlRefused

/** A database that is away is told of, and tried again by what needs it. */
const started = (
  start: SqlRegistry.SqlRegistry["start"],
  leaseDuration: Duration.Duration
): Effect.Effect<void, SqlRefused> => {
  const bounded = Statements.within(
    SqlRegistry.limitOf(leaseDuration),
    Effect.catchTag(start, "SqlRefused", (refused) => Effect.succeed(refused))
  )
  return Effect.matchEffect(bounded, {
    onSuccess: (refused) => refused instanceof SqlRefused ? Effect.fail(refused) : Effect.void,
    onFailure: (failed) =>
      SqlFailed.refusal(failed) ?? Effect.logWarning(`the database is waited for: ${failed.message}`)
  })
}

/**
 * Starts a server. Where the database is away, it is told in the log after a sixth of `leaseDuration` at most, and tried until it is
 * there; what waiting cannot mend fails. When the scope closes, leading work is ended and the session given up: that takes
 * `stopTimeout` and a second at most.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fn("Sql.start")(function*(
  options: Options
): Effect.fn.Return<SqlServer, SqlServerError, Scope.Scope | SqlClient.SqlClient> {
  const read = yield* SqlOptions.read(options)
  const { leaseDuration, pollInterval, schema } = read
  const { settings: { group: name, stopTimeout } } = yield* RegistryOptions.read(
    options,
    leaseDuration,
    SqlOptions.keys
  )
  const sql = yield* SqlClient.SqlClient
  yield* SqlStart.dialect(sql)
  const { registry, session, start } = SqlRegistry.make({ ...read, sql, group: name })
  yield* started(start, leaseDuration)
  const { group, leadership } = yield* RegistryServer.make(options, registry, {
    name: "sql",
    leaseDuration,
    lag: SqlRegistry.lagOf(pollInterval),
    others: SqlOptions.keys
  })
  const limit = Math.round(Duration.toMillis(leaseDuration))
  const patience = Duration.times(stopTimeout, 0.5)
  return { group, leadership, fences: Fences.make({ schema, group: name, limit, patience, session }) }
})

const services = ({ fences, group, leadership }: SqlServer): Context.Context<Services> =>
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
export const layer = (options: Options = {}): Layer.Layer<Services, SqlServerError, SqlClient.SqlClient> =>
  Layer.effectContext(Effect.map(make(options), services))

/**
 * The options that the configuration gives: `BELLWETHER_GROUP` and the others as on a LAN, `BELLWETHER_ADVERTISE`,
 * `BELLWETHER_LEASE_DURATION`, and `BELLWETHER_SQL_SCHEMA`, `BELLWETHER_SQL_MIGRATE`, `BELLWETHER_SQL_POLL_INTERVAL`.
 *
 * @category configuration
 * @since 0.1.0
 */
export const config: Config.Config<Options> = RegistryConfig.make("sql", SqlOptions.settings)

/**
 * The same, with options from the `ConfigProvider`: from `BELLWETHER_*` unless said otherwise.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (
  options: Config.Wrap<Options> = config
): Layer.Layer<Services, SqlServerError | Config.ConfigError, SqlClient.SqlClient> =>
  Layer.effectContext(Effect.map(Effect.flatMap(Settings.fromConfig(options), make), services))

/**
 * Within leading work: runs an effect in a transaction of the `SqlClient`, if this very reign still lasts by the database's clock;
 * fails with `NotLeading` else, and then has changed nothing. Until the transaction is over no other server leads.
 *
 * The `SqlClient` must be one of the database that keeps the group. From the beginning on, the database ends the transaction where
 * it hears nothing of it for `leaseDuration`, and each statement that takes or waits longer; a shorter limit that is set stays. Keep
 * to statements in it: what else the effect does is not undone. It has an election's name in {@link fencedOf}.
 *
 * @category fencing
 * @since 0.1.0
 */
export const fenced = <A, E, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<
  A,
  E | Leadership.NotLeading | SqlError.SqlError,
  R | Leadership.Reign | Fences.Fences | SqlClient.SqlClient
> => fencedOf("", effect)

/**
 * The same in a named election.
 *
 * @category fencing
 * @since 0.1.0
 */
export const fencedOf = <A, E, R>(
  election: string,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<
  A,
  E | Leadership.NotLeading | SqlError.SqlError,
  R | Leadership.Reign | Fences.Fences | SqlClient.SqlClient
> => Effect.flatMap(Fences.Fences, ({ within }) => within(election, effect))
