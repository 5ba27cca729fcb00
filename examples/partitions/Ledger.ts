/**
 * A file for each partition, which several processes append to, and which a server that has lost the partition cannot spoil.
 *
 * Each order carries the token of the grant under which it was written. An order counts only where no earlier one has a greater
 * token: what a server writes after the next one has begun to write is there, and is void.
 */
import { Context, Effect, FileSystem, Layer, Path, Schema } from "effect"
import type { PlatformError } from "effect"

export const Order = Schema.Struct({ token: Schema.String, by: Schema.String, number: Schema.Natural })
export type Order = typeof Order.Type

const Line = Schema.fromJsonString(Order)

type Failure = PlatformError.PlatformError | Schema.SchemaError

export class Ledger extends Context.Service<Ledger, {
  readonly append: (partition: number, order: Order) => Effect.Effect<void, Failure>
  /** The orders of a partition that count. */
  readonly orders: (partition: number) => Effect.Effect<ReadonlyArray<Order>, Failure>
}>()("example/partitions/Ledger") {}

export const counting = (orders: Iterable<Order>): ReadonlyArray<Order> => {
  const counted: Array<Order> = []
  let greatest = ""
  for (const order of orders) {
    if (order.token < greatest) continue
    greatest = order.token
    counted.push(order)
  }
  return counted
}

export const layer = (
  folder: string
): Layer.Layer<Ledger, PlatformError.PlatformError, FileSystem.FileSystem | Path.Path> =>
  Layer.effect(
    Ledger,
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const path = yield* Path.Path
      yield* fs.makeDirectory(folder, { recursive: true })
      const fileOf = (partition: number) => path.join(folder, `${partition}.jsonl`)
      return Ledger.of({
        append: (partition, order) =>
          fs.writeFileString(fileOf(partition), `${JSON.stringify(order)}\n`, { flag: "a" }),
        orders: Effect.fnUntraced(function*(partition) {
          yield* fs.writeFileString(fileOf(partition), "", { flag: "a" })
          const lines = (yield* fs.readFileString(fileOf(partition))).split("\n").filter((line) => line !== "")
          return counting(yield* Effect.forEach(lines, (line) => Schema.decodeEffect(Line)(line)))
        })
      })
    })
  )
