/**
 * One app whose group is where `BACKEND` says: `multicast`, `seeds`, `etcd` or `sql`; or `multicast+etcd`, while it moves. Start it in
 * several terminals, then stop the one that leads:
 *
 *     BACKEND=multicast npm run example backends first
 *     BACKEND=etcd BELLWETHER_ETCD_ENDPOINTS=http://127.0.0.1:2379 npm run example backends first
 *     BACKEND=sql DATABASE_URL=postgres://me@127.0.0.1/mine npm run example backends first
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Cause, Effect, Exit, Runtime } from "effect"
import * as Backends from "./Backends.ts"
import { app } from "./Rounds.ts"

// SIGINT and SIGTERM interrupt the program: the work ends, then the server leaves. That is a success.
const teardown: Runtime.Teardown = (exit, onExit) =>
  Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause) ? onExit(0) : Runtime.defaultTeardown(exit, onExit)

app(process.argv[2] ?? "one").pipe(
  Effect.provide(Backends.layer),
  NodeRuntime.runMain({ teardown })
)
