/**
 * `npm run example spread-jobs`, in as many terminals as you like: the jobs are spread over them. Stop one with
 * Ctrl-C, and the others take its jobs over.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServer from "bellwether/NodeServer"
import { Effect } from "effect"
import { jobs } from "./Jobs.ts"

jobs.pipe(
  // The settings come from BELLWETHER_*.
  Effect.provide(NodeServer.layerConfig()),
  NodeRuntime.runMain()
)
