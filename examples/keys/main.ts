/**
 * `npm run example keys`, in as many terminals as you like: the carts are spread over them. Stop one with Ctrl-C, and the
 * others open its carts.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServer from "bellwether/NodeServer"
import { Effect } from "effect"
import { carts } from "./Carts.ts"

carts.pipe(
  // The settings come from BELLWETHER_*.
  Effect.provide(NodeServer.layerConfig()),
  NodeRuntime.runMain()
)
