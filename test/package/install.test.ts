/**
 * The package in the app of somebody else: installed from its tarball into an app that has Effect and nothing of ours,
 * type-checked there, and run. No network is needed: what Effect needs is taken from this checkout's `node_modules`.
 */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import { createRequire } from "node:module"
import * as Path from "node:path"
import * as Tarball from "./Tarball.ts"

const directory = Tarball.temporary()
const app = Path.join(directory, "app")
const lock = createRequire(import.meta.url)("../../package-lock.json").packages as Record<
  string,
  Partial<Record<"dependencies" | "peerDependencies" | "optionalDependencies", Record<string, string>>> | undefined
>
const manifest = JSON.parse(Fs.readFileSync(Path.join(Tarball.root, "package.json"), "utf8"))

/** These packages and all that they need, as far as it is installed. */
const withAllTheyNeed = (names: Iterable<string>): ReadonlySet<string> => {
  const all = new Set(names)
  for (const name of all) {
    const { dependencies, optionalDependencies, peerDependencies } = lock[`node_modules/${name}`] ?? {}
    for (const needed of Object.keys({ ...dependencies, ...peerDependencies, ...optionalDependencies })) {
      if (Fs.existsSync(Path.join(Tarball.root, "node_modules", needed))) all.add(needed)
    }
  }
  return all
}

/** A second name for each file where the file system has that, else a copy. */
const lend = (from: string, to: string): void => {
  Fs.mkdirSync(to, { recursive: true })
  for (const entry of Fs.readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [Path.join(from, entry.name), Path.join(to, entry.name)]
    if (entry.isDirectory()) {
      lend(source, target)
    } else {
      try {
        Fs.linkSync(source, target)
      } catch {
        Fs.copyFileSync(source, target)
      }
    }
  }
}

const program = `
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Client, Event, Group, Inquiry, Leadership, Member, Reign, Server, Settings } from "bellwether"
import * as Cluster from "bellwether/Cluster"
import * as Diagnosis from "bellwether/Diagnosis"
import * as Etcd from "bellwether/Etcd"
import * as Moving from "bellwether/Moving"
import * as NodeCluster from "bellwether/NodeCluster"
import * as NodeEtcd from "bellwether/NodeEtcd"
import * as NodeServer from "bellwether/NodeServer"
import * as Sql from "bellwether/Sql"
import * as StatusApi from "bellwether/StatusApi"
import * as StatusClient from "bellwether/StatusClient"
import { SimulatedNetwork } from "bellwether/testing"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Console, Deferred, Effect, Layer, Schema } from "effect"
import { FetchHttpClient, HttpRouter, HttpServer } from "effect/http"
import { createServer } from "node:http"

class Orders extends Server.Service<Orders>()("app/Orders") {}
export const read = (line: string) => Schema.decodeUnknownSync(Diagnosis.Report)(JSON.parse(line)).findings
export const told = (error: Server.ServerError | Group.GroupFailed | Client.GroupFailed) =>
  error instanceof Settings.SettingRefused || error instanceof Group.GroupFailed ? error.message : error._tag
export const who = Settings.make({ group: "orders" }).pipe(
  Effect.flatMap((settings) => Inquiry.leader(settings)),
  Effect.catchTag("NoAnswer", (error: Inquiry.NoAnswer) => Effect.succeed(error.group)),
  Effect.provide(NodeServer.layerDatagrams)
)
const server = { group: "orders", leadership: "lease", groupSize: 3 } as const
const inEtcd = NodeEtcd.layer({ group: "orders", endpoints: ["http://127.0.0.1:2379"] })
export const elsewhere = [
  inEtcd,
  Sql.layer({ group: "orders" }),
  Moving.layer(NodeServer.layer(server), inEtcd),
  NodeCluster.layer({ server })
]
export const lost = (error: Cluster.ShardLockLost | Etcd.EtcdRefused | Sql.SqlRefused) => error.message
// What only we make is not seen.
// @ts-expect-error
export type Made = typeof Group.make | typeof Server.timingOf
// @ts-expect-error
export type Read = typeof Settings.read | typeof Settings.timing
// @ts-expect-error
export type Told = typeof Inquiry.nobody | typeof Leadership.make
type Hidden =
  | (keyof typeof Member & ("isSameStart" | "jsonBytes" | "limits" | "nodeId" | "outranks" | "rendezvousHash" | "shortened"))
  | (keyof typeof Reign & ("isPassed" | "make" | "max" | "maxTerm" | "nextTerm"))
  | (keyof typeof Event & ("causeOf" | "event"))
export const hidden = (name: Hidden): never => name
export const seen = [Member.compareRank, Member.formatAddress, Reign.compare, Reign.token, Event.AnyEvent]
export const orders = Layer.provide(Orders.layer({ group: "orders" }), NodeServer.layerDatagrams)

const work = Effect.gen(function*() {
  const reign = yield* Leadership.Reign
  const { members } = yield* Group.Group
  yield* Console.log(\`leads \${(yield* members).length} by \${reign.token}\`)
})

const program = Effect.gen(function*() {
  yield* SimulatedNetwork.make({ seed: "app" })
  const { whileLeader } = yield* Leadership.Leadership
  const done = yield* Deferred.make()
  yield* Effect.raceFirst(whileLeader(Effect.andThen(work, Deferred.succeed(done, undefined))), Deferred.await(done))
  const listening = yield* Layer.build(HttpRouter.serve(StatusApi.layer(), {
    disableListenLog: true,
    disableLogger: true
  }).pipe(
    Layer.provideMerge(NodeHttpServer.layer(createServer, { host: "127.0.0.1", port: 0 }))
  ))
  const url = yield* Effect.provide(HttpServer.addressFormattedWith(Effect.succeed), listening)
  const client = yield* StatusClient.make({ url }).pipe(Effect.provide(FetchHttpClient.layer))
  const refused = yield* Effect.flip(client.control.resign({ query: {} }))
  yield* Console.log(\`\${(yield* client.group.status()).members.length} seen, \${refused._tag}\`)
  if (!(refused instanceof StatusClient.Problem.ReadOnly)) yield* Effect.die(refused)
  yield* Console.log("done")
})

program.pipe(
  Effect.scoped,
  Effect.provide(NodeServer.layerConfig()),
  NodeRuntime.runMain
)
`

