/** What goes wrong before a handler has a request, and what is asked for that is not there: each a problem document. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Answers from "../../../src/status/http/Answers.ts"
import { authorized, json, served } from "./Served.ts"

describe("an answer", () => {
  it.effect("to another method than those that a path takes names those", () =>
    Effect.gen(function*() {
      const { ask } = yield* served()
      const cases = [
        ["DELETE", "/api/group", "GET, HEAD"],
        ["GET", "/api/leadership/resign", "POST"],
        ["HEAD", "/api/messages", "POST"],
        ["OPTIONS", "/health/leader?election=a", "GET, HEAD"],
        ["PUT", "/openapi.json", "GET, HEAD"]
      ] as const
      for (const [method, path, allowed] of cases) {
        const { body, headers, status } = yield* ask(path, { method })
        assert.strictEqual(status, 405, path)
        assert.strictEqual(headers.get("allow"), allowed)
        assert.strictEqual(headers.get("content-type"), "application/problem+json")
        if (method !== "HEAD") assert.strictEqual(body?.["detail"], `allowed: ${allowed}`)
      }
    }))

  it.effect("to a body that is not taken is a problem, too", () =>
    Effect.gen(function*() {
      const { ask } = yield* served()
      const post = (headers: Record<string, string>, body: string) =>
        ask("/api/messages", { method: "POST", headers, body })
      const cases = [
        [415, yield* post({ ...authorized, "content-type": "text/plain" }, "{}")],
        [413, yield* post(json, JSON.stringify({ body: "x".repeat(100_000) }))],
        [400, yield* post(json, "{")],
        [400, yield* post(json, "")]
      ] as const
      for (const [expected, { body, headers, status }] of cases) {
        assert.strictEqual(status, expected)
        assert.strictEqual(headers.get("content-type"), "application/problem+json")
        assert.strictEqual(body?.["status"], expected)
      }
    }))

  it.effect("of any route is kept by no cache, and taken for no page", () =>
    Effect.gen(function*() {
      const { ask } = yield* served()
      for (const path of ["/api/group", "/api/group?election=%", "/health/leader", "/openapi.json"]) {
        const { headers } = yield* ask(path)
        assert.strictEqual(headers.get("cache-control"), "no-store")
        assert.strictEqual(headers.get("x-content-type-options"), "nosniff")
        assert.include(headers.get("content-security-policy"), "default-src 'none'")
      }
    }))

  it.effect("to HEAD is that to GET without its body", () =>
    Effect.gen(function*() {
      const { ask } = yield* served({ index: 0 })
      for (const path of ["/api/group", "/health/live", "/health/leader", "/health/leader?election=none"]) {
        const [get, head] = [yield* ask(path), yield* ask(path, { method: "HEAD" })]
        assert.strictEqual(head.status, get.status)
        assert.strictEqual(head.headers.get("content-type"), get.headers.get("content-type"))
        assert.isNull(head.body)
      }
    }))

  it.effect("to what is the app's is the app's", () =>
    Effect.gen(function*() {
      const { url } = yield* served()
      const none = yield* Effect.promise(() => fetch(`${url}/api/none-of-ours`))
      assert.strictEqual(none.status, 404)
      assert.strictEqual(yield* Effect.promise(() => none.text()), "")
      assert.isNull(none.headers.get("cache-control"))
      const own = yield* Effect.promise(() => fetch(`${url}/own`))
      assert.isNull(own.headers.get("content-security-policy"))
    }))

  it("keeps what its route says of caches and of scripts", () => {
    const page = HttpServerResponse.text("a page", { headers: { "content-security-policy": "default-src 'self'" } })
    const { headers } = Answers.formed({ method: "GET", url: "/" }, page)
    assert.strictEqual(headers["content-security-policy"], "default-src 'self'")
  })
})
