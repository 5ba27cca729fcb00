/**
 * A runner for tests whose messages are kept in Postgres, while its group holds the locks. It sends every order and starts the one
 * shipment, as the other runners do; each step of those writes a row, and waits for a row in `gate` before it is over.
 */
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as ClusterSchema from "effect/cluster/ClusterSchema"
import * as ClusterWorkflowEngine from "effect/cluster/ClusterWorkflowEngine"
import * as Entity from "effect/cluster/Entity"
import * as EntityId from "effect/cluster/EntityId"
import * as RunnerAddress from "effect/cluster/RunnerAddress"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as SqlMessageStorage from "effect/cluster/SqlMessageStorage"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Rpc from "effect/rpc/Rpc"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import * as Activity from "effect/workflow/Activity"
import * as Workflow from "effect/workflow/Workflow"
import * as NodeCluster from "../../src/NodeCluster.ts"

const runner = process.env["RUNNER"]!
const orders = Array.from({ length: Number(process.env["ORDERS"]) }, (_, index) => `order ${index}`)

const Order = Entity.make("Order", [
  Rpc.make("Pay", { payload: { id: Schema.String }, primaryKey: ({ id }) => id })
]).annotateRpcs(ClusterSchema.Persisted, true)

const Shipment = Workflow.make("Shipment", { payload: { id: Schema.String }, idempotencyKey: ({ id }) => id })

const sql = SqlClient.SqlClient

const note = (what: string, step: string) =>
  sql.use((sql) => sql`INSERT INTO steps (what, step, runner) VALUES (${what}, ${step}, ${runner})`)

const gate = sql.use((sql) => sql`SELECT 1 FROM gate`).pipe(
  Effect.repeat({ until: ({ length }) => length > 0, schedule: Schedule.spaced("200 millis") })
)

const step = (what: string, name: string) => Effect.orDie(Effect.asVoid(note(what, name)))

const paid = Order.toLayer(
  Effect.gen(function*() {
    const services = yield* Effect.context<SqlClient.SqlClient>()
    return {
      Pay: ({ payload: { id } }) =>
        step(id, "begun").pipe(
          Effect.andThen(Effect.orDie(gate)),
          Effect.andThen(step(id, "paid")),
          Effect.provideContext(services)
        )
    }
  }),
  { concurrency: 1 }
)

const shipped = Shipment.toLayer(Effect.fnUntraced(function*({ id }) {
  yield* Activity.make({ name: "Pack", execute: step(id, "packed") })
  yield* Activity.make({
    name: "Send",
    execute: Effect.andThen(step(id, "sending"), Effect.andThen(Effect.orDie(gate), step(id, "sent")))
  })
}))

const app = Effect.gen(function*() {
  const client = yield* Order.client
  yield* Effect.forEach(orders, (id) => client(EntityId.make(id)).Pay({ id }, { discard: true }), { discard: true })
  yield* Shipment.execute({ id: "shipment" }, { discard: true })
  process.stdout.write("sent\n")
  return yield* Effect.never
})

const shardingConfig = {
  runnerAddress: Option.some(RunnerAddress.make("127.0.0.1", Number(process.env["RUNNER_PORT"]))),
  shardsPerGroup: 30,
  entityMessagePollInterval: "500 millis"
} as const

const pool = PgClient.layer({ url: Redacted.make(process.env["DATABASE"]!), maxConnections: 6 })

const storage = SqlMessageStorage.layer.pipe(
  Layer.provide([NodeCrypto.layerDigest, ShardingConfig.layerFromEnv(shardingConfig)])
)

const layer = Layer.merge(paid, shipped).pipe(
  Layer.provideMerge(ClusterWorkflowEngine.layer),
  Layer.provideMerge(NodeCluster.layerWith({ shardingConfig })),
  Layer.provideMerge(storage),
  Layer.provideMerge(pool)
)

void Effect.runPromise(Effect.provide(app, layer))
