import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Runtime from "effect/Runtime"
import type * as Scope from "effect/Scope"
import * as Client from "../../src/client/Client.ts"
import * as Server from "../../src/server/Server.ts"
import * as Configured from "../../src/settings/Configured.ts"
import { shown } from "../../src/settings/SettingRefused.ts"
import * as Settings from "../../src/settings/Settings.ts"
import * as Spelling from "../../src/settings/Spelling.ts"
import * as Simulation from "../../src/simulator/Simulation.ts"
import * as SimulatedGroup from "../../src/testing/SimulatedGroup.ts"
import * as SimulatedNetwork from "../../src/testing/SimulatedNetwork.ts"

describe("the nearest name", () => {
  it.each(
    [
      ["grup", "group"],
      ["gruop", "group"],
      ["PROIRITY", "priority"],
      ["prio", "priority"],
      ["HEARTBEATINTERVAL", "heartbeatInterval"],
      ["heartbeat_interval", "heartbeatInterval"],
      ["heartbeat", "heartbeatInterval"],
      ["heartbeatIntervall", "heartbeatInterval"],
      ["tag", "tags"],
      ["KEYS", "key"],
      ["seed", "seeds"],
      ["interface", "interfaces"],
      ["unicast-port", "unicastPort"]
    ] as const
  )("to %s is %s", (name, meant) => {
    assert.strictEqual(Spelling.nearest(name, Settings.keys), meant)
  })

  it.each(["version", "home", "log_level", "image", "foo", "", "__", "toString", "x".repeat(10_000)])(
    "to %s is none of the settings",
    (name) => {
      assert.isUndefined(Spelling.nearest(name, Settings.keys))
    }
  )
})

const configured = (env: Record<string, string>) =>
  Configured.fromProvider.pipe(
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env, preserveEmptyStrings: true }))
  )
const nested = (data: unknown) =>
  Configured.fromProvider.pipe(
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(data))
  )

