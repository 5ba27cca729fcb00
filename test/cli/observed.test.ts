/** What `serve` logs on standard error, and what it sends to a collector of OpenTelemetry. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import * as Process from "./process.ts"

interface Received {
  readonly path: string
  readonly type: string
  readonly body: Buffer
}

/** A collector that keeps what it is sent. */
const collector = Effect.gen(function*() {
  const received: Array<Received> = []
  const server = createServer((request, response) => {
    const parts: Array<Buffer> = []
    request.on("data", (part: Buffer) => parts.push(part))
    request.on("end", () => {
      received.push({
        path: request.url ?? "",
        type: request.headers["content-type"] ?? "",
        body: Buffer.concat(parts)
      })
      response.writeHead(200, { "content-type": "application/json" }).end("{}")
    })
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
    () =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )
  const { port } = server.address() as AddressInfo
  const of = (signal: string) => received.filter(({ path }) => path === `/v1/${signal}`)
  return { of, url: `http://127.0.0.1:${port}` }
})

interface Attribute {
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
}

interface Listed {
  readonly name?: string
  readonly attributes?: ReadonlyArray<Attribute>
  readonly gauge?: { readonly dataPoints: ReadonlyArray<Listed> }
}

const valuesOf = ({ attributes = [] }: Listed = {}): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))

/** What was sent as JSON, from the list of that name, at any depth. */
const listed = (all: ReadonlyArray<Received>, list: string): ReadonlyArray<Listed> => {
  const found: Array<Listed> = []
  const look = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return
    for (const [key, inner] of Object.entries(value)) {
      if (key === list && Array.isArray(inner)) found.push(...inner)
      else look(inner)
    }
  }
  for (const { body } of all) look(JSON.parse(body.toString("utf8")))
  return found
}

/** Runs a server until it leads, then tells it to stop. */
const led = Effect.fnUntraced(function*(args: ReadonlyArray<string>, env: Record<string, string>) {
  const group = yield* Process.group
  const server = yield* Process.start(["--json", "--profile", "fast", "--name", "alpha", ...args], { ...group, ...env })
  yield* server.event("LeaderChanged", ({ leader }) => leader?.name === "alpha")
  yield* server.kill("SIGTERM")
  return { ...yield* server.ended, group: group["BELLWETHER_GROUP"] }
})

