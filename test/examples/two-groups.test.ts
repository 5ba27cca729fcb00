/**
 * The example of two groups in one app, on a simulated network: two machines, each a member of both groups.
 */
import { assert, describe, it } from "@effect/vitest"
import { SimulatedNetwork } from "bellwether/testing"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { Billing, layer, Orders } from "../../examples/two-groups/TwoGroups.ts"

describe("the example of two groups", () => {
  it.effect("has a leader for each, regardless of who leads the other", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork.make({ seed: "two groups" })
      const scope = yield* Scope.make()
      const machines = yield* Effect.forEach([1, 2], (number) =>
        Effect.gen(function*() {
          const host = yield* network.host(`host ${number}`)
          const both = layer({ priority: number }, { priority: -number })
          const context = yield* Layer.buildWithScope(Layer.provide(Layer.fresh(both), host.layerDatagrams), scope)
          return { orders: Context.get(context, Orders), billing: Context.get(context, Billing) }
        }))
      yield* TestClock.adjust("2 seconds")
      for (const { billing, orders } of machines) {
        assert.lengthOf(yield* orders.group.members, 2)
        assert.lengthOf(yield* billing.group.members, 2)
      }
      const leads = (group: "orders" | "billing") =>
        Effect.forEach(machines, (servers) => servers[group].leadership.isLeader)
      assert.deepStrictEqual(yield* leads("orders"), [false, true])
      assert.deepStrictEqual(yield* leads("billing"), [true, false])

      // All four say goodbye, which takes its time.
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
      yield* TestClock.adjust("4 seconds")
      yield* Fiber.join(closing)
    }))
})
