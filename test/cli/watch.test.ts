/**
 * `watch` as a process: over the network and by a server's HTTP API, on a terminal and without one.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawnSync } from "node:child_process"
import * as Process from "./process.ts"
import * as Tmux from "./tmux.ts"

const shell = spawnSync("bash", ["--version"]).status === 0
const prompt = (lines: ReadonlyArray<string>) => lines.at(-1)?.startsWith("$") === true
const sees = (text: string) => (lines: ReadonlyArray<string>) => lines.some((line) => line.includes(text))

const token = "watch-0123456789abcdef"

/** Two servers that have met, of which the second leads. */
const group = Effect.gen(function*() {
  const env = { ...yield* Process.group, BELLWETHER_PROFILE: "fast" }
  const low = yield* Process.start(["--json", "--name", "low", "--http", "127.0.0.1:0"], env)
  yield* low.event("LeaderChanged")
  const high = yield* Process.start(["--json", "--name", "high", "--priority", "9"], env)
  yield* low.event("LeaderChanged", ({ leader }) => leader?.name === "high")
  const url = yield* low.until(() => /the page is at (http:\S+)/.exec(low.stderr)?.[1])
  return { env, low, high, url }
})

/** Shown at first, or told as it happens. */
const leads = (name: string) => new RegExp(`${name} leads, term|${name} \\(.*\\) leads`)

describe("watch without a terminal", () => {
  it.live("prints the group once, then what happens, and nobody sees it", () =>
    Effect.gen(function*() {
      const { env, high, low } = yield* group
      const watch = yield* Process.start(["watch"], env)
      yield* watch.until(() => leads("high").test(watch.stdout) ? true : undefined)
      yield* watch.until(() => /^ {4}low /m.test(watch.stdout) ? true : undefined)
      yield* high.kill("SIGTERM")
      yield* watch.until(() => /^\S+ high \(127\.0\.0\.1:\d+\) left$/m.test(watch.stdout) ? true : undefined)
      yield* watch.until(() =>
        /^\S+ low \(127\.0\.0\.1:\d+\) leads: the leader left/m.test(watch.stdout) ? true : undefined
      )
      yield* watch.kill("SIGTERM")
      assert.strictEqual((yield* watch.ended).code, 0)
      assert.deepStrictEqual(low.events.filter(({ event }) => event === "MemberJoined").length, 1)
      assert.deepStrictEqual(low.events.filter(({ event }) => event.startsWith("Client")), [])
    }))

  it.live("says that nobody answers, and sees who comes later", () =>
    Effect.gen(function*() {
      const env = { ...yield* Process.group, BELLWETHER_PROFILE: "fast" }
      const watch = yield* Process.start(["watch"], env)
      yield* watch.until(() => watch.stdout.includes("not current: nobody in group") ? true : undefined)
      yield* Process.start(["--json", "--name", "late"], env)
      yield* watch.until(() => leads("late").test(watch.stdout) ? true : undefined)
    }))

  it.live("says that the group has another key", () =>
    Effect.gen(function*() {
      const env = { ...yield* Process.group, BELLWETHER_PROFILE: "fast" }
      yield* Process.start(["--json"], { ...env, BELLWETHER_KEY: "5e".repeat(32) })
      const watch = yield* Process.start(["watch"], { ...env, BELLWETHER_KEY: "5f".repeat(32) })
      yield* watch.until(() =>
        watch.stdout.includes("WRONG KEY: sealed with a key that we do not have") ? true : undefined
      )
    }))

  it.live("asks the seeds where there is no multicast", () =>
    Effect.gen(function*() {
      const env = { ...yield* Process.group, BELLWETHER_PROFILE: "fast", BELLWETHER_MULTICAST: "off" }
      // Not the group's own.
      const port = (yield* Process.group)["BELLWETHER_PORT"] ?? ""
      const server = yield* Process.start(["--json", "--name", "alone", "--unicast-port", port], env)
      yield* server.event("Started")
      const watch = yield* Process.start(["watch", "--seeds", `127.0.0.1:${port}`], env)
      yield* watch.until(() => leads("alone").test(watch.stdout) ? true : undefined)
      assert.include(watch.stdout, "observed by seeds")
    }))

  it.live("by --url prints what a server has seen and sees, also when that is not there for a while", () =>
    Effect.gen(function*() {
      const { env, high, low, url } = yield* group
      const watch = yield* Process.start(["watch", "--url", url], env)
      yield* watch.until(() => watch.stdout.includes(`by ${url}`) ? true : undefined)
      yield* watch.until(() => /^\S+ started as low /m.test(watch.stdout) ? true : undefined)
      yield* high.kill("SIGTERM")
      yield* watch.until(() => /^\S+ high \(127\.0\.0\.1:\d+\) left$/m.test(watch.stdout) ? true : undefined)
      yield* low.kill("SIGKILL")
      yield* watch.until(() => /^not current: \S+ does not answer \(ECONN\w+\)/m.test(watch.stdout) ? true : undefined)
      yield* Process.start(["--json", "--name", "again", "--http", new URL(url).host], env)
      yield* watch.until(() => /^\S+ started as again /m.test(watch.stdout) ? true : undefined)
    }))

  it.live.each<[args: ReadonlyArray<string>, complaint: string]>([
    [["--url", "nonsense"], "bellwether: --url is \"nonsense\"; allowed: the address of a server's page, such as"],
    [["--url", "ftp://host"], "bellwether: --url is \"ftp://host\"; allowed: the address of a server's page"],
    [["--http-token-file", "/nope"], "bellwether: --http-token-file is /nope; allowed: a file that can be read"],
    [["--priority", "1"], "bellwether: --priority is no flag of watch"]
  ])("refuses %j in one line, with exit code 2", ([args, complaint]) =>
    Effect.gen(function*() {
      const { code, stderr, stdout } = yield* Process.run(["watch", ...args], yield* Process.group)
      assert.strictEqual(code, 2)
      assert.strictEqual(stdout, "")
      assert.isTrue(stderr.startsWith(complaint), stderr)
      assert.strictEqual(stderr.trimEnd().split("\n").length, 1)
    }))

  it.live("says what is missing where a server wants a token, and takes it from the environment", () =>
    Effect.gen(function*() {
      const env = { ...yield* Process.group, BELLWETHER_PROFILE: "fast" }
      const server = yield* Process.start(["--json", "--http", "0.0.0.0:0"], { ...env, BELLWETHER_HTTP_TOKEN: token })
      const port = yield* server.until(() => /the page is at http:\S+:(\d+)/.exec(server.stderr)?.[1])
      const url = `http://127.0.0.1:${port}`
      const { code, stderr } = yield* Process.run(["watch", "--url", url], env)
      assert.strictEqual(code, 2)
      assert.match(
        stderr,
        /^bellwether: http:\S+ refused: it wants the token of the server; set BELLWETHER_HTTP_TOKEN, .*\n$/
      )
      const watch = yield* Process.start(["watch", "--url", url], { ...env, BELLWETHER_HTTP_TOKEN: token })
      yield* watch.until(() => watch.stdout.includes(`by ${url}`) ? true : undefined)
    }))
})

