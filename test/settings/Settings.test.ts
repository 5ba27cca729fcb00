import { assert, describe, it } from "@effect/vitest"
import { bytesToHex } from "@noble/hashes/utils.js"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import { inspect } from "node:util"
import * as Name from "../../src/protocol/model/Name.ts"
import * as Keys from "../../src/server/Keys.ts"
import * as Configured from "../../src/settings/Configured.ts"
import * as DurationText from "../../src/settings/DurationText.ts"
import * as Profile from "../../src/settings/Profile.ts"
import type { SettingRefused } from "../../src/settings/SettingRefused.ts"
import * as Settings from "../../src/settings/Settings.ts"
import { KeyFile } from "../../src/transport/KeyFile.ts"
import * as SettingsPage from "../docs/SettingsPage.ts"
import { cases, textOf } from "./settingCases.ts"

const { millis } = Duration

/** As the layers read it. */
const config = Effect.mapError(Settings.config, (error) => {
  const refused = Configured.refusalIn(error)
  assert.strictEqual(refused._tag, "SettingRefused")
  return refused as SettingRefused
})

const fromEnvironment = (env: Record<string, string>) =>
  config.pipe(
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env, preserveEmptyStrings: true }))
  )

const comments = SettingsPage.comments()

// What editors of other systems, env files, copying from a page and shells leave in a text.
const unseen = ["\r", "\n", "\t", "\u00a0", "\u0085", "\ufeff", "\u200b", "\u202e", "\u00ad", "\u2800", "\u3164"]
const quotes = ["\"", "'", "`", "\u201c", "\u2019"]

/** The same text with one of them at an end, around it or anywhere in it. */
const spoiltFrom = (text: string): ReadonlyArray<string> => [
  ...[...unseen, ...quotes, " "].flatMap((stray) => [stray + text, text + stray, stray + text + stray]),
  ...unseen.flatMap((stray) => Array.from(text.slice(1), (_, at) => text.slice(0, at + 1) + stray + text.slice(at + 1)))
]

