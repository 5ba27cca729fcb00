/**
 * Every setting as a flag, through the program's own parser, without a process each.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Given from "../../src/cli/given.ts"
import * as Options from "../../src/cli/options.ts"
import * as Plain from "../../src/cli/plain.ts"
import * as Refusal from "../../src/cli/refusal.ts"
import * as Settings from "../../src/settings/Settings.ts"
import * as Interfaces from "../../src/transport/interfaces/Interfaces.ts"
import { KeyFile, KeyFileUnreadable } from "../../src/transport/KeyFile.ts"
import { cases, textOf } from "../settings/settingCases.ts"

const system = ["lo", "eth0"].map((name, index) => ({
  name,
  address: ["127.0.0.1", "192.0.2.7"][index]!,
  prefixLength: 24,
  internal: index === 0
}))

const host = Layer.mergeAll(
  NodeServices.layer,
  Layer.succeed(KeyFile, {
    read: (path) =>
      path.startsWith("/")
        ? Effect.succeed({ text: path === "/bad" ? "0123nearly-a-key" : "01".repeat(32), mode: 0o600 })
        : Effect.fail(new KeyFileUnreadable({ path, why: "there is no such file" }))
  }),
  Layer.succeed(Interfaces.Interfaces, { scan: Effect.succeed(Interfaces.systemOf(system)) })
)

/** The settings of a plain command line, which must be one. */
const plainly = (words: ReadonlyArray<string>) =>
  Given.resolve(Plain.read(words)!.flags).pipe(
    Effect.provide(host),
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env: {} }))
  )

/** The settings that the program would serve with, or its one line of refusal. */
const run = (
  args: ReadonlyArray<string>,
  env: Record<string, string> = {},
  resolve: typeof Given.resolve | typeof Given.resolveToStay = Given.resolve
) => {
  let settings: Settings.Settings | undefined
  let refusal = ""
  const command = Command.make(
    "test",
    Options.flagsOf(Settings.flagKeys),
    (flags) =>
      Effect.map(resolve(flags), (resolved) => {
        settings = resolved
      })
  )
  return Command.runWith(command, { version: "0" })(args).pipe(
    Effect.catch((error) =>
      Effect.sync(() => {
        if (error._tag === "SettingRefused") refusal = error.message
      })
    ),
    Effect.provide(host),
    Effect.provideService(CliOutput.Presenter, {
      present: (event) =>
        Effect.sync(() => {
          if (event._tag === "InvalidInvocation") refusal = Refusal.describe(event.errors, Options.allowed)
        })
    }),
    Effect.provideService(
      ConfigProvider.ConfigProvider,
      ConfigProvider.fromEnv({ env, preserveEmptyStrings: true })
    ),
    Effect.map(() => ({ settings, refusal }))
  )
}

/** Flags with their values as words of their own. */
const plain = (flags: ReadonlyArray<string>) => flags.flatMap((flag) => flag.split(/=(.*)/s).slice(0, 2))

for (const key of Settings.flagKeys) {
  const { badText, beside = {}, good } = cases[key]
  const flag = Settings.flagName(key)
  const besides = Object.entries(beside).map(([key, value]) =>
    `${Settings.flagName(key as Settings.Key)}=${textOf(key as Settings.Key, value)}`
  )

  describe(flag, () => {
    it.effect("takes good values", () =>
      Effect.gen(function*() {
        for (const [code, text, is] of good) {
          if (key === "interfaces" && text.includes("fe80")) continue
          const { refusal, settings } = yield* run([...besides, `${flag}=${text}`])
          assert.strictEqual(refusal, "")
          const value = settings?.[key]
          assert.deepStrictEqual(value, is ?? (Duration.isDuration(value) ? value : code))
          const words = ["serve", ...plain(besides), flag, text]
          if (text.startsWith("-")) assert.isUndefined(Plain.read(words))
          else assert.deepStrictEqual(yield* plainly(words), settings)
        }
      }))

    it.effect("refuses bad ones in one line that names it, the value and the allowed values", () =>
      Effect.gen(function*() {
        for (const bad of badText) {
          const { refusal, settings } = yield* run([...besides, `${flag}=${bad}`])
          assert.isUndefined(settings)
          assert.isTrue(refusal.startsWith(`${flag} is `), refusal)
          assert.include(refusal, Settings.settings[key].allowed)
          assert.notInclude(refusal, "\n")
          assert.isUndefined(Plain.read([...plain(besides), flag, bad]))
        }
      }))

    it.effect("needs a value, once", () =>
      Effect.gen(function*() {
        const none = yield* run([flag])
        assert.strictEqual(
          none.refusal,
          `${flag} has no value; allowed: ${Settings.settings[key].allowed} (--help shows all)`
        )
        const twice = yield* run([`${flag}=1`, `${flag}=2`])
        assert.strictEqual(twice.refusal, `${flag} was given more than once; allowed: once`)
      }))
  })
}

