import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Settings from "../../src/settings/Settings.ts"
import { version } from "../../src/status/Version.ts"
import * as Process from "./process.ts"

describe("the command line", () => {
  it.live.each(
    [
      [["--port", "70000"], /^bellwether: --port is 70000; allowed: a whole number from 1 to 65535\n$/],
      [["serve", "--ttl", "-1"], /^bellwether: --ttl is -1; allowed: .*\n$/],
      [["--prot", "4000"], /^bellwether: unknown flag --prot; did you mean --port\? .*\n$/],
      [
        ["stray"],
        /^bellwether: unknown word "stray"; allowed: serve, watch, members, leader, doctor, client, send, resign, step-down, transfer, evict, simulate .*\n$/
      ],
      [["serve", "stray"], /^bellwether: unknown word "stray"; .*\n$/],
      [
        ["members", "--interfaces", "nope0"],
        /^bellwether: --interfaces is "nope0"; allowed: one that is up: .*lo.*\n$/
      ],
      [["members", "--timeout", "soon"], /^bellwether: --timeout is "soon"; allowed: .*\n$/],
      [["--name", "a\u001b[2Jb"], /^bellwether: --name is "a\\u001b\[2Jb"; allowed: .*\n$/],
      [["--group", "orders\r"], /^bellwether: --group is "orders\\r"; allowed: 1 to 64 bytes of text, no blank.*\n$/],
      [["leader", "--priority", "1"], /^bellwether: --priority is no flag of leader.*\n$/]
    ] as const
  )("%j is refused in one line on standard error, with exit code 2", ([args, line]) =>
    Effect.gen(function*() {
      const { code, stderr, stdout } = yield* Process.run(args)
      assert.match(stderr, line)
      assert.strictEqual(stdout, "")
      assert.strictEqual(code, 2)
    }))

  it.live("a bad environment is refused by its own name, by every command", () =>
    Effect.gen(function*() {
      for (const args of [[], ["members"]]) {
        const { code, stderr, stdout } = yield* Process.run(args, { BELLWETHER_PORT: "eleven" })
        assert.strictEqual(stderr, "bellwether: BELLWETHER_PORT is eleven; allowed: a whole number from 1 to 65535\n")
        assert.strictEqual(stdout, "")
        assert.strictEqual(code, 2)
      }
    }))

  it.live("a variable of Kubernetes and a misspelt one are reported once on standard error, and passed over", () =>
    Effect.gen(function*() {
      const env = yield* Process.group
      const { code, stderr } = yield* Process.run(["simulate", "--minutes", "1", "--servers", "1"], {
        ...env,
        BELLWETHER_PORT: "tcp://10.0.0.1:16983",
        BELLWETHER_SERVICE_HOST: "10.0.0.1",
        BELLWETHER_PROIRITY: "99"
      })
      const lines = stderr.trimEnd().split("\n")
      assert.lengthOf(lines, 2)
      assert.match(lines[0]!, /^bellwether: BELLWETHER_PORT is tcp:\/\/10.*Kubernetes.*enableServiceLinks: false/)
      assert.match(lines[1]!, /^bellwether: BELLWETHER_PROIRITY is no setting .*; did you mean BELLWETHER_PRIORITY\?$/)
      assert.strictEqual(code, 0)
    }))

  it.live("help shows every setting with its default and its name in the environment", () =>
    Effect.gen(function*() {
      const { code, stderr, stdout } = yield* Process.run(["--help"])
      for (const key of Settings.flagKeys) {
        assert.include(stdout, Settings.flagName(key))
        assert.include(
          stdout,
          `(default: ${Settings.defaultText(key)}; environment: ${Settings.environmentName(key)})`
        )
      }
      assert.include(stdout, "BELLWETHER_KEY ")
      const [codes] = /(?<=^EXIT CODES\n).*/ms.exec(stdout) ?? []
      assert.deepStrictEqual(codes?.match(/^ +\d+/gm)?.map(Number), [0, 1, 2, 3, 70, 129, 130, 143])
      assert.strictEqual(stderr, "")
      assert.strictEqual(code, 0)
    }))

  it.live("the version is that of the package", () =>
    Effect.gen(function*() {
      const { version: packaged } = JSON.parse(
        Fs.readFileSync(Path.resolve(import.meta.dirname, "../../package.json"), "utf8")
      )
      assert.strictEqual(version, packaged)
      const { code, stdout } = yield* Process.run(["--version"])
      assert.include(stdout, packaged)
      assert.strictEqual(code, 0)
    }))
})

