/**
 * Orders of customers, split into eight partitions. Each copy of the app works on its share of them, and each partition is worked
 * on by one copy at a time.
 */
import { Grant, Group, Partitions } from "bellwether"
import { Console, Effect, Schedule } from "effect"
import { Ledger } from "./Ledger.ts"

export const count = 8

/** What runs while this server holds a partition: it numbers the orders of that partition, also those that another held before. */
const work = (by: string) => (partition: number) =>
  Effect.gen(function*() {
    const ledger = yield* Ledger
    const { token } = yield* Grant.Grant
    yield* Effect.acquireRelease(
      Console.log(`${by} has ${partition}`),
      () => Console.log(`${by} lets ${partition} go`)
    )
    let number = (yield* ledger.orders(partition)).length
    const order = Effect.suspend(() => {
      number += 1
      // Asks the clock before it writes. What a process that froze right after it writes too late is void by its token. A write that
      // has begun is waited for before the partition is let go: else it could come when the next one has read the file.
      return Grant.Grant.guard(Effect.uninterruptible(ledger.append(partition, { token, by, number })))
    })
    return yield* Effect.repeat(order, Schedule.spaced("200 millis"))
  }).pipe(Effect.scoped)

/** Works on the partitions of this server. */
export const orders = (by: string) =>
  Effect.gen(function*() {
    const group = yield* Group.Group
    const { whileOwner } = yield* Partitions.make({ name: "orders", count })
    return yield* Effect.raceFirst(whileOwner(work(by)), group.failed)
  }).pipe(Effect.scoped)

/** Where an order of a customer belongs: all copies of the app say the same. */
export const partitionOf = (customer: string) =>
  Effect.scoped(Effect.map(Partitions.make({ name: "orders", count }), (space) => space.partitionOf(customer)))
