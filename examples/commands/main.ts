/**
 * `BELLWETHER_NAME=first npm run example commands` in one terminal, `BELLWETHER_NAME=second npm run example commands` in another:
 * each prints who leads, and what it is commanded. Then `node examples/commands/maintain.ts first` in a third one.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Group } from "bellwether"
import * as NodeServer from "bellwether/NodeServer"
import { Console, Effect, Stream } from "effect"

const show = Effect.gen(function*() {
  const group = yield* Group.Group
  yield* Stream.runForEach(group.events, (event) =>
    event.event === "Commanded"
      ? Console.log(`${event.by} commands ${event.command}: ${event.outcome}`)
      : event.event === "LeaderChanged"
      ? Console.log(`${event.leader?.name ?? "nobody"} leads`)
      : Effect.void)
})

show.pipe(
  // The settings come from BELLWETHER_*.
  Effect.provide(NodeServer.layerConfig()),
  NodeRuntime.runMain()
)
