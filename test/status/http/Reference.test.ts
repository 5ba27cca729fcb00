/** The reference of the API for people. */
import { assert, describe, it } from "@effect/vitest"
import * as HttpApi from "effect/http-api/HttpApi"
import * as Contract from "../../../src/status/http/Contract.ts"
import * as Reference from "../../../src/status/http/Reference.ts"

describe("the reference of the API", () => {
  const html = Reference.html()

  it("has each route", () => {
    HttpApi.reflect(Contract.Api, {
      onGroup: () => {},
      onEndpoint: ({ endpoint: { method, path } }) => assert.include(html, `<h2><code>${method} ${path}</code></h2>`)
    })
  })

  it("leads from each name of a schema to that schema", () => {
    const names = new Set([...html.matchAll(/href="#([^"]+)"/g)].map(([, name]) => name))
    assert.isNotEmpty([...names])
    for (const name of names) assert.include(html, `id="${name}"`)
    assert.notInclude(html, "#/components/schemas")
  })

  it("has no script, and nothing from elsewhere", () => {
    assert.notMatch(html, /<script|<link|<img|src=|\son\w+=/i)
    assert.deepStrictEqual([...html.matchAll(/href="([^#"][^"]*)"/g)].map(([, link]) => link), ["/openapi.json"])
  })
})