describe("a variable that is no setting", () => {
  it.effect.each(
    [
      ["BELLWETHER_PROIRITY", "BELLWETHER_PRIORITY"],
      ["BELLWETHER_HEARTBEATINTERVAL", "BELLWETHER_HEARTBEAT_INTERVAL"],
      ["BELLWETHER_HEARTBEAT_INTERVALL", "BELLWETHER_HEARTBEAT_INTERVAL"],
      ["BELLWETHER_heartbeatInterval", "BELLWETHER_HEARTBEAT_INTERVAL"],
      ["BELLWEATHER_GROUP", "BELLWETHER_GROUP"],
      ["BELWETHER_GRUOP", "BELLWETHER_GROUP"],
      ["Bellwether_Group", "BELLWETHER_GROUP"],
      ["BELLWETHER__PORT", "BELLWETHER_PORT"],
      ["BELLWETHERGROUP", "BELLWETHER_GROUP"],
      ["bellwetherGroup", "BELLWETHER_GROUP"],
      ["BELLWETHER-GROUP", "BELLWETHER_GROUP"],
      ["bellwether.unicastPort", "BELLWETHER_UNICAST_PORT"],
      ["BELLWEATHER-GROUP", "BELLWETHER_GROUP"],
      [" BELLWETHER_GROUP", "BELLWETHER_GROUP"]
    ] as const
  )("%s is passed over, and told with the one that was meant", ([name, meant]) =>
    Effect.gen(function*() {
      const { given, passedOver } = yield* configured({ [name]: "7", BELLWETHER_TTL: "0", PATH: "/bin" })
      assert.deepStrictEqual(passedOver, [
        `${shown(name)} is no setting and was passed over; did you mean ${meant}?`
      ])
      assert.deepStrictEqual([...given.keys()], ["ttl"])
    }))

  it.effect("and that is near to none is told too, unless it only begins nearly like ours", () =>
    Effect.gen(function*() {
      const { passedOver } = yield* configured({
        BELLWETHER_VERSION: "1",
        BELLWEATHER_VERSION: "1",
        BELLS: "2",
        BELLWETHERS: "3",
        OTHER_: ""
      })
      assert.deepStrictEqual(passedOver, ["BELLWETHER_VERSION is no setting and was passed over"])
    }))

  it.effect("and means something to another backend is passed over in silence, and told where it is misspelt", () =>
    Effect.gen(function*() {
      const { given, passedOver } = yield* configured({
        BELLWETHER_BACKEND: "etcd",
        BELLWETHER_ETCD_ENDPOINTS: "http://10.0.0.1:2379",
        BELLWETHER_ETCD_KEY_FILE: "/etc/key.pem",
        BELLWETHER_SQL_SCHEM: "groups"
      })
      assert.deepStrictEqual(passedOver, [
        "BELLWETHER_SQL_SCHEM is no setting and was passed over; did you mean BELLWETHER_SQL_SCHEMA?"
      ])
      assert.strictEqual(given.size, 0)
    }))

  it.effect("does not show its value", () =>
    Effect.gen(function*() {
      const { passedOver } = yield* configured({ BELLWETHER_SECRET: "ab".repeat(32) })
      assert.notInclude(passedOver.join(), "abab")
    }))

  it.effect.each([
    "BELLWETHER_KYE",
    "BELLWETHER_KEYS",
    "BELLWETHER_KEYFILE",
    "BELLWEATHER_KEY",
    "BELLWETHERKEY",
    "BELLWETHERKEYFILE",
    "BELLWETHER-KEY",
    "bellwether.key"
  ])(
    "and is probably a key is refused: %s",
    (name) =>
      Effect.gen(function*() {
        const refused = yield* Effect.flip(configured({ [name]: "ab".repeat(32) }))
        assert.match(
          refused.message,
          new RegExp(`^${name} is no setting; allowed: BELLWETHER_KEY.* is the nearest name`)
        )
        assert.notInclude(refused.message, "abab")
        assert.strictEqual(Runtime.getErrorExitCode(refused), 2)
      })
  )

  it.effect("of nested data is told by its name there, and a list or an object in the place of a text is refused", () =>
    Effect.gen(function*() {
      const { given, passedOver } = yield* nested({ bellwether: { grup: "a", port: 4000 }, other: { group: "b" } })
      assert.deepStrictEqual(passedOver, [
        "bellwether.grup is no setting and was passed over; did you mean bellwether.group?"
      ])
      assert.deepStrictEqual([...given.keys()], ["port"])
      const list = yield* Effect.flip(nested({ bellwether: { interfaces: ["lo"] } }))
      assert.match(list.message, /^bellwether.interfaces is no text; allowed: a text: at most 64 names/)
      const object = yield* Effect.flip(nested({ bellwether: { tags: { zone: "a" } } }))
      assert.match(object.message, /^bellwether.tags is no text; allowed: a text: key=value/)
    }))

  it.effect("is looked for without reading what is another's", () =>
    Effect.gen(function*() {
      const read: Array<string> = []
      const provider = ConfigProvider.fromEnv({ env: { OTHER_SECRET: "x", SECRET: "y", BELLWETHER_GRUOP: "a" } })
      const { passedOver } = yield* Effect.provideService(
        Configured.fromProvider,
        ConfigProvider.ConfigProvider,
        ConfigProvider.make((path) => {
          read.push(path.join("_"))
          return provider.load(path)
        })
      )
      assert.lengthOf(passedOver, 1)
      assert.deepStrictEqual(read.filter((name) => /OTHER|SECRET/.test(name)), [])
    }))

  it.effect("is logged as a warning where a layer takes its settings from the environment", () =>
    Effect.gen(function*() {
      const logged: Array<unknown> = []
      const logger = Logger.make(({ logLevel, message }) => void logged.push([logLevel, message]))
      const settings = yield* Settings.config.pipe(
        Effect.provideService(
          ConfigProvider.ConfigProvider,
          ConfigProvider.fromEnv({ env: { BELLWETHER_PROIRITY: "9" } })
        ),
        Effect.provide(Logger.layer([logger]))
      )
      assert.strictEqual(settings.priority, 0)
      assert.lengthOf(logged, 1)
      assert.include(JSON.stringify(logged), "did you mean BELLWETHER_PRIORITY?")
      assert.include(JSON.stringify(logged), "Warn")
    }))
})

describe("what Kubernetes sets for a Service", () => {
  const links = (name: string) => ({
    [`${name}_SERVICE_HOST`]: "10.0.0.1",
    [`${name}_SERVICE_PORT`]: "16983",
    [`${name}_SERVICE_PORT_GOSSIP`]: "16983",
    [`${name}_PORT`]: "udp://10.0.0.1:16983",
    [`${name}_PORT_16983_UDP`]: "udp://10.0.0.1:16983",
    [`${name}_PORT_16983_UDP_PROTO`]: "udp",
    [`${name}_PORT_16983_UDP_PORT`]: "16983",
    [`${name}_PORT_16983_UDP_ADDR`]: "10.0.0.1"
  })

  it.effect.each([["BELLWETHER", "BELLWETHER_PORT"], ["BELLWETHER_UNICAST", "BELLWETHER_UNICAST_PORT"]] as const)(
    "called %s is told once where it stands in the place of a port, and the server starts",
    ([service, variable]) =>
      Effect.gen(function*() {
        const { given, passedOver } = yield* configured({ ...links(service), BELLWETHER_TTL: "0" })
        assert.lengthOf(passedOver, 1)
        assert.match(
          passedOver[0]!,
          new RegExp(`^${variable} is udp://10.0.0.1:16983, which Kubernetes sets .*: enableServiceLinks: false`)
        )
        assert.deepStrictEqual([...given.keys()], ["ttl"])
      })
  )

  it.effect.each(["BELLWETHER_UI", "BELLWETHER_KEY", "BELLWETHER_HEADLESS"])(
    "called %s is nothing to tell of",
    (service) =>
      Effect.gen(function*() {
        assert.deepStrictEqual((yield* configured(links(service))).passedOver, [])
      })
  )

  it.effect("is no excuse for a port that somebody typed", () =>
    Effect.gen(function*() {
      for (const port of ["eleven", "http://10.0.0.1:1", "10.0.0.1:1"]) {
        const read = Effect.provideService(
          Settings.config,
          ConfigProvider.ConfigProvider,
          ConfigProvider.fromEnv({ env: { BELLWETHER_PORT: port } })
        )
        assert.match((yield* Effect.flip(read)).message, /^BELLWETHER_PORT is /)
      }
    }))
})