describe.skipIf(!Tmux.isThere || !shell)("watch on a terminal (tmux, bash)", () => {
  it.live("shows the group, takes keys, fits another size, stops and goes on, and gives the terminal back", () =>
    Effect.gen(function*() {
      const { env, high } = yield* group
      const terminal = yield* Tmux.terminals
      terminal.start("shell", 100, env, "PS1='$ ' exec bash --norc -i")
      yield* terminal.see("shell", prompt)
      terminal.type("shell", "-l", Tmux.command("watch"))
      terminal.type("shell", "Enter")
      yield* terminal.see("shell", sees("* high"))
      assert.strictEqual(terminal.modes("shell"), "1 0")
      terminal.type("shell", "Down", "Enter")
      yield* terminal.see("shell", sees("  leads     the group, term"))
      terminal.type("shell", "Escape")
      yield* terminal.see("shell", (lines) => !sees("  started   ")(lines))
      terminal.type("shell", "-l", "/low")
      yield* terminal.see("shell", sees("/low_  1 of 2"))
      terminal.type("shell", "Enter")
      terminal.type("shell", "?")
      yield* terminal.see("shell", sees("  KEYS"))
      terminal.type("shell", "?")
      terminal.type("shell", "C-z")
      yield* terminal.see("shell", (lines) => sees("Stopped")(lines) && prompt(lines))
      assert.strictEqual(terminal.modes("shell"), "0 1")
      terminal.type("shell", "-l", "echo typed and shown")
      terminal.type("shell", "Enter")
      yield* terminal.see("shell", (lines) => lines.some((line) => line === "typed and shown"))
      terminal.type("shell", "fg", "Enter")
      yield* terminal.see("shell", sees("/low  1 of 2"))
      terminal.resize("shell", 20, 10)
      yield* terminal.see("shell", (lines) => lines[0] === "Bellwether  group c…" && lines.length <= 10)
      terminal.resize("shell", 100, 24)
      yield* high.kill("SIGKILL")
      yield* terminal.see("shell", sees("low leads, term"))
      yield* terminal.see("shell", sees("lists it no more"))
      terminal.type("shell", "q")
      yield* terminal.see("shell", (lines) => sees("lists it no more")(lines) && prompt(lines))
      assert.strictEqual(terminal.modes("shell"), "0 1")
      terminal.type("shell", "-l", "echo back")
      terminal.type("shell", "Enter")
      yield* terminal.see("shell", (lines) => lines.some((line) => line === "back"))
    }))
})
