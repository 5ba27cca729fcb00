/**
 * Partitions that are spread over three servers. Start it in three terminals, and kill one:
 *
 *     npm run example partitions one
 *     npm run example partitions two
 *     npm run example partitions three
 *
 * With more load, start more of them, without a vote: they get their share of the partitions, and may go at any time.
 *
 *     BELLWETHER_VOTES=off npm run example partitions four
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as NodeServer from "bellwether/NodeServer"
import { Config, ConfigProvider, Effect, Layer } from "effect"
import * as Ledger from "./Ledger.ts"
import { orders } from "./Orders.ts"

const ledger = Layer.unwrap(
  Effect.map(Config.String("ORDERS").pipe(Config.withDefault("orders")), Ledger.layer)
).pipe(Layer.provide(NodeServices.layer))

// Partitions need leases, and leases the number of servers. All other settings come from BELLWETHER_*.
const defaults = ConfigProvider.layerAdd(ConfigProvider.fromEnv({
  env: { BELLWETHER_PROFILE: "fast", BELLWETHER_LEADERSHIP: "lease", BELLWETHER_GROUP_SIZE: "3" }
}))

orders(process.argv[2] ?? `server ${process.pid}`).pipe(
  Effect.provide([NodeServer.layerConfig(), ledger]),
  Effect.provide(defaults),
  NodeRuntime.runMain()
)
