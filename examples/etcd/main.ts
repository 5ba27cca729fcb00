/**
 * A job that runs on one of several servers, in any networks: their group is in etcd. With an etcd on this host, start it in two
 * terminals, then stop the one that leads:
 *
 *     BELLWETHER_ETCD_ENDPOINTS=http://127.0.0.1:2379 npm run example etcd first
 *     BELLWETHER_ETCD_ENDPOINTS=http://127.0.0.1:2379 npm run example etcd second
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Group, Leadership } from "bellwether"
import * as NodeEtcd from "bellwether/NodeEtcd"
import { Cause, Console, Effect, Exit, Runtime } from "effect"
import { rounds } from "./Rounds.ts"

const program = Effect.gen(function*() {
  const group = yield* Group.Group
  const leadership = yield* Leadership.Leadership
  const { endpoints: [endpoint = ""] } = yield* NodeEtcd.config
  const by = process.argv[2] ?? (yield* group.self).name
  yield* Console.log(`${by} is there`)
  return yield* Effect.raceFirst(leadership.whileLeader(rounds(endpoint, by)), group.failed)
})

// SIGINT and SIGTERM interrupt the program: the job ends, then the server gives its session up. That is a success.
const teardown: Runtime.Teardown = (exit, onExit) =>
  Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause) ? onExit(0) : Runtime.defaultTeardown(exit, onExit)

program.pipe(
  // The settings come from BELLWETHER_*; on a LAN this line is `NodeServer.layerConfig()`, and nothing else differs but the fence.
  Effect.provide([NodeEtcd.layerConfig(), NodeEtcd.layerClient()]),
  NodeRuntime.runMain({ teardown })
)
