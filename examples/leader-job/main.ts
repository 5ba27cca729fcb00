/**
 * A job that runs on one server at a time. Start it in two terminals, then stop the one that leads:
 *
 *     npm run example leader-job first
 *     npm run example leader-job second
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Group, Leadership } from "bellwether"
import * as NodeServer from "bellwether/NodeServer"
import { Cause, Config, Console, Effect, Exit, Layer, Runtime } from "effect"
import { job } from "./Job.ts"
import * as Ledger from "./Ledger.ts"

const program = Effect.gen(function*() {
  const group = yield* Group.Group
  const leadership = yield* Leadership.Leadership
  const { id, name } = yield* group.self
  const by = process.argv[2] ?? `${name} ${id.slice(0, 4)}`
  yield* Console.log(`${by} is there`)
  // Should the server's own fibers die again and again, this ends the program instead of leaving it running without a group.
  return yield* Effect.raceFirst(leadership.whileLeader(job(by)), group.failed)
})

const ledger = Layer.unwrap(
  Effect.map(Config.String("LEDGER").pipe(Config.withDefault("ledger.jsonl")), Ledger.layer)
).pipe(Layer.provide(NodeFileSystem.layer))

// SIGINT and SIGTERM interrupt the program: the job is closed, then the server says goodbye. That is a success.
const teardown: Runtime.Teardown = (exit, onExit) =>
  Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause) ? onExit(0) : Runtime.defaultTeardown(exit, onExit)

program.pipe(
  // The settings come from BELLWETHER_*; `NodeServer.layer({ group: "rounds" })` would take them from here.
  Effect.provide([NodeServer.layerConfig(), ledger]),
  NodeRuntime.runMain({ teardown })
)
