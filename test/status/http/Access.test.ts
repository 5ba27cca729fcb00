/** Which requests are heard: what a browser, a proxy, a script or a page of another site sends. */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import * as Access from "../../../src/status/http/Access.ts"

const names = Access.namesOf(["Status.Example", "db-1"])

describe("the host that a request names", () => {
  it.each([
    "127.0.0.1:7780",
    "127.0.0.1",
    "[::1]:7780",
    "[::1]",
    "192.0.2.7:80",
    "localhost:7780",
    "LOCALHOST",
    "a.localhost:1",
    "status.example",
    "STATUS.example:443",
    "status.example.",
    "db-1:7780"
  ])("is ours: %s", (host) => assert.isTrue(Access.isOurHost(host, names)))

  it("may be left out, as probes that speak HTTP/1.0 do", () => assert.isTrue(Access.isOurHost(undefined, names)))

  it.each([
    "",
    "evil.example",
    "127.0.0.1.evil.example:7780",
    "localhost.evil.example",
    "status.example.evil",
    "xstatus.example",
    "127.0.0.1:7780@evil.example",
    "evil.example#localhost",
    "localhost evil.example",
    "localhost:99999",
    "[::1",
    "127.0.0.1:"
  ])("is another's: %s", (host) => assert.isFalse(Access.isOurHost(host, names)))
})

describe("a page of another site", () => {
  const host = "127.0.0.1:7780"
  const is = (method: string, headers: Access.Request["headers"]) =>
    Access.isCrossSite({ method, headers: { host, ...headers } })

  it("is told by what browsers say of it", () => {
    assert.isTrue(is("POST", { "sec-fetch-site": "cross-site" }))
    assert.isTrue(is("POST", { "sec-fetch-site": "same-site" }))
    assert.isTrue(is("GET", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" }))
    assert.isTrue(is("POST", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" }))
    assert.isTrue(is("POST", { origin: "http://evil.example" }))
    assert.isTrue(is("POST", { origin: "null" }))
    assert.isTrue(is("POST", { origin: "http://127.0.0.1:7781" }))
  })

  it("is none where our own page asks, a link is followed, or no browser is there", () => {
    assert.isFalse(is("POST", { "sec-fetch-site": "same-origin", origin: "http://127.0.0.1:7780" }))
    assert.isFalse(is("GET", { "sec-fetch-site": "none", "sec-fetch-mode": "navigate" }))
    assert.isFalse(is("GET", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" }))
    assert.isFalse(is("POST", { origin: "http://127.0.0.1:7780" }))
    assert.isFalse(is("POST", {}))
  })
})

const visible = Schema.String.check(Schema.isPattern(/^[ -~]{0,300}$/))

describe("two tokens", () => {
  it.prop(
    "are the same if they are the same text",
    [Arbitrary.schema(visible), Arbitrary.schema(visible)],
    ([one, other]) => {
      assert.strictEqual(Access.isSame(one, other), one === other)
      assert.isTrue(Access.isSame(one, one))
      assert.isFalse(Access.isSame(one, `${one}x`))
    }
  )
})
