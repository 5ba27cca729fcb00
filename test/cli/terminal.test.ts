/**
 * The program on a terminal that is not read, and as a job of a shell that stops it and lets it go on.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawnSync } from "node:child_process"
import * as Process from "./process.ts"
import * as Tmux from "./tmux.ts"

const shell = spawnSync("bash", ["--version"]).status === 0
const prompt = (lines: ReadonlyArray<string>) => lines.at(-1)?.startsWith("$") === true

/** A group with a server whose events are read, and a shell on a terminal. */
const watched = Effect.gen(function*() {
  const env = { ...yield* Process.group, BELLWETHER_PROFILE: "fast" }
  const other = yield* Process.start(["--json", "--name", "other"], env)
  yield* other.event("LeaderChanged")
  const terminal = yield* Tmux.terminals
  terminal.start("shell", 80, env, "PS1='$ ' exec bash --norc -i")
  yield* terminal.see("shell", prompt)
  const run = (...args: ReadonlyArray<string>) => {
    const redirected = args.filter((arg) => arg.startsWith("<"))
    const words = Tmux.command(...args.filter((arg) => !arg.startsWith("<")))
    terminal.type("shell", "-l", [words, ...redirected].join(" "))
    terminal.type("shell", "Enter")
  }
  return { env, other, run, terminal }
})

const sees = (text: string) => (lines: ReadonlyArray<string>) => lines.some((line) => line.includes(text))

describe.skipIf(!Tmux.isThere || !shell)("on a terminal that is not read (tmux, bash)", () => {
  it.live("a server goes on leading, ends when it is told to, and has given the terminal back when that is read again", () =>
    Effect.gen(function*() {
      const { env, other, run, terminal } = yield* watched
      run("serve", "--name", "kitchen", "--priority", "9")
      yield* terminal.see("shell", sees("We lead, term"))
      const { member } = yield* other.event("MemberJoined", ({ member }) => member.name === "kitchen")
      const pid = Process.childOf(terminal.pid("shell"))
      const thaw = yield* Effect.acquireRelease(Effect.sync(terminal.freeze), (thaw) => Effect.sync(thaw))
      // Each of these is drawn, and they take longer than a paused server would be a member.
      for (const text of ["one", "two", "three"]) {
        assert.strictEqual((yield* Process.run(["send", text, "--timeout", "5s"], env)).code, 0)
        yield* other.event("MessageReceived", ({ body }) => body === text)
      }
      process.kill(pid!, "SIGTERM")
      const removed = yield* other.event("MemberRemoved")
      assert.strictEqual(removed.member.id, member.id)
      assert.strictEqual(removed.reason._tag, "Left")
      thaw()
      yield* terminal.see("shell", (lines) => sees("left the group")(lines) && prompt(lines))
      assert.strictEqual(terminal.modes("shell"), "0 1")
    }))

  it.live("a server that takes no keys goes on after Ctrl-S, and ends when it is told to", () =>
    Effect.gen(function*() {
      const { env, other, run, terminal } = yield* watched
      run("serve", "--name", "kitchen", "</dev/null")
      yield* terminal.see("shell", sees("kitchen ("))
      const { member } = yield* other.event("MemberJoined", ({ member }) => member.name === "kitchen")
      terminal.type("shell", "C-s")
      for (const text of ["one", "two", "three"]) {
        assert.strictEqual((yield* Process.run(["send", text, "--timeout", "5s"], env)).code, 0)
        yield* other.event("MessageReceived", ({ body }) => body === text)
      }
      const pid = Process.childOf(terminal.pid("shell"))
      process.kill(pid!, "SIGTERM")
      const removed = yield* other.event("MemberRemoved")
      assert.strictEqual(removed.member.id, member.id)
      assert.strictEqual(removed.reason._tag, "Left")
    }))
})

describe.skipIf(!Tmux.isThere || !shell)("as a job of a shell (tmux, bash)", () => {
  it.live("a server gives the terminal to the shell when it is stopped, and takes it again in the foreground only", () =>
    Effect.gen(function*() {
      const { run, terminal } = yield* watched
      run("serve", "--name", "kitchen")
      yield* terminal.see("shell", sees("kitchen ("))
      yield* terminal.see("shell", (lines) => lines[0]?.startsWith("Bellwether") === true)
      terminal.type("shell", "C-z")
      yield* terminal.see("shell", (lines) => sees("Stopped")(lines) && prompt(lines))
      assert.strictEqual(terminal.modes("shell"), "0 1")
      terminal.type("shell", "bg", "Enter")
      yield* terminal.see("shell", (lines) => sees("&")(lines) && prompt(lines))
      terminal.type("shell", "fg", "Enter")
      yield* terminal.see("shell", (lines) => lines[0]?.startsWith("Bellwether") === true)
      assert.strictEqual(terminal.modes("shell"), "1 0")
      terminal.type("shell", "C-c")
      yield* terminal.see("shell", (lines) => sees("left the group")(lines) && prompt(lines))
    }))

  it.live("a client takes keys again after Ctrl-Z and fg", () =>
    Effect.gen(function*() {
      const { other, run, terminal } = yield* watched
      run("client", "--name", "alice")
      yield* terminal.see("shell", sees("joined: 1"))
      terminal.type("shell", "-l", "half a")
      yield* terminal.see("shell", sees("alice> half a"))
      terminal.type("shell", "C-z")
      yield* terminal.see("shell", (lines) => sees("Stopped")(lines) && prompt(lines))
      terminal.type("shell", "fg", "Enter")
      yield* terminal.see("shell", (lines) => lines.at(-1) === "alice> half a")
      terminal.type("shell", "-l", " line")
      terminal.type("shell", "Enter")
      yield* other.event("MessageReceived", ({ body }) => body === "half a line")
      terminal.type("shell", "C-c")
      yield* terminal.see("shell", (lines) => sees("left the group")(lines) && prompt(lines))
    }))
})

describe.skipIf(!Tmux.isThere)("on a terminal that is closed (tmux)", () => {
  it.live.each(["serve", "client"])("%s says goodbye to the group", (command) =>
    Effect.gen(function*() {
      const env = { ...yield* Process.group, BELLWETHER_PROFILE: "fast" }
      const other = yield* Process.start(["--json", "--name", "other"], env)
      yield* other.event("LeaderChanged")
      const terminal = yield* Tmux.terminals
      terminal.start("closed", 80, env, Tmux.command(command, "--name", "kitchen"))
      const [came, went] = command === "client"
        ? ["ClientJoined", "ClientLeft"] as const
        : ["MemberJoined", "MemberRemoved"] as const
      yield* other.event(came)
      terminal.close("closed")
      const { reason } = yield* other.event(went)
      assert.strictEqual(reason._tag, "Left")
    }))
})
