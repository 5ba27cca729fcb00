/**
 * The form of every answer of ours, from every part of the server: an error is a problem document, and no answer is kept
 * by a cache or taken for a page. Answers to requests for an app's own routes are left alone.
 */
import * as Effect from "effect/Effect"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerError from "effect/http/HttpServerError"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as ProblemDetails from "effect/http/ProblemDetails"
import * as Contract from "./Contract.ts"
import * as Reference from "./Reference.ts"

/** The path of the description of the API. */
export const openapiPath = "/openapi.json"

/** The methods that each path takes. */
const taken = (() => {
  const taken = new Map<string, ReadonlyArray<string>>([
    [openapiPath, ["GET", "HEAD"]],
    [Reference.path, ["GET", "HEAD"]]
  ])
  HttpApi.reflect(Contract.Api, {
    onGroup: () => {},
    onEndpoint: ({ endpoint: { method, path } }) => {
      taken.set(path, [...taken.get(path) ?? [], ...method === "GET" ? ["GET", "HEAD"] : [method]])
    }
  })
  return taken
})()

/** A request by its first line. */
type Asked = Pick<HttpServerRequest.HttpServerRequest, "method" | "url">

const pathOf = ({ url }: Asked): string => url.split(/[?#]/, 1)[0] ?? ""

/** Titles that never change, by status, for errors that no handler of ours makes. */
const titles: ReadonlyMap<number, string> = new Map([
  [400, "The request cannot be read."],
  [404, "There is nothing at this path."],
  [405, "This path does not take this method."],
  [413, "The request is longer than allowed."],
  [415, "The body is of a type that is not taken."]
])

const details: ReadonlyMap<number, string> = new Map([
  [404, `${openapiPath} describes what there is`],
  [415, "send application/json"]
])

/** An error with a body that is no document of ours: as a problem. */
const asProblem = (asked: Asked, response: HttpServerResponse.HttpServerResponse) => {
  const methods = taken.get(pathOf(asked))
  const status = response.status === 404 && methods !== undefined ? 405 : response.status
  const detail = status === 405 ? `allowed: ${methods?.join(", ")}` : details.get(status)
  const problem: ProblemDetails.ProblemDetails = {
    type: ProblemDetails.blankType,
    status,
    title: titles.get(status) ?? "The request was refused.",
    ...detail === undefined ? {} : { detail }
  }
  return HttpServerResponse.empty({ status, headers: response.headers }).pipe(
    HttpServerResponse.setBody(HttpBody.text(JSON.stringify(problem), ProblemDetails.contentType)),
    status === 405 && methods !== undefined ? HttpServerResponse.setHeader("allow", methods.join(", ")) : (same) => same
  )
}

const isDocument = ({ body }: HttpServerResponse.HttpServerResponse): boolean =>
  body._tag !== "Empty" && body.contentType?.startsWith("text/plain") !== true

/** What goes with every answer, unless it says otherwise. */
const always = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff"
}

/** The answer as it is sent. */
export const formed = (asked: Asked, response: HttpServerResponse.HttpServerResponse) => {
  const answer = response.status >= 400 && !isDocument(response) ? asProblem(asked, response) : response
  return HttpServerResponse.setHeaders(answer, { ...always, ...answer.headers })
}

/** Forms the answers to requests for our paths, or for all that the router is asked for. */
export const layer = ({ all }: { readonly all: boolean }) =>
  HttpRouter.middleware((handler) =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, (asked) => {
      if (!all && !taken.has(pathOf(asked))) return handler
      return Effect.matchCauseEffect(handler, {
        onSuccess: (response) => Effect.succeed(formed(asked, response)),
        onFailure: (cause) =>
          Effect.flatMap(HttpServerError.causeResponse(cause), ([response]) =>
            // What is no fault of the request goes on as it is, and is reported.
            response.status >= 499 ? Effect.failCause(cause) : Effect.succeed(formed(asked, response)))
      })
    }), { global: true })