describe("flags", () => {
  it.effect("come before the environment, and the environment before defaults", () =>
    Effect.gen(function*() {
      const env = { BELLWETHER_PORT: "4000", BELLWETHER_TTL: "3" }
      const { settings } = yield* run(["--port", "5000"], env)
      assert.strictEqual(settings?.port, 5000)
      assert.strictEqual(settings?.ttl, 3)
      assert.strictEqual(settings?.profile, "standard")
    }))

  it.effect("a bad value of the environment is blamed on the environment", () =>
    Effect.gen(function*() {
      const { refusal } = yield* run([], { BELLWETHER_PORT: "eleven" })
      assert.match(refusal, /^BELLWETHER_PORT is eleven; allowed: a whole number from 1 to 65535$/)
      const { refusal: empty } = yield* run([], { BELLWETHER_GROUP: "" })
      assert.match(empty, /^BELLWETHER_GROUP is ""; allowed/)
    }))

  it.effect("negative numbers and values that begin with a dash are values", () =>
    Effect.gen(function*() {
      const { settings } = yield* run(["--priority", "-5", "--name=-x"])
      assert.strictEqual(settings?.priority, -5)
      assert.strictEqual(settings?.name, "-x")
    }))

  it.effect("an interface that is not there is refused with those that are", () =>
    Effect.gen(function*() {
      const { refusal } = yield* run(["--interfaces", "lo,wlan9"])
      assert.strictEqual(
        refusal,
        "--interfaces is \"wlan9\"; allowed: one that is up: lo (127.0.0.1), eth0 (192.0.2.7)"
      )
      const { settings } = yield* run(["--interfaces", "192.0.2.7"])
      assert.deepStrictEqual(settings?.interfaces, ["192.0.2.7"])
    }))

  it.effect("an interface that is not there is no reason to refuse for a command that stays: it may come", () =>
    Effect.gen(function*() {
      const { settings } = yield* run(["--interfaces", "lo,wlan9"], {}, Given.resolveToStay)
      assert.deepStrictEqual(settings?.interfaces, ["lo", "wlan9"])
      const { refusal } = yield* run(["--interfaces", "wlan9", "--ttl", "x"], {}, Given.resolveToStay)
      assert.match(refusal, /^--ttl is x; allowed: /)
    }))

  it.effect("a typo is answered with the nearest flag, not with its consequences", () =>
    Effect.gen(function*() {
      const { refusal } = yield* run(["--heartbeat-intervall", "5s"])
      assert.strictEqual(
        refusal,
        "unknown flag --heartbeat-intervall; did you mean --heartbeat-interval? (--help shows all)"
      )
    }))

  it.effect.each<[typed: string, meant: string]>([
    ["--heartbeat", "--heartbeat-interval"],
    ["--heartbeatInterval", "--heartbeat-interval"],
    ["--multicast_address", "--multicast-address"],
    ["--prio", "--priority"]
  ])("%s, a beginning or another way to write it, is answered with %s", ([typed, meant]) =>
    Effect.gen(function*() {
      const { refusal } = yield* run([typed, "5"])
      assert.strictEqual(refusal, `unknown flag ${typed}; did you mean ${meant}? (--help shows all)`)
    }))

  it.effect("a key is no flag, and one that was given so is not shown", () =>
    Effect.gen(function*() {
      const key = "ab".repeat(32)
      for (const args of [["--key", key], [`--key=${key}`], ["--port", "4000", `--key=${key}`]]) {
        const { refusal, settings } = yield* run(args)
        assert.isUndefined(settings)
        assert.strictEqual(
          refusal,
          "--key is no flag: flags are seen in lists of processes; allowed: BELLWETHER_KEY, or --key-file"
        )
      }
    }))

  it.effect("a file of keys is refused by the name it was given under, without its content", () =>
    Effect.gen(function*() {
      const missing = yield* run(["--key-file", "keys.txt"])
      assert.strictEqual(
        missing.refusal,
        "--key-file is \"keys.txt\" (there is no such file); allowed: a file that can be read and holds the group's keys"
      )
      const { refusal } = yield* run([], { BELLWETHER_KEY_FILE: "/bad" })
      assert.match(refusal, /^BELLWETHER_KEY_FILE is "\/bad"; allowed: a file that holds keys of 32 bytes, as base64/)
      assert.notInclude(refusal, "nearly")
    }))

  it.effect("a stray word is refused", () =>
    Effect.gen(function*() {
      const { refusal } = yield* run(["--port", "4000", "stray"])
      assert.match(refusal, /^unknown word "stray"/)
    }))
})

describe("a plain command line", () => {
  it("is to serve, with known flags in pairs: anything else is left to the parser, which explains it", () => {
    const read = (line: string) => Plain.read(line.split(" ").filter((word) => word !== ""))
    assert.deepStrictEqual(read(""), { flags: {}, json: false, logFormat: null })
    assert.deepStrictEqual(read("serve --json --log-format LogFmt"), { flags: {}, json: true, logFormat: "logfmt" })
    assert.deepStrictEqual(Object.keys(read("--port 4000 --json --group a")!.flags), ["port", "group"])
    for (
      const line of [
        "--help",
        "-h",
        "--version",
        "serve serve",
        "members",
        "serve --json=true",
        "serve --json true",
        "serve --json --json",
        "serve --port",
        "serve --port=1",
        "serve --port 1 --port 1",
        "serve --port --json",
        "serve --priority -5",
        "serve --log-level debug",
        "serve --log-format xml",
        "serve --key 01",
        "serve port 1",
        "--prot 1",
        "--"
      ]
    ) assert.isUndefined(read(line), line)
  })
})
