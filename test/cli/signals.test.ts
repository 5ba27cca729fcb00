/**
 * The signals that stop the program: which of them do, at any time, and the exit code after each.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Signals from "../../src/cli/signals.ts"
import * as Process from "./process.ts"

const hangup = 1n

describe("whether the program outlives its terminal", () => {
  const none: Signals.Traces = { command: "/usr/bin/node", isInputWriteOnly: false, ignoredByParent: 0n }

  it.each([
    ["nohup ran it", { command: "/usr/bin/nohup" }],
    ["nohup took its standard input", { isInputWriteOnly: true }],
    ["its parent ignores SIGHUP among others", { ignoredByParent: hangup | 4096n }]
  ])("it does where %s", (_, traces) => {
    assert.isTrue(Signals.outlivesTerminal({ ...none, ...traces }))
  })

  it("it does not if there is no such trace", () => {
    assert.isFalse(Signals.outlivesTerminal(none))
    assert.isFalse(Signals.outlivesTerminal({ ...none, command: "/opt/nohup/run", ignoredByParent: 4096n }))
  })
})

describe("SIGHUP", () => {
  it.live("a server without a terminal leaves and ends with 129", () =>
    Effect.gen(function*() {
      const env = yield* Process.group
      const other = yield* Process.start(["--json", "--name", "other"], env)
      const server = yield* Process.start(["--json", "--name", "hung-up", "--priority", "1"], env)
      yield* other.event("LeaderChanged", ({ leader }) => leader?.name === "hung-up")
      yield* server.kill("SIGHUP")
      assert.strictEqual((yield* server.ended).code, 129)
      assert.strictEqual(server.events.at(-1)?.event, "Left")
      yield* other.event("MemberRemoved", ({ member, reason }) => member.name === "hung-up" && reason._tag === "Left")
    }))

  it.live.skipIf(spawnSync("bash", ["-c", "type nohup"]).status !== 0)(
    "a server under nohup goes on",
    () =>
      Effect.gen(function*() {
        const env = yield* Process.group
        const server = yield* Process.startBy(["bash", "-c", "nohup \"$0\" \"$@\""], ["--json"], env, "60 seconds")
        yield* server.event("LeaderChanged")
        yield* server.kill("SIGHUP")
        const other = yield* Process.start(["--json", "--name", "other"], env)
        yield* server.event("MemberJoined", ({ member }) => member.name === "other")
        yield* other.kill("SIGTERM")
        yield* server.kill("SIGTERM")
        assert.strictEqual((yield* server.ended).code, 0)
        assert.strictEqual(server.events.at(-1)?.event, "Left")
      })
  )
})

/** Waits until Node has its own handler of SIGTERM: much earlier than any code of ours runs. */
const nodeListens = (pid: () => number | undefined) =>
  Effect.gen(function*() {
    while (true) {
      const number = pid()
      const caught = number === undefined || !Fs.existsSync(`/proc/${number}/status`)
        ? undefined
        : /^SigCgt:\s*(\S+)$/m.exec(Fs.readFileSync(`/proc/${number}/status`, "utf8"))?.[1]
      if (number !== undefined && (BigInt(`0x${caught ?? "0"}`) & (1n << 14n)) !== 0n) return number
      yield* Effect.sleep("1 millis")
    }
  })

const hasProc = Fs.existsSync(`/proc/self/task/${process.pid}/children`)
const isolates = hasProc && spawnSync("unshare", ["--pid", "--fork", "--mount-proc", "true"]).status === 0

describe.skipIf(!isolates)("the first process of a container (unshare --pid)", () => {
  it.live.each(["SIGTERM", "SIGINT"] as const)(
    "%s ends it while Node starts, before any code of ours runs",
    (signal) =>
      Effect.gen(function*() {
        const env = yield* Process.group
        const container = yield* Process.startBy(
          ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"],
          ["--json"],
          env,
          "60 seconds"
        )
        process.kill(yield* nodeListens(() => Process.childOf(container.child.pid!)), signal)
        const { code, stdout } = yield* container.ended
        assert.strictEqual(code, signal === "SIGTERM" ? 143 : 130)
        assert.strictEqual(stdout, "")
      })
  )
})