describe("serve", () => {
  it.live("two servers find each other, agree on one leader, and the other leads when it leaves", () =>
    Effect.gen(function*() {
      const env = yield* Process.group
      const low = yield* Process.start(["--json", "--name", "low"], env)
      const high = yield* Process.start(["serve", "--json", "--name", "high", "--priority", "5"], env)
      const led = yield* low.event("LeaderChanged", ({ leader }) => leader?.name === "high")
      const ruled = yield* high.event(
        "LeaderChanged",
        ({ leader, term }) => leader?.name === "high" && term === led.term
      )
      assert.strictEqual(led.leader?.id, ruled.leader?.id)
      yield* low.event("MemberJoined", ({ member }) => member.name === "high")
      yield* high.event("MemberJoined", ({ member }) => member.name === "low")

      yield* high.kill("SIGINT")
      const { code, stderr } = yield* high.ended
      assert.strictEqual(code, 0)
      assert.strictEqual(stderr, "")
      assert.strictEqual(high.events.at(0)?.event, "Started")
      assert.strictEqual(high.events.at(-1)?.event, "Left")
      yield* low.event("MemberRemoved", ({ member, reason }) => member.name === "high" && reason._tag === "Left")
      yield* low.event("LeaderChanged", ({ leader, term }) => leader?.name === "low" && term > led.term)
      yield* low.kill("SIGTERM")
      assert.strictEqual((yield* low.ended).code, 0)
    }))

  it.live("without a terminal it prints a line an event, and logs go to standard error", () =>
    Effect.gen(function*() {
      const env = yield* Process.group
      const server = yield* Process.start(["--name", "a b"], env)
      yield* server.until(() => server.stdout.includes(" leads: ") ? true : undefined)
      yield* server.kill("SIGTERM")
      const { code, stderr, stdout } = yield* server.ended
      assert.strictEqual(code, 0)
      assert.strictEqual(stderr, "")
      const lines = stdout.trimEnd().split("\n")
      assert.match(lines[0]!, /^\d{4}-\d\d-\d\dT[\d:.]+Z started as a b \(127\.0\.0\.1:\d+\)/)
      assert.match(lines.at(-1)!, / left the group$/)
    }))

  it.live("a reader that goes away is reported once on standard error, and the server goes on", () =>
    Effect.gen(function*() {
      const env = yield* Process.group
      const other = yield* Process.start(["--json", "--name", "other"], env)
      const server = yield* Process.start(["--json", "--name", "unread", "--priority", "1"], env)
      yield* other.event("LeaderChanged", ({ leader }) => leader?.name === "unread")
      server.child.stdout?.destroy()
      for (const text of ["one", "two"]) yield* Process.run(["send", text], env)
      yield* other.event("MessageReceived", ({ body }) => body === "two")
      yield* server.kill("SIGTERM")
      const { code, stderr } = yield* server.ended
      assert.match(stderr, /^bellwether: standard output cannot be written \((EPIPE|ECONNRESET): .*\n$/)
      assert.lengthOf(stderr.trimEnd().split("\n"), 1)
      assert.strictEqual(code, 0)
      yield* other.event("MemberRemoved", ({ member, reason }) => member.name === "unread" && reason._tag === "Left")
    }))

  it.live.skipIf(!Fs.existsSync("/dev/full"))(
    "a full disk is reported once on standard error, and the server goes on",
    () =>
      Effect.gen(function*() {
        const env = yield* Process.group
        const full = yield* Effect.acquireRelease(
          Effect.sync(() => Fs.openSync("/dev/full", "w")),
          (fd) => Effect.sync(() => Fs.closeSync(fd))
        )
        const other = yield* Process.start(["--json", "--name", "other"], env)
        const server = yield* Process.start(["--json", "--name", "full", "--priority", "1"], env, full)
        yield* other.event("LeaderChanged", ({ leader }) => leader?.name === "full")
        yield* Process.run(["send", "hello"], env)
        yield* server.until(() => server.stderr === "" ? undefined : true)
        yield* server.kill("SIGTERM")
        const { code, stderr } = yield* server.ended
        assert.match(stderr, /^bellwether: standard output cannot be written \(ENOSPC: .*\n$/)
        assert.lengthOf(stderr.trimEnd().split("\n"), 1)
        assert.strictEqual(code, 0)
      })
  )

  it.live("a reader of standard error that goes away is not missed", () =>
    Effect.gen(function*() {
      const env = yield* Process.group
      const server = yield* Process.start(["--json", "--log-level", "debug"], env)
      server.child.stderr?.destroy()
      yield* server.event("LeaderChanged")
      const other = yield* Process.start(["--json", "--name", "other"], env)
      yield* server.event("MemberJoined")
      yield* other.kill("SIGTERM")
      yield* server.event("MemberRemoved")
      yield* server.kill("SIGTERM")
      assert.strictEqual((yield* server.ended).code, 0)
      assert.strictEqual(server.events.at(-1)?.event, "Left")
    }))

  it.live("a reader that hangs does not hold it up, not even when it leaves", () =>
    Effect.gen(function*() {
      const env = yield* Process.group
      const { fd } = yield* Process.fullPipe
      const deaf = yield* Process.start(["--json", "--name", "deaf", "--priority", "1", "--profile", "fast"], env, fd)
      const other = yield* Process.start(["--json", "--name", "other", "--profile", "fast"], env)
      const third = yield* Process.start(["--json", "--name", "third", "--profile", "fast"], env)
      yield* other.event("LeaderChanged", ({ leader }) => leader?.name === "deaf")
      yield* other.event("MemberJoined", ({ member }) => member.name === "third")
      yield* third.kill("SIGTERM")
      yield* other.event("MemberRemoved", ({ member }) => member.name === "third")
      yield* deaf.kill("SIGTERM")
      yield* other.event("MemberRemoved", ({ member, reason }) => member.name === "deaf" && reason._tag === "Left")
      assert.strictEqual((yield* deaf.ended).code, 0)
      assert.isFalse(other.events.some((event) => event.event === "MemberRemoved" && event.reason._tag !== "Left"))
    }))
})

// The program gets a terminal from `script`, which not every system has.
const script = spawnSync("script", ["--version"]).status === 0

describe.skipIf(!script)("serve on a terminal", () => {
  it.live("draws the table, and gives the terminal back when it is told to stop", () =>
    Effect.gen(function*() {
      const env = yield* Process.group
      const server = yield* Process.startOnTerminal(["--name", "kitchen"], { ...env, NO_COLOR: "1" })
      // A narrow terminal shows the first digits of an id only.
      const row = /\* kitchen +[0-9a-f]{6,16} +127\.0\.0\.1:\d+ .* self/
      yield* server.until(() => server.stdout.includes("We lead, term") && row.test(server.stdout) ? true : undefined)
      assert.isTrue(server.stdout.startsWith("\u001B[?1049h\u001B[?25l"))
      assert.notInclude(server.stdout, "\u001B[1m")
      yield* server.type("\u0003")
      const { stdout } = yield* server.ended
      const after = stdout.slice(stdout.lastIndexOf("\u001B[?1049l"))
      assert.include(stdout, "\u001B[?25h\u001B[?1049l")
      assert.match(after, / left the group\r?\n\[exit 0\]$/)
    }))
})

describe("members and leader", () => {
  it.live("ask the group without joining it", () =>
    Effect.gen(function*() {
      const env = yield* Process.group
      const tags = ["--tags", "rack=7,zone=a"]
      const one = yield* Process.start(["--json", "--name", "one", "--priority", "1", ...tags], env)
      const two = yield* Process.start(["--json", "--name", "two"], env)
      yield* two.event("LeaderChanged", ({ leader }) => leader?.name === "one")
      yield* one.event("MemberJoined")

      const table = yield* Process.run(["members"], env)
      assert.strictEqual(table.stderr, "")
      assert.strictEqual(table.code, 0)
      const [head, first, second, ...rest] = table.stdout.trimEnd().split("\n")
      assert.match(head!, /NAME +ID +ADDRESS +PRIORITY +AGE +HEARD +TERM +HOST +TAGS$/)
      assert.match(first!, /^\* one +[0-9a-f]{16} +127\.0\.0\.1:\d+ +1 .* \d+ +\S+ +rack=7,zone=a$/)
      assert.match(second!, /^ {2}two +[0-9a-f]{16} /)
      assert.deepStrictEqual(rest, [])

      const members = JSON.parse((yield* Process.run(["members", "--json"], env)).stdout)
      assert.deepStrictEqual(members.members.map(({ name }: { name: string }) => name), ["one", "two"])
      assert.strictEqual(members.leader.id, members.members[0].id)
      assert.deepInclude(members.members[0], { hostname: Os.hostname(), tags: { rack: "7", zone: "a" } })
      assert.include(members.members.map(({ id }: { id: string }) => id), members.answeredBy.id)
      const leader = JSON.parse((yield* Process.run(["leader", "--json"], env)).stdout)
      assert.strictEqual(leader.leader.name, "one")
      assert.strictEqual(leader.term, members.term)
      assert.match((yield* Process.run(["leader"], env)).stdout, /\n\* one /)

      // Nobody took the program that asked for a member.
      assert.strictEqual(one.events.filter(({ event }) => event === "MemberJoined").length, 1)
    }))

  it.live("with --this-host ask the server of this host, by its port if that is fixed", () =>
    Effect.gen(function*() {
      const free = yield* Process.group
      const env = { ...(yield* Process.group), BELLWETHER_UNICAST_PORT: free["BELLWETHER_PORT"]! }
      const one = yield* Process.start(["--json", "--name", "one", "--priority", "1", "--unicast-port", "0"], env)
      const two = yield* Process.start(["--json", "--name", "two"], env)
      yield* two.event("LeaderChanged", ({ leader }) => leader?.name === "one")
      yield* one.event("MemberJoined", ({ member }) => member.name === "two")

      const told = yield* Process.run(["leader", "--this-host"], env)
      assert.match(told.stdout, /\n\* one .*\nas told by two at 127\.0\.0\.1:\d+, which last heard it \w+ ago\n$/)
      two.child.kill("SIGKILL")
      yield* two.ended
      const ask = ["leader", "--this-host", "--timeout", "300ms"]
      const { code, stderr } = yield* Process.run(ask, env)
      assert.strictEqual(code, 3)
      assert.match(
        stderr,
        /^bellwether: no server of group "cli-.*" on this host answered within 300 ms at port \d+ .*check.*\n$/
      )
      const without = yield* Process.run(ask, {
        ...env,
        BELLWETHER_UNICAST_PORT: "0",
        BELLWETHER_MULTICAST: "off",
        BELLWETHER_SEEDS: "127.0.0.1:9"
      })
      assert.strictEqual(without.code, 2)
      assert.match(without.stderr, /^bellwether: --this-host is given without multicast; allowed: .*\n$/)
    }))

  it.live.each(["members", "leader"])(
    "%s ends with 3 when nobody answers, and says what to check",
    (command) =>
      Effect.gen(function*() {
        const env = yield* Process.group
        const { code, stderr, stdout } = yield* Process.run([command, "--timeout", "300ms"], env)
        assert.strictEqual(code, 3)
        assert.strictEqual(stdout, "")
        assert.match(
          stderr,
          /^bellwether: nobody in group "cli-.*" answered within 300 ms .* lo .*check.*firewall.*\n$/
        )
      })
  )
})
