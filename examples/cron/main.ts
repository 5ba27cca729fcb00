/**
 * `npm run example cron`, in three terminals with a lease, so that no report is ever written twice:
 *
 *     BELLWETHER_LEADERSHIP=lease BELLWETHER_GROUP_SIZE=3 npm run example cron
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServer from "bellwether/NodeServer"
import { Effect } from "effect"
import { reports } from "./Report.ts"

reports.pipe(
  // The settings come from BELLWETHER_*.
  Effect.provide(NodeServer.layerConfig()),
  NodeRuntime.runMain()
)
