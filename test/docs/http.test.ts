/** docs/http.md: each route is there, and each example gets the answer that the page shows. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpApi from "effect/http-api/HttpApi"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Contract from "../../src/status/http/Contract.ts"
import { served, token, turn } from "../status/http/Served.ts"
import * as Page from "./Page.ts"

const page = Page.read("docs/http.md")

/** A command of curl as what it asks for. */
const asked = (command: string) => {
  const words = command.replaceAll("\\\n", " ").replace("$(cat token)", Redacted.value(token))
  const of = (flag: string) =>
    [...words.matchAll(new RegExp(` ${flag} (?:'([^']*)'|"([^"]*)"|(\\S+))`, "g"))]
      .map(([, ...values]) => values.find((value) => value !== undefined)!)
  const [body] = of("-d")
  const isHead = / -I /.test(words)
  return {
    path: /http:\/\/127\.0\.0\.1:7780([^\s"]*)/.exec(words)![1]!,
    method: isHead ? "HEAD" : of("-X")[0] ?? (body === undefined ? "GET" : "POST"),
    headers: Object.fromEntries(of("-H").map((header) => header.split(/: (.*)/).slice(0, 2) as [string, string])),
    ...body === undefined ? {} : { body }
  }
}

const blocks = Page.blocks(page)
const examples = blocks.flatMap(({ line, text }, at) =>
  text.startsWith("curl ") ? [{ line, command: text, answer: blocks[at + 1]! }] : []
)

/** What of a sample is not in what came: a sample may be shorter, and an empty list or null stands for what may be there. */
const missing = (sample: unknown, real: unknown, path = ""): ReadonlyArray<string> => {
  if (typeof sample !== "object" || sample === null) return real === undefined ? [path] : []
  if (Array.isArray(sample)) {
    return sample.length === 0 || !Array.isArray(real) || real.length === 0
      ? Array.isArray(real) ? [] : [path]
      : missing(sample[0], real[0], `${path}[0]`)
  }
  if (typeof real !== "object" || real === null) return [path]
  return Object.entries(sample).flatMap(([key, value]) =>
    missing(value, (real as Record<string, unknown>)[key], `${path}.${key}`)
  )
}

describe("docs/http.md", () => {
  it("has a heading for each route, and an example", () => {
    const routes: Array<string> = ["GET /openapi.json"]
    HttpApi.reflect(Contract.Api, {
      onGroup: () => {},
      onEndpoint: ({ endpoint: { method, path } }) => void routes.push(`${method} ${path}`)
    })
    for (const route of routes) assert.include(page, `\n### \`${route}\`\n`)
    const shown = examples.map(({ command }) => asked(command).path.split("?")[0])
    for (const route of routes) assert.include(shown, route.split(" ")[1])
  })

  it("names each problem with its status", () => {
    const errors = Page.section(page, "Errors")
    const lines = errors.split("\n").filter((line) => line.startsWith("- "))
    const source = Page.read("src/status/http/Problem.ts")
    for (const [, name, status] of source.matchAll(/type: type\("([\w-]+)"\),\s+status: (\d+)/g)) {
      assert.isTrue(lines.some((line) => line.startsWith(`- ${status} `) && line.includes(`\`${name}\``)), name)
    }
  })

  it.effect.each(examples.map((example) => [example.line, example] as const))(
    "shows what is answered: line %i",
    ([, { answer, command }]) =>
      Effect.gen(function*() {
        const { group, url } = yield* served()
        const { path, ...init } = asked(command)
        // Ends a stream before the server is closed, which waits for it.
        const signal = yield* Effect.abortSignal
        const request = Effect.promise(async () => {
          const response = await fetch(`${url}${path}`, { ...init, signal })
          const isStream = response.headers.get("content-type") === "text/event-stream"
          const text = isStream ? "" : await response.text()
          return { isStream, status: response.status, headers: response.headers, text }
        })
        // Only this answer waits for the group, whose time must pass meanwhile.
        const got = path.endsWith("/transfer")
          ? yield* Effect.raceFirst(request, Effect.forever(Effect.andThen(turn, group.settle())))
          : yield* request
        if (got.isStream) {
          for (const [, data = ""] of answer.text.matchAll(/^data: (.*)$/gm)) {
            yield* Schema.decodeEffect(Schema.fromJsonString(Contract.Streamed))(data)
          }
          return
        }
        assert.strictEqual(answer.language, "http")
        const [head = "", body] = answer.text.split("\n\n", 2)
        const [first = "", ...headers] = head.split("\n")
        assert.strictEqual(String(got.status), first.split(" ")[1])
        for (const header of headers) assert.isTrue(got.headers.has(header.split(":")[0]!), header)
        if (body !== undefined) assert.deepStrictEqual(missing(JSON.parse(body), JSON.parse(got.text)), [])
      })
  )
})
