/**
 * A chat. A server in one terminal, or several on several hosts, and people in others:
 *
 *     npm run example chat host
 *     npm run example chat alice
 *     npm run example chat bob
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeStdio from "@effect/platform-node/NodeStdio"
import * as NodeClient from "bellwether/NodeClient"
import * as NodeServer from "bellwether/NodeServer"
import { Cause, ConfigProvider, Effect, Exit, Runtime, Stdio, Stream } from "effect"
import { host, talk } from "./Chat.ts"

const name = process.argv[2] ?? "somebody"

const person = Effect.gen(function*() {
  const { stdin } = yield* Stdio.Stdio
  yield* talk(stdin.pipe(Stream.decodeText, Stream.splitLines))
}).pipe(
  Effect.provide([NodeClient.layerConfig(), NodeStdio.layer]),
  // The name comes from the command line, all else from BELLWETHER_*.
  Effect.provideService(
    ConfigProvider.ConfigProvider,
    ConfigProvider.orElse(ConfigProvider.fromEnv({ env: { BELLWETHER_NAME: name } }), ConfigProvider.fromEnv())
  )
)

// SIGINT and SIGTERM: a goodbye, and a success.
const teardown: Runtime.Teardown = (exit, onExit) =>
  Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause) ? onExit(0) : Runtime.defaultTeardown(exit, onExit)

const program: Effect.Effect<void, unknown> = name === "host" ? Effect.provide(host, NodeServer.layerConfig()) : person

NodeRuntime.runMain(program, { teardown })