for (const key of Settings.keys) {
  const { badCode, badText, beside = {}, good } = cases[key]
  const besides = Object.fromEntries(
    Object.entries(beside).map((
      [key, value]
    ) => [Settings.environmentName(key as Settings.Key), textOf(key as Settings.Key, value)])
  )
  const name = Settings.environmentName(key)

  describe(key, () => {
    it.effect("takes good values from code", () =>
      Effect.gen(function*() {
        for (const [code, , is = Duration.isDuration(code) ? code : undefined] of good) {
          const settings = yield* Settings.make({ ...beside, [key]: code })
          const expected = is ?? (Duration.isDuration(settings[key]) ? settings[key] : code)
          assert.deepStrictEqual(settings[key], expected)
        }
      }))

    it.effect("takes good values from the environment", () =>
      Effect.gen(function*() {
        for (const [code, text, is] of good) {
          const settings = yield* fromEnvironment({ ...besides, [name]: text })
          const expected = is ?? (Duration.isDuration(settings[key]) ? settings[key] : code)
          assert.deepStrictEqual(settings[key], expected)
        }
      }))

    it.effect("refuses bad values from code, naming itself, the value and what is allowed", () =>
      Effect.gen(function*() {
        for (const bad of badCode) {
          const refused = yield* Effect.flip(Settings.make({ ...beside, [key]: bad }))
          assert.strictEqual(refused.setting, key)
          assert.strictEqual(refused.as, key)
          if (key !== "key") assert.include(refused.message, Settings.settings[key].allowed)
          assert.notInclude(refused.message, "\n")
        }
      }))

    it.effect("refuses bad values from the environment by the name they have there", () =>
      Effect.gen(function*() {
        for (const bad of badText) {
          const refused = yield* Effect.flip(fromEnvironment({ ...besides, [name]: bad }))
          assert.strictEqual(refused.setting, key)
          assert.isTrue(refused.message.startsWith(`${name} is `), refused.message)
          if (key !== "key") assert.include(refused.message, Settings.settings[key].allowed)
          assert.notInclude(refused.message, "\n")
          assert.strictEqual(Runtime.getErrorExitCode(refused), 2)
        }
      }))

    it.effect("with something stray in or around its text is refused, showing it, or has the same value", () =>
      Effect.gen(function*() {
        for (const [, text] of good) {
          const plain = (yield* fromEnvironment({ ...besides, [name]: text }))[key]
          for (const spoilt of spoiltFrom(text)) {
            const read = yield* Effect.result(fromEnvironment({ ...besides, [name]: spoilt }))
            if (Result.isSuccess(read)) {
              assert.deepStrictEqual(read.success[key], plain, Name.quoted(spoilt))
            } else {
              assert.strictEqual(read.failure.as, name)
              assert.strictEqual(Name.firstUnseen(read.failure.message), -1)
              const unseen = Name.firstUnseen(spoilt)
              if (!("isSecret" in Settings.settings[key]) && unseen >= 0) {
                assert.include(read.failure.was, Name.quoted(spoilt[unseen]!).slice(1, -1))
              }
            }
          }
        }
      }))

    it.effect("with something stray in code is refused or has the same value", () =>
      Effect.gen(function*() {
        for (const [code] of good) {
          const texts = typeof code === "string"
            ? [code]
            : Array.isArray(code)
            ? code.filter((item) => typeof item === "string")
            : key === "tags"
            ? Object.keys(code as object)
            : []
          for (const text of texts) {
            for (const spoilt of spoiltFrom(text)) {
              const value = typeof code === "string"
                ? spoilt
                : Array.isArray(code)
                ? [spoilt]
                : { ...code as object, [spoilt]: "x" }
              const read = yield* Effect.result(Settings.make({ ...beside, [key]: value }))
              if (Result.isSuccess(read) && typeof code === "string") {
                const { [key]: plain } = yield* Settings.make({ ...beside, [key]: code })
                assert.deepStrictEqual(read.success[key], plain, Name.quoted(spoilt))
              } else if (Result.isFailure(read)) {
                assert.strictEqual(Name.firstUnseen(read.failure.message), -1, read.failure.message)
              } else assert.fail(`${Name.quoted(spoilt)} is taken`)
            }
          }
        }
      }))

    it("says what it is, in a phrase for help and at length where an editor shows it", () => {
      const { summary } = Settings.settings[key]
      assert.isBelow(summary.length, 60)
      assert.isNotEmpty(Settings.defaultText(key))
      const words = comments.get(key) ?? ""
      const end = SettingsPage.ending(key)
      assert.isTrue(words.endsWith(end), `the comment on ${key} does not end with: ${end}`)
      assert.isTrue(words.startsWith(`${summary[0]!.toUpperCase()}${summary.slice(1)}. `), words)
      assert.isAbove(words.length - end.length - summary.length, 60)
    })
  })
}

