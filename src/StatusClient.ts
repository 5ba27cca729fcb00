/**
 * A typed client of the HTTP API of a server: its methods are the endpoints of `StatusApi.Api`, and what a server refuses fails with
 * the problem that it answered.
 *
 * ```ts
 * import * as StatusClient from "bellwether/StatusClient"
 * import * as Effect from "effect/Effect"
 * import * as FetchHttpClient from "effect/http/FetchHttpClient"
 *
 * export const leader = StatusClient.make({ url: "http://127.0.0.1:7780" }).pipe(
 *   Effect.flatMap(({ group }) => group.status()),
 *   Effect.map(({ elections: [own] }) => own?.reign?.leader),
 *   Effect.provide(FetchHttpClient.layer)
 * )
 * ```
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as Redacted from "effect/Redacted"
import * as Contract from "./status/http/Contract.ts"

/**
 * What a server refuses, each by a class of its own.
 *
 * @category errors
 * @since 0.1.0
 */
export * as Problem from "./status/http/Problem.ts"

/**
 * The client, a group of methods for each part of the API: `group`, `control`, `health`.
 *
 * @category models
 * @since 0.1.0
 */
export type StatusClient = HttpApiClient.ForApi<typeof Contract.Api>

/**
 * Where the server is, and the token where it needs one.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly url: string
  readonly token?: Redacted.Redacted | undefined
}

/**
 * Makes a client. Nothing is asked before a method is called.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = ({ token, url }: Options): Effect.Effect<StatusClient, never, HttpClient.HttpClient> =>
  HttpApiClient.make(Contract.Api, {
    baseUrl: url,
    transformClient: HttpClient.mapRequest((request) =>
      token === undefined ? request : HttpClientRequest.bearerToken(request, token)
    )
  })
