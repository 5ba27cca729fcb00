/** An example whose leader counts rounds, each into a store that all its processes share: two processes, and the first is stopped. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Process from "./Process.ts"

/** The last round that the first process told, and the first that the second one did. */
export const handover = Effect.fnUntraced(function*(file: string, environment: Readonly<Record<string, string>>) {
  const start = (name: string, priority: number) =>
    Process.scoped(file, [name], {
      BELLWETHER_GROUP: "example",
      BELLWETHER_PRIORITY: String(priority),
      ...environment
    })
  const first = yield* start("first", 2)
  yield* Process.says(first, "first: round 2")
  const second = yield* start("second", 1)
  yield* Process.says(second, "second is there")
  first.kill("SIGTERM")
  assert.strictEqual(yield* Process.ends(first), 0, first.said())
  const [rounds = "", after] = first.said().split("first leads no more")
  assert.isDefined(after, first.said())
  assert.notInclude(after, "round")
  const line = yield* Process.says(second, "second: round")
  return {
    last: Number([...rounds.matchAll(/round (\d+)/g)].at(-1)?.[1]),
    next: Number(line.split("round ")[1])
  }
})
