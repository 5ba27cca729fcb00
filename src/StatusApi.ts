/**
 * The HTTP API of a server, to be served beside an app's own routes:
 *
 * ```ts
 * import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
 * import * as NodeServer from "bellwether/NodeServer"
 * import * as StatusApi from "bellwether/StatusApi"
 * import * as HttpRouter from "effect/http/HttpRouter"
 * import * as HttpServerResponse from "effect/http/HttpServerResponse"
 * import * as Layer from "effect/Layer"
 * import { createServer } from "node:http"
 *
 * const routes = Layer.merge(
 *   HttpRouter.add("GET", "/orders", HttpServerResponse.text("none yet")),
 *   StatusApi.layer()
 * )
 *
 * export const app = HttpRouter.serve(routes).pipe(
 *   Layer.provide(NodeServer.layer({ group: "orders" })),
 *   Layer.provide(NodeHttpServer.layer(createServer, { host: "127.0.0.1", port: 3000, gracefulShutdownTimeout: "1 second" }))
 * )
 * ```
 *
 * The contract alone, for clients, is `Api`; `bellwether/StatusClient` is a client of it.
 *
 * @since 0.1.0
 */
export {
  /**
   * The whole contract.
   *
   * @category api
   * @since 0.1.0
   */
  Api
} from "./status/http/Contract.ts"

export {
  /**
   * Adds the routes of the API to an app's router.
   *
   * @category layers
   * @since 0.1.0
   */
  layer,
  /**
   * What the routes need.
   *
   * @category models
   * @since 0.1.0
   */
  type Needed,
  /**
   * Who may do what.
   *
   * @category models
   * @since 0.1.0
   */
  type Options
} from "./status/http/Routes.ts"
