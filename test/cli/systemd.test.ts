/** The messages of a server to systemd (sd_notify(3)), and the unit that asks for them. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as ChildProcessSpawner from "effect/process/ChildProcessSpawner"
import * as Sink from "effect/Sink"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { spawn, spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Systemd from "../../src/cli/systemd.ts"
import * as Member from "../../src/protocol/model/Member.ts"
import * as Reign from "../../src/protocol/model/Reign.ts"
import type * as Group from "../../src/server/Group.ts"
import * as Settings from "../../src/settings/Settings.ts"
import * as Process from "./process.ts"

const memberOf = (name: string, port: number): Member.Member => ({
  id: Member.nodeId("192.0.2.1", name, port),
  ip: "192.0.2.1",
  port,
  hostname: name,
  name,
  priority: 0,
  incarnation: 1,
  tags: {}
})
const alpha = memberOf("alpha", 1)
const beta = memberOf("be\nta", 2)

const viewOf = (members: ReadonlyArray<Member.Member>, leader: Member.Member | null): Group.View => ({
  self: alpha,
  members,
  reign: leader === null ? null : Reign.make(7, leader),
  term: 7
})

describe("the status", () => {
  it("names the leader and the number of servers, in one line", () => {
    const statusOf = (view: Group.View, groupSize?: number) => Systemd.statusOf(view, { groupSize, minimumMembers: 1 })
    assert.strictEqual(statusOf(viewOf([alpha], null), 3), "nobody leads, 1 of 3 in view, 2 must be")
    assert.strictEqual(statusOf(viewOf([alpha], null)), "nobody leads, 1 server")
    assert.strictEqual(statusOf(viewOf([alpha, beta], alpha)), "we lead, term 7, 2 servers")
    assert.strictEqual(statusOf(viewOf([alpha, beta], beta)), "be\uFFFDta leads, term 7, 2 servers")
    assert.strictEqual(statusOf(viewOf([alpha], beta)), `${beta.id} leads, term 7, 1 server`)
  })
})

/** Runs with `systemd-notify` replaced by a list of its calls. */
const told = (
  env: Record<string, string>,
  run: (
    systemd: Systemd.Systemd,
    said: Array<string>,
    server: { pulse: number }
  ) => Effect.Effect<void, never, ChildProcessSpawner.ChildProcessSpawner>
) =>
  Effect.gen(function*() {
    const said: Array<string> = []
    const server = { pulse: 0 }
    const votesAt = Number(env["VOTES_IN"] ?? 0)
    const spawner = ChildProcessSpawner.make((command) =>
      Effect.sync(() => {
        assert.strictEqual(command._tag === "StandardCommand" ? command.command : command._tag, "systemd-notify")
        if (command._tag === "StandardCommand") said.push(...command.args.map(String))
        return ChildProcessSpawner.makeHandle({
          pid: ChildProcessSpawner.ProcessId(1),
          exitCode: Effect.succeed(ChildProcessSpawner.ExitCode(0)),
          isRunning: Effect.succeed(false),
          kill: () => Effect.void,
          stdin: Sink.drain,
          stdout: Stream.empty,
          stderr: Stream.empty,
          all: Stream.empty,
          getInputFd: () => Sink.drain,
          getOutputFd: () => Stream.empty,
          unref: Effect.succeed(Effect.void)
        })
      })
    )
    const settings = yield* Effect.orDie(Settings.make({ profile: "fast" }))
    const group = {
      votesIn: Effect.map(Clock.currentTimeMillis, (now) => Math.max(0, votesAt - now)),
      votes: Effect.sleep(votesAt),
      pulse: Effect.sync(() => server.pulse),
      changes: Stream.make(viewOf([alpha], null), viewOf([alpha], null), viewOf([alpha], alpha)).pipe(
        Stream.tap(() => Effect.sleep("1 second"))
      )
    } as Group.GroupShape
    yield* Effect.gen(function*() {
      const systemd = yield* Systemd.make
      yield* systemd.serving(group, settings)
      yield* run(systemd, said, server)
    }).pipe(
      Effect.provideService(ChildProcessSpawner.ChildProcessSpawner, spawner),
      Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env }))
    )
  })

