/**
 * `BELLWETHER_LEADERSHIP=lease BELLWETHER_GROUP_SIZE=3 RUNNER_PORT=34431 npm run example cluster first`, then the same with another
 * name and port in two more terminals: six counters are spread over the three. Stop one with Ctrl-C, or kill it, and the others have
 * its counters.
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeCluster from "bellwether/NodeCluster"
import { Config, Effect, Layer, Option } from "effect"
import * as RunnerAddress from "effect/cluster/RunnerAddress"
import * as Counters from "./Counters.ts"

const [name = "one"] = process.argv.slice(2)

const main = Effect.gen(function*() {
  const port = yield* Config.withDefault(Config.Port("RUNNER_PORT"), 34_431)
  const path = yield* Config.withDefault(Config.String("COUNTERS"), "counters.jsonl")
  const shardingConfig = {
    runnerAddress: Option.some(RunnerAddress.make("localhost", port)),
    shardsPerGroup: 30
  }
  // The settings of the server come from BELLWETHER_*.
  const cluster = NodeCluster.layer({ shardingConfig })
  const layer = Layer.provideMerge(Counters.layer(path, name), cluster)
  return yield* Effect.provide(Counters.count, layer)
})

main.pipe(
  Effect.provide(NodeFileSystem.layer),
  NodeRuntime.runMain()
)
