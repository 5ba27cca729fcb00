import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Host from "effect/net/Host"
import * as IpNetwork from "effect/net/IpNetwork"
import { TestClock } from "effect/testing"
import * as Seeds from "../../src/server/Seeds.ts"

const settings = (...seeds: ReadonlyArray<string>) => ({
  seeds: seeds.map(Host.hostPortFromStringUnsafe),
  networks: [IpNetwork.fromStringUnsafe("203.0.113.0/24")],
  heartbeatInterval: Duration.seconds(10)
})

describe("seeds (protocol 4)", () => {
  it.effect("that are one address in several spellings, or by several names, are one", () =>
    Effect.gen(function*() {
      const named: Record<string, ReadonlyArray<string>> = {
        alpha: ["FD51:0::1", "192.0.2.7"],
        beta: ["::ffff:192.0.2.7"]
      }
      const seeds = yield* Seeds.make(settings("alpha:1", "beta:1", "beta:2", "[fd51::0001]:1"), {
        resolve: (host) => Effect.succeed(named[host] ?? [host])
      })
      assert.deepStrictEqual(seeds.addresses(), [
        { ip: "fd51::1", port: 1 },
        { ip: "192.0.2.7", port: 1 },
        { ip: "192.0.2.7", port: 2 }
      ])
      for (const ip of ["fd51::1", "192.0.2.7", "203.0.113.9"]) assert.isTrue(seeds.holds(ip), ip)
      assert.isFalse(seeds.holds("198.51.100.1"))
    }))

  it.effect("of names that hang hold the start for two seconds and hide no other; addresses that come later are not lost", () =>
    Effect.gen(function*() {
      const late = yield* Deferred.make<ReadonlyArray<string>>()
      const hanging = Array.from({ length: 40 }, (_, index) => `dead${index}:1`)
      const making = yield* Effect.forkChild(Seeds.make(settings(...hanging, "late:1", "alpha:1"), {
        resolve: (host) =>
          host === "alpha" ? Effect.succeed(["192.0.2.7"]) : host === "late" ? Deferred.await(late) : Effect.never
      }))
      yield* TestClock.adjust("1999 millis")
      assert.isUndefined(making.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      const seeds = yield* Fiber.join(making)
      assert.deepStrictEqual(seeds.addresses(), [{ ip: "192.0.2.7", port: 1 }])
      assert.isTrue(seeds.holds("192.0.2.7"))
      yield* Deferred.succeed(late, ["192.0.2.8"])
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(seeds.addresses().map(({ ip }) => ip), ["192.0.2.8", "192.0.2.7"])
      assert.isTrue(seeds.holds("192.0.2.8"))
    }))
})