const socket = { NOTIFY_SOCKET: "/run/systemd/notify" }

describe("systemd", () => {
  it.effect("hears that the server is ready, each new status once, and that it stops", () =>
    told(socket, ({ stopping }, said) =>
      Effect.gen(function*() {
        yield* TestClock.adjust("10 seconds")
        yield* stopping
        assert.deepStrictEqual(said, [
          "READY=1",
          "STATUS=nobody leads, 1 server",
          "STATUS=we lead, term 7, 1 server",
          "STOPPING=1"
        ])
      })))

  it.effect("hears that a server which leads by a lease is ready when it votes, and that this takes longer", () =>
    told({ ...socket, VOTES_IN: "30000" }, (_, said) =>
      Effect.gen(function*() {
        yield* TestClock.adjust("29 seconds")
        assert.deepStrictEqual(said, ["STATUS=votes in 30s at the latest", "EXTEND_TIMEOUT_USEC=40000000"])
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(said.slice(2), ["READY=1"])
      })))

  it.effect("hears that the server lives twice in each WATCHDOG_USEC, and no more once it has sent nothing for long", () =>
    told(
      { ...socket, WATCHDOG_USEC: "8000000", WATCHDOG_PID: String(process.pid) },
      (_, said, server) =>
        Effect.gen(function*() {
          const fed = () => said.filter((text) => text === "WATCHDOG=1").length
          yield* TestClock.adjust("40 seconds")
          assert.strictEqual(fed(), 11)
          // Two heartbeats of `fast` and half of the watchdog's time: the longest that is no reason to worry.
          server.pulse = 5_000
          yield* TestClock.adjust("4 seconds")
          assert.strictEqual(fed(), 12)
          server.pulse = 5_001
          yield* TestClock.adjust("40 seconds")
          assert.strictEqual(fed(), 12)
          server.pulse = 0
          yield* TestClock.adjust("4 seconds")
          assert.strictEqual(fed(), 13)
        })
    ))

  it.effect.each([
    { WATCHDOG_USEC: "8000000", WATCHDOG_PID: String(process.pid + 1) },
    { WATCHDOG_USEC: "soon" },
    { WATCHDOG_USEC: "-1" },
    {}
  ])(
    "is not fed where it watches another process or none: %j",
    (env) =>
      told({ ...socket, ...env }, (_, said) =>
        Effect.gen(function*() {
          yield* TestClock.adjust("1 minute")
          assert.notInclude(said, "WATCHDOG=1")
        }))
  )

  it.effect("hears nothing if it did not ask", () =>
    told({ WATCHDOG_USEC: "8000000" }, ({ stopping }, said) =>
      Effect.gen(function*() {
        yield* TestClock.adjust("1 minute")
        yield* stopping
        assert.deepStrictEqual(said, [])
      })))
})

const has = (command: string) => spawnSync(command, ["--version"]).status === 0
// Node cannot listen on such a socket either.
const listener = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("listens", flush=True)
while True:
    print(s.recv(4096).decode(), flush=True)
