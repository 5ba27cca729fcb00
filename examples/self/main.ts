/**
 * `BELLWETHER_NAME=first npm run example self` in one terminal, `BELLWETHER_NAME=second npm run example self` in another: each begins
 * with a cold cache, which is warm after five seconds, and does so again and again.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServer from "bellwether/NodeServer"
import { Effect, Schedule } from "effect"
import { warmUp, watch } from "./Warming.ts"

const warming = Effect.repeat(warmUp(Effect.sleep("5 seconds")), Schedule.spaced("20 seconds"))

Effect.raceFirst(watch, warming).pipe(
  // The settings come from BELLWETHER_*.
  Effect.provide(NodeServer.layerConfig()),
  NodeRuntime.runMain()
)
