/**
 * The reference of the API for people: one document made of the same contract as `/openapi.json`, with no script and nothing from
 * elsewhere. It says nothing of a server, so everybody may read it.
 */
import * as Effect from "effect/Effect"
import * as OpenApi from "effect/http-api/OpenApi"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Contract from "./Contract.ts"

/** The path of the reference. */
export const path = "/api"

/** What of an operation is shown. */
interface Operation {
  readonly summary?: string
  readonly security?: ReadonlyArray<object>
  readonly parameters?: ReadonlyArray<{ readonly name: string; readonly in: string; readonly required: boolean }>
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: object }>> }
  readonly responses: Readonly<
    Record<
      string,
      { readonly description?: string; readonly content?: Readonly<Record<string, { readonly schema: object }>> }
    >
  >
}

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("\"", "&quot;")

/** A schema as text, in which each name of another leads to it. */
const schemaText = (schema: unknown): string =>
  escaped(JSON.stringify(schema, null, 2)).replaceAll(
    /&quot;#\/components\/schemas\/(.*?)&quot;/g,
    (_, name: string) => `<a href="#${name}">${name}</a>`
  )

const contents = (content: Readonly<Record<string, { readonly schema: object }>> = {}): string =>
  Object.entries(content)
    .map(([type, { schema }]) =>
      `<details><summary><code>${escaped(type)}</code></summary><pre>${schemaText(schema)}</pre></details>`
    )
    .join("")

const operation = (
  method: string,
  at: string,
  { parameters = [], requestBody, responses, security = [], summary = "" }: Operation
): string => {
  const asked = parameters.map(({ in: place, name, required }) =>
    `<li><code>${escaped(name)}</code> (${place}${required ? "" : ", optional"})</li>`
  )
  const answers = Object.entries(responses).map(([status, { content, description = "" }]) =>
    `<li>${escaped(status)} ${escaped(description)}${contents(content)}</li>`
  )
  return [
    `<h2><code>${method.toUpperCase()} ${escaped(at)}</code></h2><p>${escaped(summary)}.`,
    security.length > 0 ? " By the token, where one is asked for." : "",
    "</p>",
    asked.length > 0 ? `<h3>Parameters</h3><ul>${asked.join("")}</ul>` : "",
    requestBody === undefined ? "" : `<h3>Body</h3>${contents(requestBody.content)}`,
    `<h3>Answers</h3><ul>${answers.join("")}</ul>`
  ].join("")
}

/** The whole document. */
export const html = (): string => {
  const { components: { schemas }, info, paths } = OpenApi.fromApi(Contract.Api)
  const operations = Object.entries(paths).flatMap(([at, item]) =>
    Object.entries(item).map(([method, one]) => operation(method, at, one as Operation))
  )
  const models = Object.entries(schemas).map(([name, schema]) =>
    `<h3 id="${escaped(name)}">${escaped(name)}</h3><pre>${schemaText(schema)}</pre>`
  )
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">`
    + `<meta name="color-scheme" content="light dark"><title>${escaped(info.title)}: HTTP API</title>`
    + `<body><main><h1>${escaped(info.title)} ${escaped(info.version)}: HTTP API</h1><p>${
      escaped(info.description ?? "")
    }`
    + ` The same for programs: <a href="/openapi.json">/openapi.json</a>.</p>${operations.join("")}<h2>Schemas</h2>`
    + `${models.join("")}</main></body></html>`
}

/** Serves it; it is made when it is first asked for. */
export const layer = HttpRouter.use(Effect.fnUntraced(function*(router) {
  const document = yield* Effect.cached(Effect.sync(html))
  const answer = Effect.map(
    document,
    (text) => HttpServerResponse.text(text, { contentType: "text/html; charset=utf-8" })
  )
  yield* router.add("GET", path, answer)
}))
