/**
 * The built program under Bun and Deno, those that `npm ci --prefix scripts/runtimes` installs, or the machine's own: what works
 * there, and the line where something does not.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawn, spawnSync } from "node:child_process"
import * as Path from "node:path"
import * as Process from "../cli/process.ts"
import * as Tarball from "./Tarball.ts"

const program = Path.join(Tarball.root, "dist/main.js")

const runtimes = [
  { command: "bun", args: [], complains: undefined },
  {
    command: "deno",
    args: ["run", "-A"],
    complains: /^\[\S+ WARN \S+ Deno \S+ does not tell this server that a port refuses: /
  }
] as const

const run = (command: string, args: ReadonlyArray<string>, env: Record<string, string>) =>
  Effect.acquireRelease(
    Effect.sync(() =>
      new Process.Running(spawn(command, args, {
        env: { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "", ...env },
        stdio: ["ignore", "pipe", "pipe"]
      }))
    ),
    (running) => running.kill("SIGKILL")
  )

describe("the built program", () => {
  for (const { args, command, complains } of runtimes) {
    const installed = Path.join(Tarball.root, "scripts/runtimes/node_modules/.bin", command)
    const binary = [installed, command].find((one) => spawnSync(one, ["--version"]).status === 0)
    const isThere = binary !== undefined
    it.live.skipIf(!isThere)(
      `joins a server under Node, answers, sends and leaves under ${command}${
        isThere ? "" : ` (${command} is not installed here: npm ci --prefix scripts/runtimes)`
      }`,
      () =>
        Effect.gen(function*() {
          const env = { ...yield* Process.group, BELLWETHER_PROFILE: "fast" }
          const other = yield* Process.start(["--json", "--name", "node", "--priority", "5"], env)
          yield* other.event("LeaderChanged")
          const server = yield* run(binary!, [...args, program, "serve", "--json", "--name", "a"], env)
          yield* server.event("LeaderChanged", ({ leader }) => leader?.name === "node")
          yield* other.event("MemberJoined", ({ member }) => member.name === "a")
          const members = yield* (yield* run(binary!, [...args, program, "members"], env)).ended
          assert.match(members.stdout, /\* node\b/)
          assert.match(members.stdout, /^ {2}a\b/m)
          assert.strictEqual(members.code, 0)
          const sent = yield* (yield* run(binary!, [...args, program, "send", "hello"], env)).ended
          assert.strictEqual(sent.code, 0, sent.stderr)
          yield* server.event("MessageReceived", ({ body }) => body === "hello")
          yield* server.kill("SIGTERM")
          const { code, stderr } = yield* server.ended
          assert.strictEqual(code, 0)
          if (complains === undefined) assert.strictEqual(stderr, "")
          else assert.match(stderr, complains)
          assert.isAtMost(stderr.split("\n").length, 2)
          yield* other.event("MemberRemoved", ({ reason }) => reason._tag === "Left")
        }).pipe(Effect.scoped)
    )
  }
})
