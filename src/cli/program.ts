/**
 * The program, and how it is run. Importing this file runs it. What it is asked for is loaded when it is known.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as NodeInterfaces from "../transport/node/NodeInterfaces.ts"
import * as NodeKeyFile from "../transport/node/NodeKeyFile.ts"
import * as Exit from "./exit.ts"
import * as Output from "./output.ts"
import * as Plain from "./plain.ts"
import * as Serving from "./serving.ts"
import * as Signals from "./signals.ts"

const words = process.argv.slice(2)

/** One of the servers that `demo` starts. */
const demoServer = Effect.gen(function*() {
  const { serve } = yield* Effect.promise(() => import("./demo/server.ts"))
  return yield* serve
})

/** A program that is asked only to serve need not load all that a command line can be. */
const serve = (plain: Plain.Plain) => Serving.serving({ ...plain, backend: Option.none(), etcd: {} })

const command = Effect.gen(function*() {
  const { run } = yield* Effect.promise(() => import("./commands.ts"))
  return yield* run(words)
})

const program = Effect.suspend(() => {
  if (words[0] === Plain.demoServer) return demoServer
  const plain = Plain.read(words)
  return plain === undefined ? command : serve(plain)
})

program.pipe(
  Effect.tapCause(Exit.explain),
  Output.written,
  Signals.stoppable,
  Effect.provideService(Console.Console, Output.printing),
  Effect.provide([NodeInterfaces.layer, NodeKeyFile.layer]),
  // An empty variable is judged like an empty flag: it was set, so it is not passed over.
  Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ preserveEmptyStrings: true })),
  Effect.provideService(Logger.LogToStderr, true),
  NodeRuntime.runMain({ disableErrorReporting: true, teardown: Exit.teardown })
)
