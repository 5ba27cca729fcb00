/**
 * Two groups in one app: each has its own members and its own leader, and is reached by a service of its own.
 */
import { Server, type Settings } from "bellwether"
import { Console, Effect, Layer } from "effect"

export class Orders extends Server.Service<Orders>()("example/Orders") {}
export class Billing extends Server.Service<Billing>()("example/Billing") {}

/** Both over one `Datagrams`: real sockets, or a simulated machine in a test. */
export const layer = (orders: Settings.Options = {}, billing: Settings.Options = {}) =>
  Layer.mergeAll(
    Orders.layer({ group: "orders", ...orders }),
    Billing.layer({ group: "billing", ...billing })
  )

/** Work for each of the two leaders: one server may lead both groups, or one, or none. */
export const program = Effect.gen(function*() {
  const orders = yield* Orders
  const billing = yield* Billing
  const lead = (group: string) => Effect.andThen(Console.log(`leads ${group}`), Effect.never)
  return yield* Effect.raceFirst(
    Effect.all([orders.leadership.whileLeader(lead("orders")), billing.leadership.whileLeader(lead("billing"))], {
      concurrency: "unbounded"
    }),
    Effect.raceFirst(orders.group.failed, billing.group.failed)
  )
})
