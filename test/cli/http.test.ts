/** `serve --http` as a process: what it tells, whom it answers, and that it neither holds up the group nor its own end. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Fs from "node:fs"
import { connect, createServer } from "node:net"
import type { AddressInfo, Server } from "node:net"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Process from "./process.ts"

const token = "0123456789abcdef"

/** A server with its page at an address that it tells. */
const served = Effect.fnUntraced(function*(args: ReadonlyArray<string>, env: Record<string, string>) {
  const server = yield* Process.start(
    ["--json", "--profile", "fast", "--http", "127.0.0.1:0", ...args],
    env
  )
  return { server, url: yield* told(server) }
})

const told = (server: Process.Running) =>
  server.until(() => /the page is at (http:\/\/127\.0\.0\.1:\d+)/.exec(server.stderr)?.[1])

const ask = (url: string, init: RequestInit = {}) =>
  Effect.promise(async (signal) => {
    const response = await fetch(url, { ...init, signal })
    return { status: response.status, headers: response.headers, body: await response.text() }
  })

/** A socket of a listener that is there until the test ends, or until it is given back. */
const listening = Effect.acquireRelease(
  Effect.callback<Server>((resume) => {
    const server = createServer().listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
  }),
  (server) => Effect.callback<void>((resume) => void server.close(() => resume(Effect.void)))
)

/** Opens a stream of events and reads it to its end, or never reads any of it. */
const stream = Effect.fnUntraced(function*(url: string, { reads }: { readonly reads: boolean }) {
  const { host, hostname, port } = new URL(url)
  const socket = yield* connected(Number(port), hostname)
  let all = ""
  const ended = new Promise<string>((resolve) => void socket.once("close", () => resolve(all)))
  yield* Effect.callback<void>((resume) => {
    socket.on("data", (data) => {
      all += String(data)
      if (!reads) socket.pause()
      resume(Effect.void)
    })
    socket.write(`GET /api/events HTTP/1.1\r\nhost: ${host}\r\n\r\n`)
  })
  return { ended: Effect.promise(() => ended) }
})

/** A connection that is there until the test ends. */
const connected = (port: number, host: string) =>
  Effect.acquireRelease(
    Effect.sync(() => connect(port, host).on("error", () => {})),
    (socket) => Effect.sync(() => socket.destroy())
  )

const directory = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "bellwether-http-"))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true }))
)

