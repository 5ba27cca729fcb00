/**
 * A file that several processes append to, and that a deposed leader cannot spoil.
 *
 * Each entry carries the fencing token of the reign under which it was written. An entry counts only where no earlier
 * one has a greater token: what a leader writes after its successor has begun to write is there, and is void.
 */
import { Context, Effect, FileSystem, Layer, Schema } from "effect"
import type { PlatformError } from "effect"

export const Entry = Schema.Struct({ token: Schema.String, by: Schema.String, text: Schema.String })
export type Entry = typeof Entry.Type

const Line = Schema.fromJsonString(Entry)

export class Ledger extends Context.Service<Ledger, {
  readonly append: (entry: Entry) => Effect.Effect<void, PlatformError.PlatformError>
  /** The entries that count, in order. */
  readonly entries: Effect.Effect<ReadonlyArray<Entry>, PlatformError.PlatformError | Schema.SchemaError>
}>()("example/Ledger") {}

export const counting = (entries: Iterable<Entry>): ReadonlyArray<Entry> => {
  const counted: Array<Entry> = []
  let greatest = ""
  for (const entry of entries) {
    if (entry.token < greatest) continue
    greatest = entry.token
    counted.push(entry)
  }
  return counted
}

export const layer = (path: string): Layer.Layer<Ledger, PlatformError.PlatformError, FileSystem.FileSystem> =>
  Layer.effect(
    Ledger,
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      yield* fs.writeFileString(path, "", { flag: "a" })
      return Ledger.of({
        append: (entry) => fs.writeFileString(path, `${JSON.stringify(entry)}\n`, { flag: "a" }),
        entries: Effect.gen(function*() {
          const lines = (yield* fs.readFileString(path)).split("\n").filter((line) => line !== "")
          return counting(yield* Effect.forEach(lines, (line) => Schema.decodeEffect(Line)(line)))
        })
      })
    })
  )