describe("a collector of OpenTelemetry", () => {
  it.live("is sent the traces, metrics and logs of a server, to the last, where the environment names it", () =>
    Effect.gen(function*() {
      const { of, url } = yield* collector
      const { code, group, stderr } = yield* led([], {
        OTEL_EXPORTER_OTLP_ENDPOINT: url,
        OTEL_EXPORTER_OTLP_PROTOCOL: "http/json"
      })
      assert.deepStrictEqual([code, stderr], [0, ""])
      const spans = listed(of("traces"), "spans")
      for (const name of ["Server.start", "Server.election"]) {
        assert.deepInclude(valuesOf(spans.find((span) => span.name === name)), { group }, name)
      }
      const metrics = listed(of("metrics"), "metrics")
      const leader = metrics.find(({ name }) => name === "bellwether_leader")
      assert.deepInclude(valuesOf(leader?.gauge?.dataPoints[0]), { group, election: "" })
      const logs = listed(of("logs"), "logRecords").map(valuesOf)
      const events = logs.map((attributes) => attributes["event"]).filter((event) => event !== undefined)
      assert.deepStrictEqual([events[0], events.at(-1)], ["Started", "Left"])
      assert.isTrue(logs.every((attributes) => attributes["group"] === group))
    }))

  it.live("is sent a span of each request over HTTP", () =>
    Effect.gen(function*() {
      const { of, url } = yield* collector
      const env = yield* Process.group
      const server = yield* Process.start(["--json", "--profile", "fast", "--http", "127.0.0.1:0"], {
        ...env,
        OTEL_EXPORTER_OTLP_ENDPOINT: url,
        OTEL_EXPORTER_OTLP_PROTOCOL: "http/json"
      })
      const page = yield* server.until(() => /the page is at (\S+)/.exec(server.stderr)?.[1])
      yield* Effect.promise(() => fetch(`${page}/health/live`).then((response) => response.text()))
      yield* server.kill("SIGTERM")
      yield* server.ended
      const span = listed(of("traces"), "spans").find(({ name }) => name === "GET")
      assert.deepInclude(valuesOf(span), { "url.path": "/health/live" })
    }))

  it.live("is spoken to as the standard has it unless it says otherwise", () =>
    Effect.gen(function*() {
      const { of, url } = yield* collector
      yield* led([], { OTEL_EXPORTER_OTLP_ENDPOINT: url })
      for (
        const [signal, holds] of [["traces", "Server.start"], ["metrics", "bellwether_members"], ["logs", "alpha"]]
      ) {
        const sent = of(signal!)
        assert.isAbove(sent.length, 0, signal)
        assert.isTrue(sent.every(({ type }) => type === "application/x-protobuf"), signal)
        assert.isTrue(sent.some(({ body }) => body.includes(holds!)), signal)
      }
    }))

  it.live("that is not there holds up neither the group nor the end", () =>
    Effect.gen(function*() {
      const began = performance.now()
      const { code, stderr } = yield* led([], { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" })
      assert.deepStrictEqual([code, stderr], [0, ""])
      assert.isBelow(performance.now() - began, 30_000)
    }))

  it.live("that is named wrongly is refused in one line before the start", () =>
    Effect.gen(function*() {
      for (
        const env of [
          { OTEL_EXPORTER_OTLP_ENDPOINT: "collector" },
          { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "ftp://collector" },
          { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" },
          { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9", OTEL_BSP_SCHEDULE_DELAY: "soon" }
        ]
      ) {
        const { code, stderr, stdout } = yield* (yield* Process.start([], { ...yield* Process.group, ...env })).ended
        assert.deepStrictEqual([code, stdout], [2, ""])
        assert.match(stderr, new RegExp(`^bellwether: ${Object.keys(env).at(-1)} is .*; allowed: .*\\n$`))
      }
    }))
})

describe("serve --log-format", () => {
  it.live("logs each event as a line of JSON on standard error, and nothing on standard output", () =>
    Effect.gen(function*() {
      const env = yield* Process.group
      const server = yield* Process.start(["--profile", "fast", "--log-format", "json"], env)
      yield* server.until(() => server.stderr.includes("LeaderChanged") || undefined)
      yield* server.kill("SIGTERM")
      const { stderr, stdout } = yield* server.ended
      assert.strictEqual(stdout, "")
      const lines = stderr.trimEnd().split("\n").map((line) => JSON.parse(line))
      const events = lines.map(({ annotations }) => annotations.event)
      assert.deepStrictEqual([events[0], events.at(-1)], ["Started", "Left"])
      for (const { annotations } of lines) assert.strictEqual(annotations.group, env["BELLWETHER_GROUP"])
      const leads = lines.find(({ annotations }) => annotations.event === "LeaderChanged")
      assert.isNumber(leads.annotations.term)
    }))

  it.live("logs a line for each event in the other forms, and leaves standard output to --json", () =>
    Effect.gen(function*() {
      for (
        const [format, line] of [["pretty", /^\S+Z [A-Z]+ +.+ {2}\(group=.*\)$/], ["logfmt", /^timestamp=\S+ level=/]]
      ) {
        const { group, stderr, stdout } = yield* led(["--log-format", String(format)], {})
        const lines = stderr.trimEnd().split("\n")
        assert.lengthOf(lines, stdout.trimEnd().split("\n").length)
        for (const each of lines) {
          assert.match(each, line as RegExp)
          assert.include(each, `group=${group}`)
        }
      }
    }))
})