describe("an option in code that is none", () => {
  const unknown = (options: object) => options as never

  it.effect("is refused with the nearest name, by all that takes options", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork.make({ seed: 1 })
      const { layerDatagrams } = yield* network.host("a")
      const refusals: ReadonlyArray<Effect.Effect<unknown, Server.ServerError, Scope.Scope>> = [
        Settings.make(unknown({ grup: "orders" })),
        Effect.provide(Server.make(unknown({ grup: "orders" })), layerDatagrams),
        Effect.provide(Client.make(unknown({ grup: "orders" })), layerDatagrams),
        SimulatedGroup.make({ seed: 1, servers: 1, settings: unknown({ grup: "orders" }) })
      ]
      for (const refusal of refusals) {
        const refused = yield* Effect.flip(refusal)
        assert.strictEqual(refused.message, "grup is no option; allowed: group is the nearest name")
        assert.strictEqual(Runtime.getErrorExitCode(refused), 2)
        assert.isTrue(Runtime.getErrorReported(refused), "an app is told of it")
      }
    }))

  it.effect("is refused with any value, and with all names where none is near", () =>
    Effect.gen(function*() {
      const refused = yield* Effect.flip(Settings.make(unknown({ colour: undefined })))
      assert.match(refused.message, /^colour is no option; allowed: group, key, keyFile, /)
      assert.notInclude(refused.message, "\n")
      const odd = yield* Effect.flip(Settings.make(unknown({ ["po\r\nrt"]: 1 })))
      assert.match(odd.message, /^"po\\r\\nrt" is no option; allowed: port is the nearest name$/)
      const none = yield* Effect.flip(Settings.make(unknown(["orders"])))
      assert.strictEqual(none.setting, "0")
    }))

  it.effect("is a client's own where it has a meaning for clients only", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork.make({ seed: 1 })
      const { layerDatagrams } = yield* network.host("a")
      const patient = Client.make({ joinTimeout: "1 second", sendTimeout: "1 second", port: 0 })
      assert.match((yield* Effect.flip(Effect.provide(patient, layerDatagrams))).message, /^port is 0/)
      const refused = yield* Effect.flip(Effect.provide(Client.make(unknown({ jionTimeout: 1 })), layerDatagrams))
      assert.strictEqual(refused.message, "jionTimeout is no option; allowed: joinTimeout is the nearest name")
      for (const wrong of ["soon", Number.NaN, 0, -1, { second: 5 }]) {
        const late = yield* Effect.flip(Effect.provide(Client.make(unknown({ sendTimeout: wrong })), layerDatagrams))
        assert.match(late.message, /^sendTimeout is .*; allowed: a duration of 1ms or more/)
      }
      const server = yield* Effect.flip(Settings.make(unknown({ joinTimeout: 1 })))
      assert.strictEqual(server.setting, "joinTimeout")
    }).pipe(Effect.scoped))

  it.effect("is refused by the simulated network, group and run too", () =>
    Effect.gen(function*() {
      const group = yield* Effect.flip(SimulatedGroup.make(unknown({ seed: 1, servers: 1, setings: {} })))
      assert.strictEqual(group.message, "setings is no option; allowed: settings is the nearest name")
      const run = yield* Effect.flip(Simulation.run(unknown({ seed: 1, servers: 1, millis: 1, fault: "none" })))
      assert.strictEqual(run.message, "fault is no option; allowed: faults is the nearest name")
      const network = yield* Effect.exit(SimulatedNetwork.make(unknown({ seed: 1, los: 0.1 })))
      assert.include(String(network), "los is no option; allowed: loss is the nearest name")
      const { host } = yield* SimulatedNetwork.make({ seed: 1 })
      const machine = yield* Effect.exit(host(unknown({ name: "a", adress: "10.0.0.9" })))
      assert.include(String(machine), "adress is no option")
    }))
})
