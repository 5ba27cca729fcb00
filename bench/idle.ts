/**
 * `npm run bench -- idle`: what a server costs that has nothing to do. The CPU of heartbeats, of whole servers with real
 * sockets on loopback in this process; and how long the program takes from its start to its first event and to its end.
 */
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import * as NodeServer from "../src/NodeServer.ts"
import * as Server from "../src/server/Server.ts"
import type * as Profile from "../src/settings/Profile.ts"
import { environment, freePort } from "./loopback.ts"

const program = fileURLToPath(new URL("../dist/main.js", import.meta.url))
const starts = 10

/** The CPU of so many servers over so many seconds, as a share of one core and server. */
const heartbeats = (servers: number, profile: Profile.Profile, seconds: number, port: number) =>
  Effect.gen(function*() {
    yield* Effect.forEach(
      Array.from({ length: servers }, (_, priority) => priority),
      (priority) => Server.make({ group: `bench-${process.pid}`, port, interfaces: ["lo"], ttl: 0, priority, profile }),
      { concurrency: "unbounded" }
    )
    yield* Effect.sleep("3 seconds")
    const before = process.cpuUsage()
    yield* Effect.sleep(seconds * 1000)
    const { system, user } = process.cpuUsage(before)
    return (system + user) / 1e6 / seconds / servers
  }).pipe(Effect.scoped, Effect.provide(NodeServer.layerDatagrams))

/** Starts the program; ms until its first line, and until it has ended after SIGTERM then. */
const start = (args: ReadonlyArray<string>, port: number) =>
  new Promise<{ readonly first: number; readonly end: number }>((resolve) => {
    const startedAt = performance.now()
    let first = 0
    const child = spawn(process.execPath, [program, ...args], {
      env: environment(port),
      stdio: ["ignore", "pipe", "inherit"]
    })
    child.stdout.once("data", () => {
      first = performance.now() - startedAt
      child.kill("SIGTERM")
    })
    child.once("close", () => resolve({ first, end: performance.now() - startedAt - first }))
  })

const median = (values: ReadonlyArray<number>) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

export const idle = async (): Promise<void> => {
  const port = await Effect.runPromise(freePort)
  console.log("| servers | profile | CPU of one server, % of a core |\n| --- | --- | --- |")
  for (const [servers, profile] of [[3, "fast"], [10, "fast"], [10, "standard"]] as const) {
    const share = await Effect.runPromise(heartbeats(servers, profile, 10, port))
    console.log(`| ${servers} | ${profile} | ${(share * 100).toFixed(2)} |`)
  }
  console.log(`\n| start (median of ${starts}) | first line, ms | end after SIGTERM, ms |\n| --- | --- | --- |`)
  for (const args of [["--version"], ["serve", "--json"]]) {
    const all = []
    for (let at = 0; at < starts; at++) all.push(await start(args, port))
    const [first, end] = [median(all.map(({ first }) => first)), median(all.map(({ end }) => end))]
    console.log(`| ${args.join(" ")} | ${first.toFixed(0)} | ${end.toFixed(0)} |`)
  }
}
