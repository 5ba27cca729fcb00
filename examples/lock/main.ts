/**
 * A file that one process at a time appends to. Start it in three terminals, `first`, `second` and `third`, with leases, which locks
 * need; then kill one of them in the middle of an entry:
 *
 *     export BELLWETHER_LEADERSHIP=lease BELLWETHER_GROUP_SIZE=3 BELLWETHER_PROFILE=fast
 *     npm run example lock first
 *
 * The others go on when the lock of the killed one is over, within seven seconds.
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Group } from "bellwether"
import * as NodeServer from "bellwether/NodeServer"
import { Config, Console, Effect } from "effect"
import { journal } from "./Journal.ts"

const program = Effect.gen(function*() {
  const group = yield* Group.Group
  const path = yield* Config.String("JOURNAL").pipe(Config.withDefault("journal.jsonl"))
  const by = process.argv[2] ?? (yield* group.self).name
  yield* Console.log(`${by} is there`)
  return yield* Effect.raceFirst(journal(path, by), group.failed)
})

program.pipe(
  // The settings come from BELLWETHER_*.
  Effect.provide([NodeServer.layerConfig(), NodeFileSystem.layer]),
  NodeRuntime.runMain()
)
