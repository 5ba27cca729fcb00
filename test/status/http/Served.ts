/** A simulated group whose servers answer over HTTP on real sockets. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { createServer } from "node:http"
import * as Group from "../../../src/server/Group.ts"
import * as Leadership from "../../../src/server/Leadership.ts"
import * as Publishing from "../../../src/server/Publishing.ts"
import * as StatusApi from "../../../src/StatusApi.ts"
import * as StatusClient from "../../../src/StatusClient.ts"
import { SimulatedGroup } from "../../../src/testing/index.ts"

export const token = Redacted.make("0123456789abcdef")

/** Two servers that are settled, the second of which leads, and the API of one of them at an address of its own. */
export const served = Effect.fnUntraced(function*(
  { group: seen = (group) => group, idleFor = 0, index = 1, options = { token }, ...settings }: {
    /** The group as the API sees it. */
    readonly group?: (group: Group.GroupShape) => Group.GroupShape
    /** After how many ms a connection is closed on which nothing moves; 0 for never. */
    readonly idleFor?: number
    readonly index?: number
    readonly options?: StatusApi.Options
    readonly leadership?: "lease"
    readonly groupSize?: number
  } = {}
) {
  const group = yield* SimulatedGroup.make({
    servers: 2,
    seed: "api",
    settings: (index) => ({ profile: "fast", priority: index, name: `server-${index}`, ...settings })
  })
  yield* group.settle()
  const server = yield* group.server(index)
  const services = Layer.mergeAll(
    Layer.succeed(Group.Group, seen(server.group)),
    Layer.succeed(Leadership.Leadership, server.leadership),
    Layer.succeed(Publishing.Publishing, server.publishing)
  )
  const own = HttpRouter.add("GET", "/own", HttpServerResponse.text("the app's"))
  const listener = createServer().setTimeout(idleFor)
  const app = HttpRouter.serve(Layer.merge(own, StatusApi.layer(options)), {
    disableLogger: true,
    disableListenLog: true
  }).pipe(
    Layer.provide(services),
    Layer.provideMerge(NodeHttpServer.layer(() => listener, {
      host: "127.0.0.1",
      port: 0,
      gracefulShutdownTimeout: "100 millis"
    }))
  )
  const context = yield* Layer.build(app)
  const url = yield* HttpServer.addressFormattedWith(Effect.succeed).pipe(Effect.provide(context))
  const client = yield* Effect.provide(StatusClient.make({ url, token }), FetchHttpClient.layer)
  const ask = (path: string, init: RequestInit = {}) =>
    Effect.promise(async () => {
      const response = await fetch(`${url}${path}`, init)
      const text = await response.text()
      return {
        status: response.status,
        headers: response.headers,
        body: text === "" ? null : JSON.parse(text) as Record<string, unknown>
      }
    })
  const connections = Effect.callback<number>((resume) => {
    listener.getConnections((_, count) => resume(Effect.succeed(count)))
  })
  return { group, server, url, client, ask, connections }
})

/** Lets the sockets of this process have their turn: simulated time passes without. */
export const turn = Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))

export const authorized = { authorization: `Bearer ${Redacted.value(token)}` }
export const json = { ...authorized, "content-type": "application/json" }