describe("all together", () => {
  it.effect("have the defaults of the protocol", () =>
    Effect.gen(function*() {
      const settings = yield* Settings.make()
      assert.deepStrictEqual(
        { ...settings, ...Settings.timing(settings) },
        {
          group: "default",
          key: undefined,
          keyFile: undefined,
          keyMode: "enforce",
          multicastAddress: [{ ip: "239.255.253.87", family: "IPv4", linkLocal: false }],
          port: 16_983,
          ttl: 1,
          interfaces: [],
          unicastPort: 0,
          multicast: true,
          links: true,
          seeds: [],
          networks: [],
          profile: "standard",
          heartbeatInterval: 10_000,
          cleanupInterval: 15_000,
          memberTimeout: 30_000,
          probeTimeout: 150,
          discoveryWindow: 300,
          electionStagger: 20,
          okTimeout: 1000,
          leaderInterval: 500,
          coordinatorTimeout: 2000,
          stopTimeout: 500,
          stableAfter: 0,
          priority: 0,
          preempt: true,
          minimumMembers: 1,
          maxMembers: 4_096,
          maxClients: 1_024,
          maxSessions: 8_192,
          maxTombstones: 1_024,
          maxMessageBytes: 65_536,
          maxHeartbeatsPerSecond: 500,
          leadership: "bully",
          groupSize: undefined,
          leaseDuration: undefined,
          clockDrift: 0.01,
          votes: true,
          name: undefined,
          tags: {},
          http: undefined,
          httpToken: undefined,
          httpTokenFile: undefined,
          httpHosts: [],
          eventHistory: 1_000
        }
      )
    }))

  it.effect("the default port is none that Linux lends to outgoing connections", () =>
    Effect.gen(function*() {
      const { port } = yield* Settings.make()
      assert.isBelow(port, 32_768)
      assert.isAbove(port, 1_023)
    }))

  it.effect("a single time overrides its profile, in any order", () =>
    Effect.gen(function*() {
      const fast = Settings.timing(yield* Settings.make({ okTimeout: 700, profile: "fast" }))
      assert.strictEqual(fast.okTimeout, 700)
      assert.strictEqual(fast.memberTimeout, 1600)
      const realtime = Settings.timing(
        yield* fromEnvironment({ BELLWETHER_PROFILE: "realtime", BELLWETHER_HEARTBEAT_INTERVAL: "40ms" })
      )
      assert.strictEqual(realtime.heartbeatInterval, 40)
      assert.strictEqual(realtime.memberTimeout, 120)
    }))

  it.effect("every profile keeps the rules between settings", () =>
    Effect.forEach(Profile.names, (profile) => Settings.make({ profile })))

  it.effect("a time-out of two heartbeats is refused, with the reason, by the name of what was set", () =>
    Effect.gen(function*() {
      const exact = yield* Effect.flip(Settings.make({ memberTimeout: "20 seconds" }))
      assert.strictEqual(exact.setting, "memberTimeout")
      assert.match(
        exact.message,
        /^memberTimeout is 20s; allowed: more than twice heartbeatInterval, which is 10s.*death$/
      )
      const slow = yield* Effect.flip(fromEnvironment({ BELLWETHER_HEARTBEAT_INTERVAL: "20s" }))
      assert.match(
        slow.message,
        /^BELLWETHER_HEARTBEAT_INTERVAL is 20s; allowed: less than half of memberTimeout.* 30s/
      )
      yield* Settings.make({ memberTimeout: 20_001 })
    }))

  it.effect("the group's port is not an own port", () =>
    Effect.gen(function*() {
      const own = yield* Effect.flip(Settings.make({ port: 4000, unicastPort: 4000 }))
      assert.strictEqual(own.setting, "unicastPort")
      const group = yield* Effect.flip(Settings.make({ unicastPort: 16_983 }))
      assert.match(group.message, /^unicastPort is 16983; allowed: any but/)
    }))

  it.effect("a view that has no room for those who are needed is refused", () =>
    Effect.gen(function*() {
      yield* Settings.make({ maxMembers: 2, minimumMembers: 3 })
      const few = yield* Effect.flip(Settings.make({ maxMembers: 2, minimumMembers: 4 }))
      assert.strictEqual(
        few.message,
        "maxMembers is 2; allowed: at least minimumMembers without this server, which is 3: nobody would ever lead"
      )
      const given = yield* Effect.flip(fromEnvironment({ BELLWETHER_MINIMUM_MEMBERS: "5000" }))
      assert.match(
        given.message,
        /^BELLWETHER_MINIMUM_MEMBERS is 5000; allowed: at most maxMembers and one more, which is 4097/
      )
      const large = yield* Effect.flip(Settings.make({ leadership: "lease", groupSize: 7, maxMembers: 5 }))
      assert.match(large.message, /^groupSize is 7; allowed: at most maxMembers and one more, which is 6/)
    }))

  describe("a majority lease", () => {
    const lease = { leadership: "lease", groupSize: 3 } as const

    it.effect("needs the number of servers, which means nothing without it", () =>
      Effect.gen(function*() {
        const without = yield* Effect.flip(Settings.make({ leadership: "lease" }))
        assert.match(
          without.message,
          /^leadership is lease; allowed: bully, or lease with groupSize: a majority is one/
        )
        const bully = yield* Effect.flip(fromEnvironment({ BELLWETHER_GROUP_SIZE: "3" }))
        assert.match(bully.message, /^BELLWETHER_GROUP_SIZE is 3; allowed: none, or any with leadership lease/)
        const few = yield* Effect.flip(Settings.make({ ...lease, minimumMembers: 4 }))
        assert.match(few.message, /^groupSize is 3; allowed: at least minimumMembers, which is 4/)
      }))

    it.effect("must leave work its time to stop, and beats theirs to be lost", () =>
      Effect.gen(function*() {
        const short = yield* Effect.flip(Settings.make({ ...lease, leaseDuration: "1.4 seconds" }))
        assert.match(short.message, /^leaseDuration is 1.4s; allowed: at least 3 x stopTimeout, which is 500ms/)
        const long = yield* Effect.flip(
          Settings.make({ ...lease, leaseDuration: "2 seconds", stopTimeout: "1 second" })
        )
        assert.strictEqual(long.setting, "leaseDuration")
        yield* Settings.make({ leaseDuration: "100 millis" })
      }))

    it.effect("lasts three heartbeats unless set, and never less than thrice the time that work has to stop", () =>
      Effect.gen(function*() {
        const duration = (options: Settings.Options) =>
          Effect.map(Settings.make(options), (settings) => Settings.agreement(settings)?.duration)
        assert.isUndefined(yield* duration({}))
        assert.strictEqual(yield* duration(lease), 30_000)
        assert.strictEqual(yield* duration({ ...lease, profile: "fast" }), 1_500)
        assert.strictEqual(yield* duration({ ...lease, profile: "realtime" }), 1_500)
        assert.strictEqual(yield* duration({ ...lease, heartbeatInterval: "2 seconds" }), 6_000)
        assert.deepStrictEqual(
          Settings.agreement(yield* Settings.make({ ...lease, leaseDuration: "5 seconds", clockDrift: 0.02 })),
          { groupSize: 3, duration: 5_000, drift: 0.02 }
        )
      }))
  })

  describe("keys", () => {
    const key = "5e".repeat(32)

    it.effect("are nowhere shown, in every way they are refused or resolved", () =>
      Effect.gen(function*() {
        const refusals = [
          yield* Effect.flip(Settings.make({ key: `${key}9` })),
          yield* Effect.flip(fromEnvironment({ BELLWETHER_KEY: `${key},${key}` })),
          yield* Effect.flip(Settings.make({ key: `plain,${key}` })),
          yield* Effect.flip(Settings.make({ key, keyFile: "/run/key" })),
          yield* Effect.flip(
            Keys.ring({ key: undefined, keyFile: "/run/key", keyMode: "enforce" }).pipe(
              Effect.provideService(KeyFile, { read: () => Effect.succeed({ text: `${key}9`, mode: null }) })
            )
          ),
          yield* Effect.flip(
            Keys.ring({ key: undefined, keyFile: "/run/key", keyMode: "enforce" }).pipe(
              Effect.provideService(KeyFile, { read: () => Effect.succeed({ text: `plain ${key}`, mode: null }) })
            )
          )
        ]
        for (const refused of refusals) {
          for (const shown of [refused.message, JSON.stringify(refused), inspect(refused, { depth: 9 }), refused.was]) {
            assert.notInclude(shown, "5e5e")
          }
          assert.strictEqual(Runtime.getErrorExitCode(refused), 2)
        }
        const settings = yield* fromEnvironment({ BELLWETHER_KEY: key })
        assert.strictEqual(settings.key?.active?.secret && bytesToHex(Redacted.value(settings.key.active.secret)), key)
        for (
          const shown of [
            JSON.stringify(settings),
            inspect(settings, { depth: 9 }),
            Settings.format("key", settings.key)
          ]
        ) {
          assert.notInclude(shown, "5e5e")
        }
      }))

    it.effect("come from one place, and permissive means nothing without one", () =>
      Effect.gen(function*() {
        const both = yield* Effect.flip(Settings.make({ key, keyFile: "/run/key" }))
        assert.strictEqual(both.message, "keyFile is /run/key; allowed: key or keyFile, not both")
        const none = yield* Effect.flip(Settings.make({ keyMode: "permissive" }))
        assert.strictEqual(
          none.message,
          "keyMode is permissive; allowed: enforce, or permissive together with key or keyFile"
        )
        const plain = yield* Effect.flip(Settings.make({ key: `plain,${key}` }))
        assert.include(plain.message, "does not begin with the word plain")
        yield* Settings.make({ key: `plain,${key}`, keyMode: "permissive" })
      }))

    it.effect("files of keys cannot be read where nothing reads files", () =>
      Effect.gen(function*() {
        const refused = yield* Effect.flip(Keys.ring({ key: undefined, keyFile: "/run/key", keyMode: "enforce" }))
        assert.include(refused.message, "\"/run/key\" (files cannot be read here)")
      }))
  })

  it.effect("make never reads the environment", () =>
    Effect.gen(function*() {
      const settings = yield* Effect.provideService(
        Settings.make({}),
        ConfigProvider.ConfigProvider,
        ConfigProvider.fromEnv({ env: { BELLWETHER_PORT: "4000" } })
      )
      assert.strictEqual(settings.port, 16_983)
    }))

  it.effect("are read from nested data too, and an empty variable of a usual environment is none", () =>
    Effect.gen(function*() {
      const provide = Effect.provideService(
        config,
        ConfigProvider.ConfigProvider,
        ConfigProvider.fromUnknown({ bellwether: { port: 4000, heartbeatInterval: "2s" } })
      )
      const settings = yield* provide
      assert.strictEqual(settings.port, 4000)
      assert.strictEqual(Settings.timing(settings).heartbeatInterval, 2000)
      const empty = yield* Effect.provideService(
        config,
        ConfigProvider.ConfigProvider,
        ConfigProvider.fromEnv({ env: { BELLWETHER_GROUP: "" } })
      )
      assert.strictEqual(empty.group, "default")
      const refused = yield* Effect.flip(Effect.provideService(
        config,
        ConfigProvider.ConfigProvider,
        ConfigProvider.fromUnknown({ bellwether: { port: "x" } })
      ))
      assert.strictEqual(refused.as, "bellwether.port")
    }))

  it.effect("a source that cannot be read is refused, not a defect", () =>
    Effect.gen(function*() {
      const refused = yield* Effect.flip(Effect.provideService(
        config,
        ConfigProvider.ConfigProvider,
        ConfigProvider.make(() => Effect.fail(new ConfigProvider.SourceError({ message: "no disk" })))
      ))
      assert.include(refused.message, "no disk")
    }))

  it("names are those of their place", () => {
    assert.strictEqual(Settings.environmentName("heartbeatInterval"), "BELLWETHER_HEARTBEAT_INTERVAL")
    assert.strictEqual(Settings.flagName("heartbeatInterval"), "--heartbeat-interval")
    assert.strictEqual(Settings.flagName("ttl"), "--ttl")
  })

  it("defaults are told for every profile where they differ", () => {
    assert.strictEqual(Settings.defaultText("memberTimeout"), "30s; fast 1.6s, realtime 120ms")
    assert.strictEqual(Settings.defaultText("port"), "16983")
    assert.strictEqual(Settings.defaultText("name"), "host name")
    assert.strictEqual(Settings.defaultText("interfaces"), "automatic")
    assert.strictEqual(Settings.defaultText("tags"), "none")
    assert.strictEqual(Settings.defaultText("preempt"), "on")
  })

  it.effect("a value reads back from its own text", () =>
    Effect.gen(function*() {
      const settings = yield* Settings.make({ interfaces: ["lo", "eth0"], tags: { a: "1", b: "2" }, name: "x" })
      const again = Result.getOrThrow(
        Settings.read((key) =>
          settings[key] === undefined ? undefined : { as: key, text: Settings.format(key, settings[key]) }
        )
      )
      assert.deepStrictEqual(Settings.timing(again), Settings.timing(settings))
      assert.deepStrictEqual(again.tags, settings.tags)
      assert.deepStrictEqual(again.interfaces, settings.interfaces)
    }))

  it.effect("a long or strange value is shown short, on one line", () =>
    Effect.gen(function*() {
      const long = yield* Effect.flip(fromEnvironment({ BELLWETHER_PORT: "9".repeat(1000) }))
      assert.isBelow(long.message.length, 200)
      const lines = yield* Effect.flip(fromEnvironment({ BELLWETHER_PORT: "1\n2" }))
      assert.strictEqual(lines.was, "\"1\\n2\"")
      const loop: Record<string, unknown> = {}
      loop["self"] = loop
      const odd = yield* Effect.flip(Settings.make({ port: loop as never }))
      assert.strictEqual(odd.was, "[object Object]")
    }))
})

it.effect.prop(
  "a duration reads back from what it is written as",
  [Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 86_400_000 }))],
  ([ms]) =>
    Effect.sync(() => {
      const text = DurationText.format(millis(ms))
      assert.deepStrictEqual(Result.getOrThrow(Result.fromOption(DurationText.parse(text), () => text)), millis(ms))
    })
)
