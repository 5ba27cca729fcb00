import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Process from "../cli/process.ts"

Process.goFirst()

const first = "1a".repeat(32)
const second = Buffer.alloc(32, 0x2b).toString("base64")

/** A file of keys that the test may change. */
const keyFile = Effect.acquireRelease(
  Effect.sync(() => {
    const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "bellwether-keys-"))
    return { path: Path.join(folder, "keys"), folder }
  }),
  ({ folder }) => Effect.sync(() => Fs.rmSync(folder, { recursive: true }))
)

const fast = ["--json", "--profile", "fast"]

const shows = (running: Process.Running, key: string) =>
  running.stdout.includes(key.slice(0, 16)) || running.stderr.includes(key.slice(0, 16))

describe("real processes with a key, on loopback (protocol 7)", () => {
  it.live("keys change in their file while servers run: no member is lost, and nothing shows a key", () =>
    Effect.gen(function*() {
      const env = yield* Process.group
      const { path } = yield* keyFile
      Fs.writeFileSync(path, `# the first\n${first}\n`, { mode: 0o600 })
      const servers = yield* Effect.forEach(
        [1, 2, 3],
        (priority) => Process.start([...fast, "--priority", String(priority), "--key-file", path], env)
      )
      for (const server of servers) {
        yield* server.until(() =>
          server.events.filter(({ event }) => event === "MemberJoined").length >= 2 || undefined
        )
        yield* server.event("LeaderChanged", ({ leader }) => leader?.priority === 3)
      }
      const before = servers.map((server) => server.events.length)
      for (const [index, ring] of [`${first},${second}`, `${second}\n${first}`, second].entries()) {
        Fs.writeFileSync(path, ring)
        for (const server of servers) {
          yield* server.until(() =>
            server.events.filter(({ event }) => event === "KeysChanged").length === index + 1 || undefined
          )
        }
      }
      Fs.writeFileSync(path, "no key")
      for (const server of servers) yield* server.event("KeyFileRefused")
      const asked = yield* Process.run(["members", "--json"], { ...env, BELLWETHER_KEY: second })
      assert.strictEqual(JSON.parse(asked.stdout).members.length, 3)
      // Who was given the wrong key, or none, hears nobody, and the servers say so.
      const wrong = yield* Process.run(["leader", "--timeout", "500ms"], { ...env, BELLWETHER_KEY: first })
      assert.strictEqual(wrong.code, 3)
      const told = yield* servers[2]!.event("WrongKey")
      assert.strictEqual(told.problem, "UnknownKey")
      servers.forEach((server, index) => {
        const since = server.events.slice(before[index]).map(({ event }) => event)
        assert.includeMembers(since, ["KeysChanged", "KeyFileRefused"])
        // A busy machine can pause a leader, which gives the lead up for it: that loses no member.
        for (const event of ["MemberJoined", "MemberRemoved"]) assert.notInclude(since, event)
        assert.isFalse(shows(server, first) || shows(server, second))
        const title = Fs.readFileSync(`/proc/${server.child.pid}/cmdline`, "utf8")
        assert.isFalse(title.includes(first) || title.includes(second))
      })
    }).pipe(Effect.scoped))

  it.live("a key that is none ends the program in one line with 2, and is not shown", () =>
    Effect.gen(function*() {
      const env = yield* Process.group
      const nearly = `${first}0`
      const { path } = yield* keyFile
      Fs.writeFileSync(path, nearly)
      for (
        const [args, more] of [
          [[], { BELLWETHER_KEY: nearly }],
          [[], { BELLWETHER_KEY: "" }],
          [["--key", nearly], {}],
          [[`--key=${nearly}`], {}],
          [["--key-file", path], {}],
          [["--key-file", `${path}.gone`], {}],
          [["--key-file", Path.dirname(path)], {}],
          [["--key-mode", "permissive"], {}],
          [["--key-file", path], { BELLWETHER_KEY: first }]
        ] as const
      ) {
        const { code, stderr, stdout } = yield* Process.run([...args, "--log-level", "all"], { ...env, ...more })
        assert.strictEqual(code, 2, stderr)
        assert.match(stderr, /^[^\n]+\n$/)
        assert.strictEqual(stdout, "")
        assert.notInclude(stderr, first.slice(0, 16))
      }
    }).pipe(Effect.scoped))
})
