/** `client` and `send` as processes: their output, in its order, and how they end. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { bodiesOf, event, eventsOf, startClient } from "./clientProcess.ts"
import * as Process from "./process.ts"
import * as Tmux from "./tmux.ts"

/** A group of one server that leads. */
const served = Effect.gen(function*() {
  const env = yield* Process.group
  const server = yield* Process.start(["--json", "--profile", "fast", "--name", "server"], env)
  yield* server.event("LeaderChanged")
  return { env, server }
})

describe("client --json (protocol 3, 5)", () => {
  it.live("sends the lines of standard input, reports events, and leaves at its end when all is acknowledged", () =>
    Effect.gen(function*() {
      const { env, server } = yield* served
      const bob = yield* startClient(["--json", "--name", "bob"], env)
      const { leader } = yield* event(bob, "Joined")
      assert.strictEqual(leader.id, (yield* server.event("Started")).self.id)
      const alice = yield* startClient(["--json", "--name", "alice"], env)
      yield* event(alice, "Joined")
      const lines = Array.from({ length: 100 }, (_, at) => `line ${at}`)
      yield* alice.type(`${lines.join("\n")}\n`)
      yield* Effect.sync(() => alice.child.stdin?.end("the last, without its end"))
      const { code, stderr } = yield* alice.ended
      assert.strictEqual(stderr, "")
      assert.strictEqual(code, 0)
      const all = [...lines, "the last, without its end"]
      const acknowledged = eventsOf(alice).flatMap((event) => event.event === "MessageAcknowledged" ? [event.seq] : [])
      assert.deepStrictEqual(acknowledged.toSorted((a, b) => a - b), all.map((_, at) => at + 1))
      assert.strictEqual(eventsOf(alice).at(-1)?.event, "Left")

      yield* bob.until(() => bodiesOf(bob, "alice").length === all.length ? true : undefined)
      assert.deepStrictEqual(bodiesOf(bob, "alice"), all)
      yield* server.event("ClientJoined", ({ client }) => client.name === "alice")
      yield* server.event("ClientLeft", ({ client, reason }) => client.name === "alice" && reason._tag === "Left")
      const atServer = server.events.flatMap((event) =>
        event.event === "MessageReceived" && event.client.name === "alice" ? [[event.seq, event.body]] : []
      )
      assert.deepStrictEqual(atServer, all.map((body, at) => [at + 1, body]))

      // Told to stop, it leaves, and that is a success.
      yield* bob.kill("SIGTERM")
      assert.strictEqual((yield* bob.ended).code, 0)
      yield* server.event("ClientLeft", ({ client, reason }) => client.name === "bob" && reason._tag === "Left")
    }).pipe(Effect.scoped))

  it.live("a line that is too large is refused, the others are sent, and it ends with 2", () =>
    Effect.gen(function*() {
      const { env, server } = yield* served
      const client = yield* startClient(["--name", "alice", "--max-message-bytes", "512"], env)
      yield* Effect.sync(() => client.child.stdin?.end(`one\n${"x".repeat(511)}\nthree\n`))
      const { code, stderr, stdout } = yield* client.ended
      assert.deepStrictEqual(stderr.split("\n"), [
        "bellwether: line 2: the body takes 513 bytes of JSON, 512 are allowed",
        "bellwether: 1 of 3 lines were not acknowledged",
        ""
      ])
      assert.strictEqual(code, 2)
      assert.match(
        stdout,
        /^\d{4}-\d\d-\d\dT[\d:.]+Z talking to the leader at 127\.0\.0\.1:\d+$/m
      )
      assert.match(stdout, / the leader acknowledged message 2$/m)
      yield* server.event("MessageReceived", ({ body }) => body === "three")
    }).pipe(Effect.scoped))

  it.live("if nobody answers it says what to check, and ends with 3 once its lines have waited", () =>
    Effect.gen(function*() {
      const env = yield* Process.group
      const client = yield* startClient(["--json", "--timeout", "500ms"], env)
      yield* Effect.sync(() => client.child.stdin?.end("one\ntwo\n"))
      const { code, stderr } = yield* client.ended
      const [first, last, ...rest] = stderr.trimEnd().split("\n")
      assert.match(
        first!,
        /^bellwether: line 1: nobody in group "cli-.*" answered within 500 ms .* check .*firewall.*$/
      )
      assert.match(last!, /^bellwether: 2 of 2 lines were not acknowledged$/)
      assert.deepStrictEqual(rest, [])
      assert.strictEqual(code, 3)
    }).pipe(Effect.scoped))

  it.live("a reader that goes away ends it gracefully", () =>
    Effect.gen(function*() {
      const { env, server } = yield* served
      const client = yield* startClient(["--json", "--name", "unread"], env)
      yield* event(client, "Joined")
      yield* Effect.sync(() => client.child.stdout?.destroy())
      yield* Process.run(["send", "hello"], env)
      const { code, stderr } = yield* client.ended
      assert.strictEqual(stderr, "")
      assert.strictEqual(code, 0)
      yield* server.event("ClientLeft", ({ reason }) => reason._tag === "Left")
    }).pipe(Effect.scoped))
})

