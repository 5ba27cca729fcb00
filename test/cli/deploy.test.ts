/** The files of `deploy` that are about HTTP, used: by HAProxy and nginx themselves where they are installed, else read. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawn, spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Https from "node:https"
import { createServer } from "node:net"
import type { AddressInfo } from "node:net"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Settings from "../../src/settings/Settings.ts"
import * as Process from "./process.ts"

const deploy = Path.resolve(import.meta.dirname, "../../deploy")
const read = (name: string) => Fs.readFileSync(Path.join(deploy, name), "utf8")
const has = (command: string) => spawnSync("which", [command]).status === 0
const token = "0123456789abcdef"

const temporary = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "bellwether-deploy-"))),
  (folder) => Effect.sync(() => Fs.rmSync(folder, { recursive: true, force: true }))
)

/** A port that is free now. */
const freePort = Effect.callback<number>((resume) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address() as AddressInfo
    server.close(() => resume(Effect.succeed(port)))
  })
})

/** A proxy in the foreground; it is killed when the test ends. */
const proxy = (command: string, args: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.sync(() => spawn(command, args, { stdio: "ignore" })),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )

const served = Effect.fnUntraced(function*(args: ReadonlyArray<string>, env: Record<string, string>) {
  const server = yield* Process.start(["--json", "--profile", "fast", "--http", "127.0.0.1:0", ...args], env)
  const port = yield* server.until(() => /the page is at http:\/\/127\.0\.0\.1:(\d+)/.exec(server.stderr)?.[1])
  return { server, port: Number(port) }
})

/** Asks again and again, as long as the proxy is not there or has nobody to ask. */
const until = <A>(ask: () => Promise<A | undefined>) =>
  Effect.promise(async (signal) => {
    while (!signal.aborted) {
      const found = await ask().catch(() => undefined)
      if (found !== undefined) return found
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    throw new Error("interrupted")
  })

describe("deploy/haproxy.cfg", () => {
  it.live.skipIf(!has("haproxy"))(
    "sends requests to the leader, and to the next when that is killed",
    () =>
      Effect.gen(function*() {
        const env = yield* Process.group
        const low = yield* served(["--name", "low"], env)
        const high = yield* served(["--name", "high", "--priority", "5"], env)
        yield* low.server.event("LeaderChanged", ({ leader }) => leader?.name === "high")
        const front = yield* freePort
        const config = read("haproxy.cfg")
          .replace(/bind .*/, `bind 127.0.0.1:${front}`)
          .replace(" port 7780", "")
          .replace(/^ *server gamma.*$/m, "")
          .replace(/server alpha .*/, `server alpha 127.0.0.1:${low.port}`)
          .replace(/server beta .*/, `server beta 127.0.0.1:${high.port}`)
        const file = Path.join(yield* temporary, "haproxy.cfg")
        Fs.writeFileSync(file, config)
        yield* proxy("haproxy", ["-db", "-f", file])
        const leader = (name: string) =>
          until(async () => {
            const { headers, status } = await fetch(`http://127.0.0.1:${front}/health/leader`)
            return status === 200 && headers.get("bellwether-leader-name") === name ? true : undefined
          })
        yield* leader("high")
        yield* high.server.kill("SIGKILL")
        yield* leader("low")
      })
  )

  it.skipIf(!has("haproxy"))("is a configuration of HAProxy as it is", () => {
    const { status, stderr } = spawnSync("haproxy", ["-c", "-f", Path.join(deploy, "haproxy.cfg")], {
      encoding: "utf8"
    })
    assert.strictEqual(status, 0, stderr)
  })
})

describe("deploy/nginx.conf", () => {
  it.live.skipIf(!has("nginx") || !has("openssl"))(
    "speaks TLS for a server, which asks for its token",
    () =>
      Effect.gen(function*() {
        const env = yield* Process.group
        const name = "orders.example.net"
        const { port } = yield* served(["--http-hosts", name], { ...env, BELLWETHER_HTTP_TOKEN: token })
        const folder = yield* temporary
        const [certificate, key] = [Path.join(folder, "crt"), Path.join(folder, "key")]
        spawnSync(
          "openssl",
          ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"].concat([
            "-keyout",
            key,
            "-out",
            certificate,
            "-subj",
            `/CN=${name}`
          ])
        )
        const front = yield* freePort
        const server = read("nginx.conf")
          .replace("listen 443", `listen 127.0.0.1:${front}`)
          .replace("/etc/nginx/orders.crt", certificate)
          .replace("/etc/nginx/orders.key", key)
          .replaceAll("127.0.0.1:7780", `127.0.0.1:${port}`)
        const file = Path.join(folder, "nginx.conf")
        const temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) =>
          `${kind}_temp_path ${folder}/${kind};`
        )
        Fs.writeFileSync(
          file,
          `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error; events {}\nhttp { access_log off; ${
            temp.join(" ")
          }\n${server}\n}`
        )
        yield* proxy("nginx", ["-c", file, "-p", folder])
        const ask = (path: string, headers: Record<string, string> = {}) =>
          until(() =>
            new Promise<number>((resolve, reject) => {
              const request = Https.get({
                host: "127.0.0.1",
                port: front,
                path,
                servername: name,
                rejectUnauthorized: false,
                headers: { host: name, ...headers }
              }, (response) => {
                response.destroy()
                resolve(response.statusCode ?? 0)
              })
              request.on("error", reject)
            })
          )
        assert.strictEqual(yield* ask("/health/live"), 200)
        assert.strictEqual(yield* ask("/api/group"), 401)
        const authorized = { authorization: `Bearer ${token}` }
        assert.strictEqual(yield* ask("/api/group", authorized), 200)
        assert.strictEqual(yield* ask("/api/events", authorized), 200)
        assert.strictEqual(yield* ask("/api/group", { ...authorized, origin: "https://evil.example" }), 403)
      })
  )
})

/** The names of settings in the environment that a file uses. */
const settingsIn = (text: string) => new Set([...text.matchAll(/\bBELLWETHER_[A-Z_]+(?=\b)/g)].map(([name]) => name))
const allSettings = Settings.keys.map(Settings.environmentName)

describe("deploy/bellwether.service.d/http.conf", () => {
  it("sets what there is to set", () => {
    assert.includeMembers([...allSettings], [...settingsIn(read("bellwether.service.d/http.conf"))])
  })

  it.live.skipIf(!has("systemd-analyze"))("fits the unit: systemd-analyze finds nothing", () =>
    Effect.gen(function*() {
      const folder = yield* temporary
      const unit = Path.join(folder, "bellwether.service")
      Fs.writeFileSync(unit, read("bellwether.service").replace("/usr/bin/node", process.execPath))
      Fs.cpSync(Path.join(deploy, "bellwether.service.d"), `${unit}.d`, { recursive: true })
      const { status, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", unit], { encoding: "utf8" })
      assert.notInclude(stderr, "bellwether.service")
      assert.strictEqual(status, 0, stderr)
    }))
})
