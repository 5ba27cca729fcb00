/**
 * A journal in one file, to which several processes append under one lock. Each entry has the number after the last one: two that
 * wrote at the same time would give the same number twice.
 *
 * Each line carries the token of its grant, and the reader passes over a line whose token is lower than one before it: so also a
 * process that was frozen in the middle, and woke when others had the lock, writes nothing that counts.
 */
import { Grant, Lock } from "bellwether"
import { Console, Effect, FileSystem, Schema } from "effect"

export const Entry = Schema.Struct({ token: Schema.String, number: Schema.Int, by: Schema.String })
export type Entry = typeof Entry.Type

const Line = Schema.fromJsonString(Entry)

/** The entries that count: tokens sort as texts, in the order of the grants. */
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

export const read = Effect.fnUntraced(function*(path: string) {
  const { readFileString, writeFileString } = yield* FileSystem.FileSystem
  yield* writeFileString(path, "", { flag: "a" })
  const lines = (yield* readFileString(path)).split("\n").filter((line) => line !== "")
  return counting(yield* Effect.forEach(lines, (line) => Schema.decodeEffect(Line)(line)))
})

/** Appends the next entry. It takes its time between reading and writing, so that a second writer would be in between. */
const append = Effect.fnUntraced(function*(path: string, by: string) {
  const { writeFileString } = yield* FileSystem.FileSystem
  const { token } = yield* Grant.Grant
  const number = (yield* read(path)).length + 1
  yield* Console.log(`${by} begins ${number}`)
  yield* Effect.sleep("200 millis")
  const line = JSON.stringify({ token, number, by } satisfies Entry)
  yield* Grant.Grant.guard(writeFileString(path, `${line}\n`, { flag: "a" }))
  yield* Console.log(`${by} has written ${number}`)
})

/** One entry after the other. Without a leader, or when the lock is lost, it says so and tries again. */
export const journal = (path: string, by: string) =>
  Lock.withLock("journal", { within: "10 seconds" })(append(path, by)).pipe(
    Effect.catchTag(["LockTimeout", "GrantLost"], ({ message }) => Console.log(`${by}: ${message}`)),
    Effect.andThen(Effect.sleep("100 millis")),
    Effect.forever
  )