describe("send", () => {
  it.live("ends with 0 once the message is acknowledged, and says by whom", () =>
    Effect.gen(function*() {
      const { env, server } = yield* served
      const { self } = yield* server.event("Started")
      const { code, stderr, stdout } = yield* Process.run(["send", "hello there", "--name", "door"], env)
      assert.strictEqual(stderr, "")
      assert.strictEqual(stdout, `acknowledged by the leader at ${self.ip}:${self.port}\n`)
      assert.strictEqual(code, 0)
      yield* server.event("MessageReceived", ({ body, client }) => body === "hello there" && client.name === "door")
      const json = JSON.parse((yield* Process.run(["send", "--json", "--", "--dashes"], env)).stdout)
      assert.strictEqual(json.seq, 1)
      assert.strictEqual(json.leader.id, self.id)
      yield* server.event("MessageReceived", ({ body, client }) => body === "--dashes" && client.id === json.client.id)
    }).pipe(Effect.scoped))

  it.live("ends with 3 when nobody answers in time, and says what to check", () =>
    Effect.gen(function*() {
      const env = yield* Process.group
      const { code, stderr, stdout } = yield* Process.run(["send", "hello", "--timeout", "300ms"], env)
      assert.match(stderr, /^bellwether: nobody in group "cli-.*" answered within 300 ms .*check.*firewall.*\n$/)
      assert.strictEqual(stdout, "")
      assert.strictEqual(code, 3)
    }))
})

describe("the command line of client and send", () => {
  it.live.each(
    ([
      [["send"], /^bellwether: the text is missing; allowed: .*quotes.*\n$/],
      [["send", "two", "words"], /^bellwether: unknown word "words"; allowed here: flags only, .*quotes.*\n$/],
      [
        ["send", "x".repeat(511), "--max-message-bytes", "512"],
        /^bellwether: the body takes 513 bytes of JSON, 512 are allowed\n$/
      ],
      [["send", "hello", "--timeout", "soon"], /^bellwether: --timeout is "soon"; allowed: a duration .*\n$/],
      [["client", "hello"], /^bellwether: unknown word "hello"; .*\n$/],
      [["client", "--port", "0"], /^bellwether: --port is 0; allowed: .*\n$/],
      [["client", "--priority", "1"], /^bellwether: --priority is no flag of client.*\n$/],
      [["client", "--name", ""], /^bellwether: --name .*allowed: 1 to 64 bytes of text.*\n$/],
      [["clint"], /^bellwether: unknown word "clint"; allowed: .*; did you mean client\? .*\n$/]
    ] as const).map(([args, line]) => [args.join(" ").slice(0, 40), args, line] as const)
  )("%s is refused in one line on standard error, with exit code 2", ([_, args, line]) =>
    Effect.gen(function*() {
      const { code, stderr, stdout } = yield* Process.run(args, { ...(yield* Process.group) })
      assert.match(stderr, line)
      assert.strictEqual(stdout, "")
      assert.strictEqual(code, 2)
    }))
})

const clientCommand = (name: string) =>
  `${Tmux.command("client", "--name", name, "--max-message-bytes", "512")}; echo "ended with $?"; exec cat`

describe.skipIf(!Tmux.isThere)("client on a terminal (tmux)", () => {
  it.live("messages that arrive stand above the line that is typed, which stays whole; Ctrl-D and Ctrl-C leave", () =>
    Effect.gen(function*() {
      const { env, server } = yield* served
      const terminal = yield* Tmux.terminals
      const { see } = terminal
      terminal.start("alice", 80, env, clientCommand("alice"))
      terminal.start("bob", 60, env, clientCommand("bob"))
      for (const name of ["alice", "bob"]) yield* see(name, (lines) => lines.some((line) => line.includes("joined: 1")))

      // Two rows and a bit, in one go as when it is pasted, then changed in its middle.
      const words =
        "these are many words which bob has pasted, and they take more than two of the rows that his terminal has"
      terminal.type("bob", "-l", words)
      terminal.type("alice", "-l", "hello bob")
      terminal.type("alice", "Enter")
      yield* see("bob", (lines) => lines.some((line) => /^\d\d:\d\d:\d\d {2}alice: hello bob$/.test(line)))
      terminal.type("bob", "Left", "Left", "Left")
      terminal.type("bob", "-l", "X")
      terminal.type("alice", "-l", "and again")
      terminal.type("alice", "Enter")
      yield* see("bob", (lines) => lines.some((line) => line.endsWith("alice: and again")))
      const typed = `bob> ${words.slice(0, -3)}X${words.slice(-3)}`
      yield* see("bob", (lines) => lines.slice(-2).join("") === typed)
      assert.lengthOf(terminal.screen("bob").filter((line) => line.startsWith("bob>")), 1)

      terminal.type("bob", "Enter")
      yield* see("alice", (lines) => lines.slice(-3).join("").includes(`bob: ${typed.slice("bob> ".length)}`))
      // A line that is too large is given back to be changed.
      terminal.type("bob", "-l", "y".repeat(520))
      terminal.type("bob", "Enter")
      yield* see("bob", (lines) => lines.includes("not sent: the body takes 522 bytes of JSON, 512 are allowed"))
      yield* see("bob", (lines) => lines.join("").endsWith(`bob> ${"y".repeat(520)}`))

      terminal.type("alice", "C-d")
      yield* see(
        "alice",
        (lines) => lines.at(-1) === "ended with 0" && lines.at(-2)?.endsWith("left the group") === true
      )
      terminal.type("bob", "C-c")
      yield* see("bob", (lines) => lines.at(-1) === "ended with 0" && lines.at(-2)?.endsWith("left the group") === true)
      for (const name of ["alice", "bob"]) {
        yield* server.event("ClientLeft", ({ client, reason }) => client.name === name && reason._tag === "Left")
      }
    }).pipe(Effect.scoped))
})
