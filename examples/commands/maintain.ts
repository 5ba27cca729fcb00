/**
 * `node examples/commands/maintain.ts first`: from now on `first` does not lead, for an hour.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as NodeServer from "bellwether/NodeServer"
import { Effect, Layer } from "effect"
import { prepare } from "./Maintenance.ts"

prepare(process.argv[2] ?? "first").pipe(
  Effect.provide(Layer.merge(NodeServices.layer, NodeServer.layerDatagrams)),
  NodeRuntime.runMain
)
