/** The example's counters on a host of its own: the runner's address is that of its server. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodeCluster from "bellwether/NodeCluster"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Counters from "../../examples/cluster/Counters.ts"

const [name = "one", path = "counters.jsonl"] = process.argv.slice(2)

const cluster = NodeCluster.layer({ shardingConfig: { shardsPerGroup: 30 } })

const app = Counters.layer(path, name).pipe(Layer.provideMerge(cluster), Layer.provideMerge(NodeFileSystem.layer))

void Effect.runPromise(Effect.provide(Counters.count, app))