/** What the compiler has to say of the app, a line each, by the file it is about. */
const complaints = (lib: ReadonlyArray<string>): ReadonlyArray<string> => {
  Fs.writeFileSync(
    Path.join(app, "tsconfig.json"),
    JSON.stringify({
      compilerOptions: {
        target: "ES2023",
        lib,
        module: "NodeNext",
        strict: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: false,
        types: ["node"],
        outDir: "."
      },
      files: ["main.ts"]
    })
  )
  const tsc = Path.join(Tarball.root, "node_modules/.bin/tsc")
  const { error, stdout } = spawnSync(tsc, ["-p", app, "--pretty", "false"], {
    cwd: app,
    encoding: "utf8",
    shell: process.platform === "win32"
  })
  if (error !== undefined) throw error
  return stdout.split("\n").filter((line) => /error TS/.test(line))
}

const environment = {
  BELLWETHER_GROUP: `install-${process.pid}`,
  BELLWETHER_PORT: String(20_000 + process.pid % 20_000),
  BELLWETHER_INTERFACES: "lo",
  BELLWETHER_TTL: "0"
}

beforeAll(() => {
  const peers = Object.keys(manifest.peerDependencies)
  const dependencies = Object.fromEntries(
    [...withAllTheyNeed([...peers, ...Object.keys(manifest.dependencies), "@types/node"])].map((name) => {
      lend(Path.join(Tarball.root, "node_modules", name), Path.join(app, "node_modules", name))
      return [name, "*"]
    })
  )
  Fs.writeFileSync(
    Path.join(app, "package.json"),
    JSON.stringify({ name: "app", private: true, type: "module", dependencies })
  )
  Fs.writeFileSync(Path.join(app, "main.ts"), program)
  const { path } = Tarball.pack(directory)
  // npm would ask the registry what other versions of a peer there are: whether those here fit is looked at below.
  const offline = ["--offline", "--legacy-peer-deps", "--ignore-scripts", "--no-audit", "--no-fund"]
  Tarball.run("npm", ["install", ...offline, path], app, { npm_config_cache: Path.join(directory, "cache") })
})
afterAll(() => Fs.rmSync(directory, { recursive: true, force: true }))

describe("the package, installed into an app that has Effect", () => {
  it("finds what it depends on and its peers, in the versions that it asks for", () => {
    const { dependencies } = JSON.parse(Tarball.run("npm", ["ls", "--json", "--all"], app))
    assert.strictEqual(dependencies.bellwether.version, manifest.version)
    assert.isFalse(Fs.existsSync(Path.join(app, "node_modules/bellwether/node_modules")))
  })

  it("type-checks with its declarations included", () => {
    assert.deepStrictEqual(complaints(["ES2023", "DOM"]), [])
  })

  it("adds nothing to what Effect's own declarations want of the DOM", () => {
    const others = complaints(["ES2023"]).filter((line) => !line.startsWith("node_modules/effect/"))
    assert.deepStrictEqual(others, [])
  })

  it("runs there, and ends when the app does", () => {
    const { status, stderr, stdout } = spawnSync(process.execPath, ["main.js"], {
      cwd: app,
      encoding: "utf8",
      env: { ...process.env, ...environment },
      timeout: 20_000
    })
    assert.match(stdout, /^leads 1 by \d{16}-\d{10}-[0-9a-f]{16}\n1 seen, ReadOnly\ndone\n$/, stderr)
    assert.strictEqual(status, 0, stderr)
  })

  it("starts the program by its name", () => {
    assert.include(Tarball.run(Path.join(app, "node_modules/.bin/bellwether"), ["--version"], app), manifest.version)
  })

  it("starts the program with nothing else beside it: it needs no node_modules", () => {
    const alone = Path.join(directory, "alone")
    Fs.cpSync(Path.join(app, "node_modules/bellwether"), alone, { recursive: true })
    const said = Tarball.run(process.execPath, [Path.join(alone, "dist/main.js"), "--version"], directory)
    assert.include(said, manifest.version)
  })
})
