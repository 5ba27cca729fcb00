/**
 * A job that runs on one of several servers, in any networks: their group is in Postgres. With a database that you may make tables in,
 * start it in two terminals, then stop the one that leads:
 *
 *     DATABASE_URL=postgres://me:secret@127.0.0.1/me npm run example sql first
 *     DATABASE_URL=postgres://me:secret@127.0.0.1/me npm run example sql second
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as PgClient from "@effect/sql-pg/PgClient"
import { Group, Leadership } from "bellwether"
import * as Sql from "bellwether/Sql"
import { Cause, Config, Console, Effect, Exit, Layer, Runtime } from "effect"
import { rounds } from "./Rounds.ts"

const program = Effect.gen(function*() {
  const group = yield* Group.Group
  const leadership = yield* Leadership.Leadership
  const by = process.argv[2] ?? (yield* group.self).name
  yield* Console.log(`${by} is there`)
  return yield* Effect.raceFirst(leadership.whileLeader(rounds(by)), group.failed)
})

const database = (maxConnections: number) =>
  PgClient.layerConfig(Config.map(Config.Redacted("DATABASE_URL"), (url) => ({ url, maxConnections })))

// SIGINT and SIGTERM interrupt the program: the job ends, then the server gives its session up. That is a success.
const teardown: Runtime.Teardown = (exit, onExit) =>
  Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause) ? onExit(0) : Runtime.defaultTeardown(exit, onExit)

program.pipe(
  // The group has a pool of its own, so that the app cannot take its connections. The settings come from BELLWETHER_*.
  Effect.provide([Layer.provide(Sql.layerConfig(), database(4)), Layer.fresh(database(10))]),
  NodeRuntime.runMain({ teardown })
)
