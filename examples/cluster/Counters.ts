/**
 * Counters of which each lives on one process at a time: all who want to count ask the counter by its name.
 *
 * What is counted is kept in one file, that all processes share. Each line carries the token of the lock under which it was written,
 * and the reader passes over a line whose token is lower than one before it: so also a process that was frozen in the middle, and woke
 * when the counter lived elsewhere, writes nothing that counts.
 */
import { ShardLockLost, ShardLocks } from "bellwether/Cluster"
import { Console, Effect, FileSystem, Schema } from "effect"
import * as Entity from "effect/cluster/Entity"
import * as EntityId from "effect/cluster/EntityId"
import * as Rpc from "effect/rpc/Rpc"

export const Counter = Entity.make("Counter", [
  Rpc.make("Add", { success: Schema.Int, error: ShardLockLost })
])

export const Line = Schema.Struct({
  counter: Schema.String,
  token: Schema.String,
  value: Schema.Int,
  by: Schema.String
})
export type Line = typeof Line.Type

/** The lines that count: tokens sort as texts, in the order of the owners. */
export const counting = (lines: Iterable<Line>): ReadonlyArray<Line> => {
  const greatest = new Map<string, string>()
  const counted: Array<Line> = []
  for (const line of lines) {
    if (line.token < (greatest.get(line.counter) ?? "")) continue
    greatest.set(line.counter, line.token)
    counted.push(line)
  }
  return counted
}

const decode = Schema.decodeEffect(Schema.fromJsonString(Line))

const read = Effect.fnUntraced(function*(path: string) {
  const { readFileString, writeFileString } = yield* FileSystem.FileSystem
  yield* writeFileString(path, "", { flag: "a" })
  const lines = (yield* readFileString(path)).split("\n").filter((line) => line !== "")
  return counting(yield* Effect.forEach(lines, (line) => decode(line)))
}, Effect.orDie)

/** Adds one. It takes its time between reading and writing, so that a second owner would be in between. */
const add = Effect.fnUntraced(function*(path: string, by: string) {
  const { writeFileString } = yield* FileSystem.FileSystem
  const { entityId: counter } = yield* Entity.CurrentAddress
  const token = yield* ShardLocks.token
  const value = ((yield* read(path)).findLast((line) => line.counter === counter)?.value ?? 0) + 1
  yield* Effect.sleep("50 millis")
  const line = JSON.stringify({ counter, token, value, by } satisfies Line)
  yield* ShardLocks.guard(Effect.orDie(writeFileString(path, `${line}\n`, { flag: "a" })))
  yield* Console.log(`${by} counts ${counter}: ${value}`)
  return value
})

/** The counters that live on this process. */
export const layer = (path: string, by: string) =>
  Counter.toLayer(Effect.gen(function*() {
    const ofEntity = yield* Effect.context<Entity.CurrentAddress>()
    return { Add: () => Effect.provideContext(add(path, by), ofEntity) }
  }))

export const names = ["apples", "pears", "plums", "cherries", "grapes", "figs"]

/** Counts all the time, on all processes. One that has no owner for the moment is waited for. */
export const count = Effect.gen(function*() {
  const client = yield* Counter.client
  return yield* Effect.forEach(
    names,
    (name) =>
      client(EntityId.make(name)).Add().pipe(
        Effect.timeout("2 seconds"),
        Effect.catchCause(() => Effect.void),
        Effect.andThen(Effect.sleep("250 millis")),
        Effect.forever
      ),
    { concurrency: "unbounded", discard: true }
  )
})
