/**
 * An app that serves routes of its own and Bellwether's from one port, here 3000 and 3001:
 *
 *     npm run example orders-api 3000
 *     npm run example orders-api 3001
 *
 *     curl -X POST http://127.0.0.1:3000/orders
 *     curl http://127.0.0.1:3000/health/leader
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Leadership } from "bellwether"
import * as NodeServer from "bellwether/NodeServer"
import { Config, Effect, Layer, Option } from "effect"
import { HttpRouter } from "effect/http"
import { createServer } from "node:http"
import { routes } from "./Orders.ts"

const port = Number(process.argv[2] ?? 3_000)

const http = Layer.unwrap(Effect.gen(function*() {
  const token = yield* Config.option(Config.Redacted("TOKEN"))
  return HttpRouter.serve(routes(Option.getOrUndefined(token)), { disableLogger: true })
}))

// On SIGTERM another copy leads first, then requests are served to their end, then this server leaves.
const app = Leadership.drainBefore(http).pipe(
  Layer.provide(NodeServer.layerConfig()),
  // Open streams of events would hold the goodbye to the group for 20 s.
  Layer.provide(
    NodeHttpServer.layer(createServer, { host: "127.0.0.1", port, gracefulShutdownTimeout: "5 seconds" })
  )
)

NodeRuntime.runMain(Layer.launch(app))
