/**
 * `doctor` as a process, on loopback.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { createSocket } from "node:dgram"
import * as Diagnosis from "../../src/doctor/Diagnosis.ts"
import * as Process from "./process.ts"

const decode = Schema.decodeUnknownSync(Diagnosis.Report)
const fast = ["--profile", "fast"]

/** Its report, and how it ended. */
const doctor = Effect.fnUntraced(function*(env: Record<string, string>, ...flags: ReadonlyArray<string>) {
  const { code, stderr, stdout } = yield* Process.run(["doctor", "--json", ...fast, ...flags], env)
  assert.strictEqual(stderr, "")
  const reports = stdout.trimEnd().split("\n").map((line) => decode(JSON.parse(line)))
  const report = reports.at(-1)!
  return { code, report, reports, kinds: report.findings.map(({ finding }) => finding) }
})

/** A server that leads a group of its own. */
const server = Effect.fnUntraced(function*(env: Record<string, string>, name: string) {
  const running = yield* Process.start(["--json", ...fast, "--name", name], env)
  yield* running.event("LeaderChanged")
  return running
})

describe("doctor", () => {
  it.live("finds nothing beside a healthy server, whose group does not notice, and exits 0", () =>
    Effect.gen(function*() {
      const env = yield* Process.group
      const one = yield* server(env, "one")
      const { code, kinds, report } = yield* doctor(env)
      assert.deepStrictEqual([code, kinds, report.healthy], [0, [], true])
      const [seen, ...others] = report.observations.servers
      assert.deepStrictEqual(others, [])
      assert.deepInclude(seen, { name: "one", local: true, interval: 500 })
      const lo = report.observations.interfaces.find(({ chosen }) => chosen)
      assert.deepInclude(lo, { address: "127.0.0.1", why: "Named", refusal: null })
      assert.isAbove(lo?.echoed ?? 0, 0)
      if (process.platform === "linux") {
        assert.isTrue(report.observations.sockets?.some(({ owner }) => owner?.pid === one.child.pid))
      }
      assert.isFalse(one.events.some(({ event }) => event === "MemberJoined"))
      const text = yield* Process.run(["doctor", ...fast], env)
      assert.match(text.stdout, /\n {2}\+ one 127\.0\.0\.1:\d+: heard by multicast .*\n\nHealthy: /)
      assert.deepStrictEqual([text.code, text.stderr], [0, ""])
    }))

  it.live("alone, says so and what to do, and exits 1 with nothing on standard error", () =>
    Effect.gen(function*() {
      const env = yield* Process.group
      const { code, kinds } = yield* doctor(env)
      assert.deepStrictEqual([code, kinds], [1, ["Alone"]])
      const text = yield* Process.run(["doctor", ...fast, "--timeout", "600ms"], env)
      assert.match(text.stdout, /\n! No server of group .*\n {2}> Start one and look again\..*\n\n1 problem\.\n$/)
      assert.deepStrictEqual([text.code, text.stderr], [1, ""])
    }))

  it.live("says how many servers vote, and that none does", () =>
    Effect.gen(function*() {
      const lease = { BELLWETHER_LEADERSHIP: "lease", BELLWETHER_GROUP_SIZE: "1" }
      const env = { ...(yield* Process.group), ...lease }
      const other = yield* Process.start(["--json", ...fast, "--name", "other", "--votes", "off"], env)
      yield* other.event("Started")
      const none = yield* doctor(env)
      assert.deepStrictEqual([none.code, none.kinds], [1, ["NobodyVotes"]])
      const voter = yield* server(env, "voter")
      yield* other.event("LeaderChanged", ({ leader }) => leader?.name === "voter")
      const { code, kinds, report } = yield* doctor(env)
      assert.deepStrictEqual([code, kinds], [0, []])
      assert.deepStrictEqual(
        Object.fromEntries(report.observations.servers.map(({ name, votesIn }) => [name, votesIn])),
        { other: 86_400_000, voter: undefined }
      )
      const text = yield* Process.run(["doctor", ...fast], env)
      assert.match(text.stdout, /\nServers: 1 of 2 vote, groupSize is 1\n/)
      const differs = yield* doctor({ ...env, BELLWETHER_GROUP_SIZE: "3" })
      assert.strictEqual(differs.code, 1)
      assert.include(differs.kinds, "GroupSizeDiffers")
      assert.isDefined(voter)
    }))

  it.live("hears a group of another name on the same port", () =>
    Effect.gen(function*() {
      const env = yield* Process.group
      yield* server(env, "one")
      const { code, kinds, report } = yield* doctor(env, "--group", "Order")
      assert.deepStrictEqual([code, kinds], [1, ["OtherGroup", "Alone"]])
      assert.deepStrictEqual(report.observations.foreign.map(({ ip, reason }) => [ip, reason]), [[
        "127.0.0.1",
        "OtherGroup"
      ]])
    }))

  it.live("hears a group with another key, and is content in a keyed group that it has the key of", () =>
    Effect.gen(function*() {
      const env = yield* Process.group
      const keyed = { ...env, BELLWETHER_KEY: "ab".repeat(32) }
      yield* server(keyed, "one")
      // On a busy machine a heartbeat and its proof take longer than one listens by default.
      const inside = yield* doctor(keyed, "--timeout", "3s")
      assert.deepStrictEqual([inside.code, inside.kinds], [0, []])
      const lo = inside.report.observations.interfaces.find(({ chosen }) => chosen)
      assert.isAbove(lo?.echoed ?? 0, 0)
      const outside = yield* doctor({ ...env, BELLWETHER_KEY: "cd".repeat(32) })
      assert.deepStrictEqual([outside.code, outside.kinds], [1, ["WrongKey", "Alone"]])
      assert.notInclude(JSON.stringify(outside.report), "cdcdcd")
    }))

  it.live("names the program that holds the port and does not share it", () =>
    Effect.gen(function*() {
      const env = yield* Process.group
      yield* Effect.acquireRelease(
        Effect.callback<() => void>((resume) => {
          const socket = createSocket("udp4")
          socket.bind(Number(env["BELLWETHER_PORT"]), "127.0.0.1", () => resume(Effect.succeed(() => socket.close())))
        }),
        (close) => Effect.sync(close)
      )
      const { code, kinds, report } = yield* doctor(env)
      assert.deepStrictEqual([code, kinds], [1, ["PortTaken"]])
      assert.include(report.findings[0]?.says, "EADDRINUSE")
      if (process.platform === "linux") assert.include(report.findings[0]?.says, `(process ${process.pid})`)
    }))

  it.live("watches for changes: a server that comes, and one that goes", () =>
    Effect.gen(function*() {
      const env = yield* Process.group
      const watching = yield* Process.start(["doctor", ...fast, "--watch", "6s", "--timeout", "500ms"], env)
      yield* watching.until(() => watching.stdout.includes("1 problem.") ? true : undefined)
      yield* server(env, "one")
      const { code, stdout } = yield* watching.ended
      assert.match(stdout, /\n\d\d:\d\d:\d\d {2}no longer: No server of group /)
      assert.match(stdout, /\nHealthy: nothing keeps [^\n]*\n$/)
      // There was a problem, while it watched.
      assert.strictEqual(code, 1)
    }))

  it.live.each(
    [
      [["doctor", "--watch", "soon"], /^bellwether: --watch is "soon"; allowed: a duration from 1s to 24h.*\n$/],
      [["doctor", "--priority", "1"], /^bellwether: --priority is no flag of doctor.*\n$/]
    ] as const
  )("%j is refused in one line, with exit code 2", ([args, line]) =>
    Effect.gen(function*() {
      const { code, stderr, stdout } = yield* Process.run(args)
      assert.match(stderr, line)
      assert.deepStrictEqual([code, stdout], [2, ""])
    }))
})
