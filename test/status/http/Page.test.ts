/** How the page is served: what goes with it, to whom, and where pages of members lead. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import { request } from "node:http"
import type { IncomingMessage } from "node:http"
import * as Path from "node:path"
import { gzipSync } from "node:zlib"
import { served, token } from "./Served.ts"

/** An answer with its body, to a request with any headers at all. */
const get = (url: string, headers: Record<string, string> = {}) =>
  Effect.promise(() =>
    new Promise<{ readonly response: IncomingMessage; readonly body: string }>((resolve, reject) => {
      request(url, { headers }, (response) => {
        let body = ""
        response.setEncoding("utf8").on("data", (data: string) => {
          body += data
        }).on("end", () => resolve({ response, body }))
      }).on("error", reject).end()
    })
  )

describe("the page", () => {
  it.effect("is one document that may load nothing else, for those who have no token too", () =>
    Effect.gen(function*() {
      const { url } = yield* served({ options: { token, closed: true, page: "/" } })
      const { body, response: { headers, statusCode } } = yield* get(`${url}/`)
      assert.strictEqual(statusCode, 200)
      assert.strictEqual(headers["content-type"], "text/html; charset=utf-8")
      const policy = String(headers["content-security-policy"])
      assert.include(policy, "default-src 'none'")
      assert.include(policy, "connect-src 'self'")
      assert.notInclude(policy, "unsafe")
      assert.strictEqual(headers["x-content-type-options"], "nosniff")
      assert.strictEqual(headers["referrer-policy"], "no-referrer")
      assert.lengthOf(body.match(/<script type="module">/g) ?? [], 1)
      assert.notMatch(body, /<script[^>]+src=|<link[^>]+stylesheet|@import/)
    }))

  it.effect("is not sent again to who has it", () =>
    Effect.gen(function*() {
      const { url } = yield* served({ options: { page: "/" } })
      const { response: { headers } } = yield* get(`${url}/`)
      const again = yield* get(`${url}/`, { "if-none-match": String(headers.etag) })
      assert.strictEqual(again.response.statusCode, 304)
      assert.strictEqual(again.body, "")
    }))

  it.effect("is refused under the name of another host, and to a page of another site", () =>
    Effect.gen(function*() {
      const { url } = yield* served({ options: { page: "/" } })
      assert.strictEqual((yield* get(`${url}/`, { host: "evil.example" })).response.statusCode, 403)
      const framed = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" }
      assert.strictEqual((yield* get(`${url}/`, framed)).response.statusCode, 403)
      const link = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" }
      assert.strictEqual((yield* get(`${url}/`, link)).response.statusCode, 200)
    }))

  it.effect("is where the app wants it, and nowhere unless it does", () =>
    Effect.gen(function*() {
      const { url } = yield* served({ options: { page: "/group" } })
      assert.strictEqual((yield* get(`${url}/group`)).response.statusCode, 200)
      assert.strictEqual((yield* get(`${url}/`)).response.statusCode, 404)
      const without = yield* served()
      assert.strictEqual((yield* get(`${without.url}/`)).response.statusCode, 404)
    }))

  it("takes less than 120 kB of the network", () => {
    const page = Fs.readFileSync(Path.resolve(import.meta.dirname, "../../../dist/page.js"))
    assert.isBelow(gzipSync(page).length, 120_000)
  })
})

describe("the page of a member", () => {
  it.effect("is known to the others once it is announced, and named by the probe for the leader", () =>
    Effect.gen(function*() {
      const { ask, client, group } = yield* served({ index: 0 })
      const leader = yield* group.server(1)
      yield* leader.group.announcePage("http://192.0.2.9:7780/")
      const before = yield* ask("/health/leader")
      assert.isNull(before.headers.get("bellwether-leader-page"))
      yield* group.advance("1 second")
      const { headers } = yield* ask("/health/leader")
      assert.strictEqual(headers.get("bellwether-leader-page"), "http://192.0.2.9:7780/")
      const { members } = yield* client.group.status()
      assert.deepStrictEqual(members.map(({ name, page }) => [name, page]), [
        ["server-1", "http://192.0.2.9:7780/"],
        ["server-0", null]
      ])
    }))
})
