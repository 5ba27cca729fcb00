/**
 * `npm run example two-groups`, in as many terminals as you like.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServer from "bellwether/NodeServer"
import { Effect, Layer } from "effect"
import { layer, program } from "./TwoGroups.ts"

program.pipe(
  Effect.provide(Layer.provide(layer(), NodeServer.layerDatagrams)),
  NodeRuntime.runMain()
)
