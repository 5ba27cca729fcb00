/**
 * The keys of a group show nowhere: not in anything that the program prints, in every way it is asked or ends, nor in
 * what the library throws, tells or can be looked at (protocol 7).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fs from "node:fs"
import { inspect } from "node:util"
import * as Keys from "../../src/server/Keys.ts"
import * as Server from "../../src/server/Server.ts"
import * as Settings from "../../src/settings/Settings.ts"
import * as SimulatedGroup from "../../src/testing/SimulatedGroup.ts"
import * as VirtualTime from "../../src/testing/VirtualTime.ts"
import * as Process from "../cli/process.ts"

const secrets = [1, 2, 3].map((seed) => Buffer.from(Array.from({ length: 32 }, (_, at) => (seed * 89 + at * 37) % 256)))
const [first, second, third] = secrets as [Buffer, Buffer, Buffer]
/** One of each spelling. */
const ring = [first.toString("hex"), second.toString("base64"), third.toString("base64url")].join(",")

/** Any twelve characters of a key in any spelling, or its bytes as Node shows them. */
const pieces = secrets.flatMap((secret) => {
  const spellings = ["hex", "base64", "base64url"] as const
  const texts = [...spellings.map((spelling) => secret.toString(spelling)), secret.toString("hex").toUpperCase()]
  const found = texts.flatMap((text) => Array.from({ length: text.length - 11 }, (_, at) => text.slice(at, at + 12)))
  const bytes = [...secret.subarray(0, 4)]
  found.push(bytes.join(","), bytes.join(", "), bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(" "))
  return found
})

const showsNothing = (what: string, text: string) => {
  for (const piece of pieces) assert.isFalse(text.includes(piece), `${what}: ${text}`)
}

describe("the keys of a group are in nothing", () => {
  it.live("which the program prints, nor in its title, however it is asked and however it ends", () =>
    Effect.gen(function*() {
      const env = { ...(yield* Process.group), BELLWETHER_KEY: ring, BELLWETHER_PROFILE: "fast" }
      const server = yield* Process.start(["--json", "--log-level", "all"], env)
      yield* server.event("LeaderChanged")
      const asked: ReadonlyArray<readonly [args: ReadonlyArray<string>, refused?: 2]> = [
        [["members", "--json", "--log-level", "all"]],
        [["leader"]],
        [["send", "--log-level", "all", "hello"]],
        [["doctor", "--json", "--timeout", "500ms", "--log-level", "all"]],
        [["doctor", "--timeout", "500ms"]],
        [["serve", "--help"]],
        [["--port", "0"], 2],
        [["--key", ring], 2],
        // Mistaken for the file, or for anything else.
        [["--key-file", ring], 2],
        [["--key-mode", ring], 2],
        [["serve", ring], 2]
      ]
      yield* Effect.forEach(asked, ([args, refused]) =>
        Effect.map(Process.run(args, env), (ended) => {
          showsNothing(args.join(" "), ended.stdout + ended.stderr)
          // What is asked of a busy machine may have no answer.
          assert.strictEqual(ended.code === 2, refused === 2, args.join(" "))
          assert.isNotEmpty(ended.stdout + ended.stderr)
        }), { concurrency: 3, discard: true })
      if (process.platform === "linux") {
        for (const file of ["cmdline", "comm", "status"]) {
          showsNothing(file, Fs.readFileSync(`/proc/${server.child.pid}/${file}`, "latin1"))
        }
      }
      yield* server.kill("SIGTERM")
      const { stderr, stdout } = yield* server.ended
      showsNothing("serve", stdout + stderr)
      assert.include(stdout, "\"Left\"")
    }).pipe(Effect.scoped))

  it.effect("which the library throws, tells, or is", () =>
    VirtualTime.run(Effect.gen(function*() {
      const settings = yield* Settings.make({ key: ring, profile: "fast" })
      const group = yield* SimulatedGroup.make({ servers: 2, seed: 1, settings: { key: ring, profile: "fast" } })
      yield* group.settle()
      const server = yield* group.server(0)
      const client = yield* Effect.flatMap(group.clients.add(), group.clients.at)
      const { view } = yield* server.group.subscribe
      const refused = yield* Effect.flip(server.useKeys(`${ring},${first.toString("hex").slice(1)}`))
      yield* server.useKeys(`${second.toString("hex")},${ring.split(",")[0]}`)
      yield* group.advance("3 seconds")
      const told = (yield* group.timeline).map(({ event }) => event)
      const host = yield* group.network.host("late")
      const exits: ReadonlyArray<Exit.Exit<unknown, unknown>> = [
        yield* Effect.exit(Settings.make({ key: ring, keyFile: "/run/keys" })),
        yield* Effect.exit(Settings.make({ key: ring, memberTimeout: "1 second" })),
        yield* Effect.exit(Settings.make({ key: `${ring}?` })),
        yield* Effect.exit(Settings.make({ keyMode: ring as never })),
        yield* Effect.exit(Keys.ring({ key: undefined, keyFile: ring, keyMode: "enforce" })),
        yield* Effect.exit(Effect.scoped(Effect.provide(Server.make({ key: ring, interfaces: ["none"] }), host.layer)))
      ]
      const whole: ReadonlyArray<unknown> = [
        settings,
        server,
        client,
        view,
        told,
        refused,
        yield* server.group.dropped,
        yield* group.dump,
        ...exits,
        ...exits.flatMap((exit) => Exit.isFailure(exit) ? [Cause.pretty(exit.cause)] : [])
      ]
      assert.isAbove(exits.filter(Exit.isFailure).length, 4)
      for (const one of whole) {
        showsNothing("an inspection", inspect(one, { depth: 12, showHidden: true, maxArrayLength: 20 }))
        showsNothing("a text", String(one))
        showsNothing("a JSON", JSON.stringify(one) ?? "")
      }
      assert.isTrue(JSON.stringify(told).includes("KeysChanged"))
    })))
})
