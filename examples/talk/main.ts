/**
 * `npm run example talk`, in as many terminals as you like: each server takes apples from the leader, and all hear how many are
 * left. Stop the leader with Ctrl-C, and the next one answers.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServer from "bellwether/NodeServer"
import { Effect } from "effect"
import { server } from "./Stock.ts"

server.pipe(
  // The settings come from BELLWETHER_*.
  Effect.provide(NodeServer.layerConfig()),
  NodeRuntime.runMain()
)
