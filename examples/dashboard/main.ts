/**
 * `npm run example dashboard`, beside the servers of a group in other terminals, such as those of `npm run example leader-job`.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeObserver from "bellwether/NodeObserver"
import { Effect } from "effect"
import { dashboard } from "./Dashboard.ts"

dashboard.pipe(
  // The settings come from BELLWETHER_*.
  Effect.provide(NodeObserver.layerConfig()),
  NodeRuntime.runMain()
)