describe("serve --http", () => {
  it.live("tells the address of its page, and whether it leads", () =>
    Effect.gen(function*() {
      const env = yield* Process.group
      const low = yield* served(["--name", "low"], env)
      const high = yield* served(["--name", "high", "--priority", "5"], env)
      for (const { server } of [low, high]) {
        yield* server.event("LeaderChanged", ({ leader }) => leader?.name === "high")
      }
      yield* low.server.event("MemberJoined", ({ member }) => member.name === "high")
      const leads = yield* ask(`${high.url}/health/leader`)
      assert.strictEqual(leads.status, 200)
      const follows = yield* ask(`${low.url}/health/leader`)
      assert.strictEqual(follows.status, 503)
      assert.strictEqual(follows.headers.get("bellwether-leader-name"), "high")
      assert.strictEqual(follows.headers.get("bellwether-leader"), leads.headers.get("bellwether-leader"))
      for (const { url } of [low, high]) assert.strictEqual((yield* ask(`${url}/health/ready`)).status, 200)
    }))

  it.live("ends soon when it is told to, and its readers have the goodbye as their last event", () =>
    Effect.gen(function*() {
      const env = yield* Process.group
      const { server, url } = yield* served([], env)
      const reader = yield* stream(url, { reads: true })
      yield* stream(url, { reads: false })
      yield* connected(Number(new URL(url).port), "127.0.0.1")
      yield* server.kill("SIGTERM")
      const began = performance.now()
      const { code } = yield* server.ended
      assert.strictEqual(code, 0)
      assert.isBelow(performance.now() - began, 10_000)
      assert.match(yield* reader.ended, /event: Left\ndata: .*\n\n/)
    }))

  it.live("tells that its port is taken, leads all the same, and serves when the port is free", () =>
    Effect.gen(function*() {
      const env = yield* Process.group
      const taken = yield* Scope.fork(yield* Effect.scope)
      const { port } = (yield* Scope.provide(listening, taken)).address() as AddressInfo
      const server = yield* Process.start(["--json", "--profile", "fast", "--http", `127.0.0.1:${port}`], env)
      yield* server.event("LeaderChanged", ({ leader }) => leader !== null)
      yield* server.until(() => /the page is not served: .*EADDRINUSE.*; it is tried again/.exec(server.stderr)?.[0])
      yield* Scope.close(taken, Exit.void)
      assert.strictEqual((yield* ask(`${yield* told(server)}/health/live`)).status, 200)
      assert.lengthOf(server.stderr.match(/EADDRINUSE/g) ?? [], 1)
    }))

  it.live("takes the token of a file, and changes nothing without", () =>
    Effect.gen(function*() {
      const env = yield* Process.group
      const file = Path.join(yield* directory, "token")
      Fs.writeFileSync(file, `${token}\n`, { mode: 0o600 })
      const { server, url } = yield* served(["--http-token-file", file], env)
      yield* server.event("LeaderChanged", ({ leader }) => leader !== null)
      const resign = (authorization: string) =>
        ask(`${url}/api/leadership/resign`, { method: "POST", headers: { authorization } })
      assert.strictEqual((yield* resign("Bearer fedcba9876543210")).status, 401)
      assert.strictEqual((yield* ask(`${url}/health/leader`)).status, 200)
      assert.strictEqual((yield* resign(`Bearer ${token}`)).status, 204)
      yield* server.event("LeaderChanged", ({ leader }) => leader === null)
      assert.notInclude(server.stdout + server.stderr + (yield* ask(`${url}/api/group`)).body, token)
    }))

  it.live("is refused in one line before it starts where others than its host could look or change", () =>
    Effect.gen(function*() {
      const folder = yield* directory
      const short = Path.join(folder, "short")
      Fs.writeFileSync(short, "secret\n")
      const missing = Path.join(folder, "missing")
      const cases: ReadonlyArray<readonly [ReadonlyArray<string>, Record<string, string>, RegExp]> = [
        [["--http", "0.0.0.0:7780"], {}, /^bellwether: --http is 0\.0\.0\.0:7780; allowed: a loopback address, .*\n$/],
        [["--http", "7780"], {}, /^bellwether: --http is 7780; allowed: host:port, .*\n$/],
        [
          ["--http", "127.0.0.1:0", "--http-token-file", missing],
          {},
          /^bellwether: --http-token-file is .*missing; .*there is no such file\n$/
        ],
        [
          ["--http", "127.0.0.1:0"],
          { BELLWETHER_HTTP_TOKEN_FILE: short },
          /^bellwether: BELLWETHER_HTTP_TOKEN_FILE is a value that is not shown here; .*\n$/
        ],
        [
          ["--http", "127.0.0.1:0", "--http-token-file", short],
          { BELLWETHER_HTTP_TOKEN: token },
          /^bellwether: .*allowed: httpToken or httpTokenFile, not both\n$/
        ],
        [
          ["--http-token", token],
          {},
          /^bellwether: --http-token is no flag: .*BELLWETHER_HTTP_TOKEN, or --http-token-file\n$/
        ]
      ]
      const env = yield* Process.group
      for (const [args, more, line] of cases) {
        const { code, stderr, stdout } = yield* Process.run(["--json", ...args], { ...env, ...more })
        assert.match(stderr, line)
        assert.strictEqual(stdout, "")
        assert.strictEqual(code, 2)
      }
    }))
})
