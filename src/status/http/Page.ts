/** Serves the page: one document with all that it needs, loaded when it is first asked for. */
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Guards from "./Guards.ts"

/** What goes with it: nothing of it is kept by others, seen in frames, or told to pages that it links to. */
const headersOf = ({ etag, policy }: { readonly etag: string; readonly policy: string }) => ({
  "content-security-policy": policy,
  etag,
  "cache-control": "no-cache",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin"
})

const answer = Effect.fnUntraced(function*(policy: Guards.Policy) {
  const request = yield* HttpServerRequest.HttpServerRequest
  const refusal = Guards.refuseForeign(request, policy)
  if (refusal !== null) return HttpServerResponse.text(`${refusal.title}\n${refusal.detail}\n`, { status: 403 })
  const page = yield* Effect.promise(() => import("#page"))
  const headers = headersOf(page)
  return request.headers["if-none-match"] === page.etag
    ? HttpServerResponse.empty({ status: 304, headers })
    : HttpServerResponse.text(page.html, { contentType: "text/html; charset=utf-8" }).pipe(
      HttpServerResponse.setHeaders(headers)
    )
})

/** The page at that path, for everybody who may name this host: it shows nothing that the API does not give it. */
export const layer = (path: `/${string}`, policy: Guards.Policy) => HttpRouter.add("GET", path, answer(policy))
