/**
 * The built program under each line of Node that it supports: the line that npm's scripts use, those that
 * `npm ci --prefix scripts/node-lines` installs, and the machine's own.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawn, spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Process from "../cli/process.ts"
import * as Tarball from "./Tarball.ts"

const lines = [20, 22, 24, 26]
const program = Path.join(Tarball.root, "dist/main.js")
const installed = Path.join(Tarball.root, "scripts/node-lines/node_modules")

const binaries = [
  ...(Fs.existsSync(installed) ? Fs.readdirSync(installed) : []).map((name) => Path.join(installed, name, "bin/node")),
  Path.join(Tarball.root, "node_modules/.bin/node"),
  process.execPath,
  ...(process.env["PATH"] ?? "").split(Path.delimiter).map((folder) => Path.join(folder, "node"))
].filter((binary) => Fs.existsSync(binary))

/** The first binary of each line. */
const byLine = new Map<number, string>()
for (const binary of binaries) {
  const [, line] = /^v(\d+)\./.exec(spawnSync(binary, ["--version"], { encoding: "utf8" }).stdout ?? "") ?? []
  if (line !== undefined && !byLine.has(Number(line))) byLine.set(Number(line), binary)
}

const run = (binary: string, args: ReadonlyArray<string>, env: Record<string, string>) =>
  Effect.acquireRelease(
    Effect.sync(() =>
      new Process.Running(spawn(binary, [program, ...args], { env, stdio: ["ignore", "pipe", "pipe"] }))
    ),
    (running) => running.kill("SIGKILL")
  )

describe("the built program", () => {
  for (const line of lines) {
    const binary = byLine.get(line)
    const isSkipped = binary === undefined && process.env["CI"] !== "true"
    const why = isSkipped ? " (that line is not installed here: npm ci --prefix scripts/node-lines)" : ""
    it.live.skipIf(isSkipped)(
      `leads, answers and leaves under Node ${line}, and complains of nothing${why}`,
      () =>
        Effect.gen(function*() {
          assert.isDefined(binary, `no Node ${line} here: npm ci --prefix scripts/node-lines`)
          const env = yield* Process.group
          const server = yield* run(binary, ["serve", "--json", "--profile", "fast", "--name", "a"], env)
          yield* server.event("LeaderChanged", ({ leader }) => leader?.name === "a")
          const asked = yield* run(binary, ["members"], env)
          const members = yield* asked.ended
          assert.strictEqual(members.stderr, "")
          assert.match(members.stdout, /\ba\b/)
          assert.strictEqual(members.code, 0)
          yield* server.kill("SIGTERM")
          const { code, stderr } = yield* server.ended
          assert.strictEqual(stderr, "")
          assert.strictEqual(server.events.at(-1)?.event, "Left")
          assert.strictEqual(code, 0)
        }).pipe(Effect.scoped)
    )
  }
})
