/** Where a group can be. The app stays as it is: one layer differs. Each is loaded where it is asked for. */
import type { Group, Leadership } from "bellwether"
import { Config, Effect, Layer, Schema } from "effect"

type Backend = Effect.Effect<Layer.Layer<Group.Group | Leadership.Leadership, unknown>>

/** On the LAN: multicast, or with `BELLWETHER_MULTICAST=off` and `BELLWETHER_SEEDS` by the addresses of some servers. */
const lan: Backend = Effect.map(
  Effect.promise(() => import("bellwether/NodeServer")),
  (NodeServer) => NodeServer.layerConfig()
)

/** In etcd, at `BELLWETHER_ETCD_ENDPOINTS`. */
const etcd: Backend = Effect.map(
  Effect.promise(() => import("bellwether/NodeEtcd")),
  (NodeEtcd) => NodeEtcd.layerConfig()
)

/** In Postgres, at `DATABASE_URL`. */
const sql: Backend = Effect.map(
  Effect.promise(() => Promise.all([import("bellwether/Sql"), import("@effect/sql-pg/PgClient")])),
  ([Sql, PgClient]) =>
    Sql.layerConfig().pipe(Layer.provide(PgClient.layerConfig({ url: Config.Redacted("DATABASE_URL") })))
)

/** On the LAN and in etcd at once, while the group moves from the one to the other. */
const both: Backend = Effect.gen(function*() {
  const Moving = yield* Effect.promise(() => import("bellwether/Moving"))
  return Moving.layer(yield* lan, yield* etcd)
})

const backends = { multicast: lan, seeds: lan, etcd, sql, "multicast+etcd": both } as const

const name = Config.schema(Schema.Literals(["multicast", "seeds", "etcd", "sql", "multicast+etcd"]), "BACKEND")

/** The one that `BACKEND` names. */
export const layer = Layer.unwrap(
  Effect.flatMap(Config.withDefault(name, "multicast"), (name) => backends[name])
)