`

describe.skipIf(!has("systemd-notify") || !has("python3"))("a server under systemd (systemd-notify, python3)", () => {
  it.live("says over the socket that it is ready, its leader, that it lives, and that it stops", () =>
    Effect.gen(function*() {
      const folder = yield* temporary
      const path = Path.join(folder, "notify")
      const systemd = yield* running(() =>
        spawn("python3", ["-c", listener, path], { stdio: ["ignore", "pipe", "inherit"] })
      )
      yield* systemd.until(() => systemd.stdout.includes("listens") ? true : undefined)
      const heard = () => systemd.stdout.split("\n").filter((line) => line.includes("=") && line !== "BARRIER=1")
      const env = yield* Process.group
      const server = yield* Process.start(["--json", "--profile", "fast"], {
        ...env,
        NOTIFY_SOCKET: path,
        WATCHDOG_USEC: "500000"
      })
      const leads = (line: string) => /^STATUS=we lead, term \d+, 1 server$/.test(line)
      yield* systemd.until(() => heard().some(leads) || undefined)
      yield* systemd.until(() => heard().filter((line) => line === "WATCHDOG=1").length >= 3 || undefined)
      yield* server.kill("SIGTERM")
      const { code, stderr } = yield* server.ended
      assert.strictEqual(stderr, "")
      assert.strictEqual(code, 0)
      yield* systemd.until(() => heard().at(-1) === "STOPPING=1" || undefined)
      assert.strictEqual(heard().find((line) => line !== "WATCHDOG=1"), "READY=1")
    }).pipe(Effect.scoped))
})

describe("a server that cannot tell systemd", () => {
  it.live("says so once, with what to do, and serves on", () =>
    Effect.gen(function*() {
      const env = yield* Process.group
      const folder = yield* temporary
      const server = yield* Process.start(["--json", "--profile", "fast"], {
        ...env,
        PATH: folder,
        NOTIFY_SOCKET: Path.join(folder, "nobody"),
        WATCHDOG_USEC: "200000"
      })
      yield* server.event("LeaderChanged")
      yield* server.until(() => server.stderr.includes("\n") ? true : undefined)
      yield* server.kill("SIGTERM")
      const { code, stderr } = yield* server.ended
      assert.match(
        stderr,
        /^bellwether: systemd cannot be told how this server fares \(.*systemd-notify.*\): .*Type=exec.*\n$/
      )
      assert.strictEqual(code, 0)
    }).pipe(Effect.scoped))
})

const root = Path.resolve(import.meta.dirname, "../..")
const unit = Fs.readFileSync(Path.join(root, "deploy/bellwether.service"), "utf8")
const valueOf = (key: string) => new RegExp(`^${key}=(.*)$`, "m").exec(unit)?.[1]

describe("the unit", () => {
  it("starts the program itself, waits for its word, and watches it", () => {
    assert.strictEqual(valueOf("Type"), "notify")
    // systemd-notify is a child.
    assert.strictEqual(valueOf("NotifyAccess"), "all")
    assert.match(valueOf("ExecStart") ?? "", /^\/usr\/bin\/node \S+\/dist\/main\.js serve$/)
    // A wrong setting.
    assert.strictEqual(valueOf("RestartPreventExitStatus"), "2")
    const watchdog = Number(/^(\d+)s$/.exec(valueOf("WatchdogSec") ?? "")?.[1]) * 1000
    assert.isAbove(watchdog, 2 * Settings.timing(Effect.runSync(Settings.make())).heartbeatInterval)
  })

  it.live.skipIf(!has("systemd-analyze"))("has nothing that systemd-analyze finds", () =>
    Effect.gen(function*() {
      const folder = yield* temporary
      const path = Path.join(folder, "bellwether.service")
      // Of this machine's Node: that the path is there is one of the things it looks at.
      Fs.writeFileSync(path, unit.replace("/usr/bin/node", process.execPath))
      const { status, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", path], { encoding: "utf8" })
      assert.notInclude(stderr, "bellwether.service")
      assert.strictEqual(status, 0, stderr)
    }).pipe(Effect.scoped))
})

const temporary = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "bellwether-systemd-"))),
  (folder) => Effect.sync(() => Fs.rmSync(folder, { recursive: true, force: true }))
)
const running = (spawned: () => ReturnType<typeof spawn>) =>
  Effect.acquireRelease(Effect.sync(() => new Process.Running(spawned())), (running) => running.kill("SIGKILL"))
