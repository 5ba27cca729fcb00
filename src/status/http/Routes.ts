/**
 * The routes of the HTTP API, to be added to the router of an app or to that of the server's own listener.
 *
 * @since 0.1.0
 */
import type * as FileSystem from "effect/FileSystem"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpMiddleware from "effect/http-api/HttpApiMiddleware"
import type * as Etag from "effect/http/Etag"
import type * as HttpPlatform from "effect/http/HttpPlatform"
import type * as HttpRouter from "effect/http/HttpRouter"
import * as Layer from "effect/Layer"
import type * as Path from "effect/Path"
import type * as Redacted from "effect/Redacted"
import type * as Group from "../../server/Group.ts"
import type * as Leadership from "../../server/Leadership.ts"
import * as Access from "./Access.ts"
import * as Answers from "./Answers.ts"
import * as Changing from "./Changing.ts"
import * as Contract from "./Contract.ts"
import * as Guards from "./Guards.ts"
import * as Looking from "./Looking.ts"
import * as Page from "./Page.ts"
import * as Probing from "./Probing.ts"
import * as Reference from "./Reference.ts"

/**
 * Who may do what. Without a `token` nothing can be changed. `closed` asks for it from those who only look, too: what a server
 * needs that others than its own host reach. `hosts` are the names that requests may name besides addresses and names of
 * loopback: a page of another site can speak to this server by no other. `page` is the path at which people see the group in a
 * browser, such as `/`; left out, there is no page.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly token?: Redacted.Redacted | undefined
  readonly closed?: boolean | undefined
  readonly hosts?: ReadonlyArray<string> | undefined
  readonly page?: `/${string}` | undefined
}

/**
 * What the routes need: the app's router and its group. The rest is what every HTTP server brings, such as `NodeHttpServer.layer`.
 *
 * @category models
 * @since 0.1.0
 */
export type Needed =
  | HttpRouter.HttpRouter
  | Group.Group
  | Leadership.Leadership
  | Etag.Generator
  | FileSystem.FileSystem
  | HttpPlatform.HttpPlatform
  | Path.Path

/**
 * Adds the routes of the API to an app's router: `/api`, `/health`, `/metrics`, and `/openapi.json` with its reference at `/api`. The app's other routes are left alone.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  { closed = false, hosts = [], page, token }: Options = {}
): Layer.Layer<never, never, Needed> => {
  const policy = { token, closed, hosts: Access.namesOf(hosts) }
  const api = HttpApiBuilder.layer(Contract.Api, { openapiPath: Answers.openapiPath }).pipe(
    Layer.merge(Layer.merge(Answers.layer({ all: false }), Reference.layer)),
    Layer.provide(Layer.mergeAll(Looking.layer, Changing.layer, Probing.layer)),
    Layer.provide(HttpMiddleware.layerProblemDetails({ includeDetails: true })),
    Layer.provide(Guards.layer(policy))
  )
  return page === undefined ? api : Layer.merge(api, Page.layer(page, policy))
}
