/**
 * Settings as a `Config` that goes together with others: below a name of the app, or each option from where it says.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Host from "effect/net/Host"
import * as Client from "../../src/client/Client.ts"
import * as Server from "../../src/server/Server.ts"
import * as Settings from "../../src/settings/Settings.ts"
import { SimulatedNetwork } from "../../src/testing/index.ts"

const env = (variables: Record<string, string>) => ConfigProvider.fromEnv({ env: variables })

const orders = Config.nested(Settings.config, "ORDERS")

describe("settings below a name of the app", () => {
  it.effect("are those of the environment with that name before them, and of no other", () =>
    Effect.gen(function*() {
      const provider = env({
        BELLWETHER_PORT: "4000",
        ORDERS_BELLWETHER_PORT: "5000",
        ORDERS_BELLWETHER_HEARTBEAT_INTERVAL: "2s"
      })
      assert.strictEqual((yield* Settings.config.parse(provider)).port, 4000)
      const settings = yield* orders.parse(provider)
      assert.strictEqual(settings.port, 5000)
      assert.strictEqual(Settings.timing(settings).heartbeatInterval, 2000)
    }))

  it.effect("are read once: who makes a server from them takes them as they are, but not a copy that was changed", () =>
    Effect.gen(function*() {
      const settings = yield* orders.parse(env({ ORDERS_BELLWETHER_PORT: "5000" }))
      assert.strictEqual(yield* Settings.make(settings), settings)
      const refused = yield* Effect.flip(Settings.make({ ...settings, port: 0 }))
      assert.strictEqual(refused.message, "port is 0; allowed: a whole number from 1 to 65535")
    }))

  it.effect("are found where the provider writes names in capitals", () =>
    Effect.gen(function*() {
      const provider = ConfigProvider.constantCase(env({ ORDERS_BELLWETHER_GROUP: "a" }))
      assert.strictEqual((yield* Config.nested(Settings.config, "orders").parse(provider)).group, "a")
    }))

  it.effect("are found in nested data, two names deep too", () =>
    Effect.gen(function*() {
      const provider = ConfigProvider.fromUnknown({ shop: { orders: { bellwether: { group: "a", seeds: "b:1" } } } })
      const settings = yield* Settings.config.pipe(Config.nested("orders"), Config.nested("shop")).parse(provider)
      assert.strictEqual(settings.group, "a")
      assert.deepStrictEqual(settings.seeds.map(Host.formatHostPort), ["b:1"])
    }))

  it.effect("are refused by the whole name that they have there", () =>
    Effect.gen(function*() {
      const refusal = (data: ConfigProvider.ConfigProvider, config = orders) =>
        Effect.map(Effect.flip(config.parse(data)), ({ message }) => message)
      const port = "a whole number from 1 to 65535"
      assert.strictEqual(
        yield* refusal(env({ ORDERS_BELLWETHER_PORT: "eleven" })),
        `ORDERS_BELLWETHER_PORT is eleven; allowed: ${port}`
      )
      assert.match(
        yield* refusal(env({ ORDERS_BELLWETHER_KYE: "x" })),
        /^ORDERS_BELLWETHER_KYE is no setting; allowed: ORDERS_BELLWETHER_KEY is the nearest name/
      )
      assert.strictEqual(
        yield* refusal(ConfigProvider.fromUnknown({ ORDERS: { bellwether: { port: 0 } } })),
        `ORDERS.bellwether.port is 0; allowed: ${port}`
      )
    }))

  it.effect("are told where they are misspelt, and only there", () => {
    const lines: Array<unknown> = []
    const logger = Logger.make(({ message }) => void lines.push(...[message].flat()))
    return Effect.gen(function*() {
      yield* orders.parse(env({ BELLWETHER_GRUOP: "a", ORDERS_BELLWETHER_GRUOP: "b" }))
      assert.deepStrictEqual(lines, [
        "ORDERS_BELLWETHER_GRUOP is no setting and was passed over; did you mean ORDERS_BELLWETHER_GROUP?"
      ])
    }).pipe(Effect.provide(Logger.layer([logger])))
  })

  it.effect("have their defaults where the source lists nothing, and those that it has by name", () =>
    Effect.gen(function*() {
      const provider = ConfigProvider.make((path) =>
        Effect.succeed(path.join("_") === "BELLWETHER_PORT" ? ConfigProvider.makeValue("4000") : undefined)
      )
      const settings = yield* Settings.config.parse(provider)
      assert.deepStrictEqual([settings.port, settings.group], [4000, "default"])
    }))

  it.effect("go together with what else an app reads", () =>
    Effect.gen(function*() {
      const app = Config.all({ orders, shop: Config.String("SHOP") })
      const { orders: { group }, shop } = yield* app.parse(env({ SHOP: "s", ORDERS_BELLWETHER_GROUP: "a" }))
      assert.deepStrictEqual([shop, group], ["s", "a"])
    }))
})

describe("layerConfig", () => {
  class Orders extends Server.Service<Orders>()("test/Orders") {}
  class OrdersClient extends Client.Service<OrdersClient>()("test/OrdersClient") {}

  it.live("takes settings below a name, or a Config for each option", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork.make({ seed: 1 })
      const host = yield* network.host("app")
      const provide = Effect.provideService(
        ConfigProvider.ConfigProvider,
        env({ ORDERS_BELLWETHER_NAME: "nested", ORDERS_NAME: "each" })
      )
      const name = { name: Config.String("ORDERS_NAME") }
      const server = Effect.flatMap(Orders, ({ group }) => Effect.map(group.self, ({ name }) => name))
      const client = Effect.map(OrdersClient, ({ self }) => self.name)
      const names = yield* Effect.all([
        Effect.provide(server, Orders.layerConfig(orders)),
        Effect.provide(server, Orders.layerConfig(name)),
        Effect.provide(client, OrdersClient.layerConfig(orders)),
        Effect.provide(client, OrdersClient.layerConfig({ ...name, joinTimeout: Config.succeed("5 seconds") }))
      ]).pipe(Effect.provide(host.layerDatagrams), provide)
      assert.deepStrictEqual(names, ["nested", "each", "nested", "each"])
    }), 30_000)

  it.live("fails with the refusal of a setting, and with the error of a Config of the app's own", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork.make({ seed: 1 })
      const host = yield* network.host("app")
      const failure = (config: Config.Wrap<Settings.Options>) =>
        Effect.flip(Effect.provide(Orders, Orders.layerConfig(config))).pipe(
          Effect.provide(host.layerDatagrams),
          Effect.provideService(ConfigProvider.ConfigProvider, env({ ORDERS_BELLWETHER_PORT: "0" }))
        )
      assert.strictEqual((yield* failure(orders))._tag, "SettingRefused")
      assert.strictEqual((yield* failure({ port: Config.succeed(0) }))._tag, "SettingRefused")
      assert.strictEqual((yield* failure({ group: Config.String("MISSING") }))._tag, "ConfigError")
    }))
})
