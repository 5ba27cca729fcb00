/**
 * A runner for tests, whose messages are in Postgres and whose locks are in its group. It has jobs, which are persisted messages, and
 * orders, which are workflows of two steps; and it says in lines what it does of them. With `SENDS` it asks for one of each.
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
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import * as Activity from "effect/workflow/Activity"
import * as Workflow from "effect/workflow/Workflow"
import * as NodeCluster from "../../src/NodeCluster.ts"

const [name = "one", port = "34431"] = process.argv.slice(2)
const say = (what: string) => Console.log(`${name} ${what}`)

/** Long enough for the test to kill it in the middle. */
const slowly = Effect.sleep("4 seconds")

const Job = Entity.make("Job", [
  Rpc.make("Run", { payload: { id: Schema.String }, success: Schema.Void }).annotate(ClusterSchema.Persisted, true)
])

const jobs = Job.toLayer(Effect.succeed({
  Run: ({ payload: { id } }: { readonly payload: { readonly id: string } }) =>
    say(`begins the job ${id}`).pipe(Effect.andThen(slowly), Effect.andThen(say(`has done the job ${id}`)))
}))

const Order = Workflow.make("Order", { payload: { id: Schema.String }, idempotencyKey: ({ id }) => id })

const orders = Order.toLayer(({ id }) =>
  Effect.gen(function*() {
    yield* Activity.make({ name: "Reserve", execute: say(`reserves for ${id}`) })
    yield* Activity.make({
      name: "Ship",
      execute: say(`ships ${id}`).pipe(Effect.andThen(slowly), Effect.andThen(say(`has shipped ${id}`)))
    })
  })
)

const config: Partial<ShardingConfig.ShardingConfig["Service"]> = {
  runnerAddress: Option.some(RunnerAddress.make("127.0.0.1", Number(port))),
  shardsPerGroup: 30,
  entityMessagePollInterval: "1 second"
}

const messages = SqlMessageStorage.layer.pipe(
  Layer.provide([
    PgClient.layer({ url: Redacted.make(process.env["DATABASE"]!), maxConnections: 4 }),
    NodeCrypto.layerDigest,
    ShardingConfig.layer(config)
  ])
)

const asks = Effect.gen(function*() {
  const job = (yield* Job.client)(EntityId.make("only"))
  yield* job.Run({ id: "1" }, { discard: true })
  yield* Order.execute({ id: "7" }, { discard: true })
  yield* say("has asked")
})

const app = Effect.andThen(process.env["SENDS"] === undefined ? Effect.void : asks, Effect.never)

const cluster = ClusterWorkflowEngine.layer.pipe(
  Layer.provideMerge(NodeCluster.layerWith({ shardingConfig: config })),
  Layer.provideMerge(messages)
)

void Effect.runPromise(Effect.provide(app, Layer.provideMerge(Layer.mergeAll(jobs, orders), cluster)))
