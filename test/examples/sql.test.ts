/** The example of a group in Postgres, as its user runs it: two processes, a Postgres, the package by its name and from `dist`. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Postgres from "../sql/Postgres.ts"
import * as Process from "./Process.ts"

const hasTypes = process.features.typescript !== undefined && process.features.typescript !== false

describe.skipIf(Postgres.skip)(`the example of a group in Postgres${Postgres.because}`, () => {
  // Node runs TypeScript as it is from 22.18 on.
  it.live.runIf(hasTypes)(
    "runs on the leader, and goes on on the other once that is stopped",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const { url } = yield* Postgres.make()
        const start = (name: string, priority: number) =>
          Effect.acquireRelease(
            Effect.sync(() =>
              Process.start("examples/sql/main.ts", [name], {
                BELLWETHER_GROUP: "example",
                BELLWETHER_PRIORITY: String(priority),
                DATABASE_URL: url
              })
            ),
            ({ kill }) => Effect.sync(() => kill("SIGKILL"))
          )
        const first = yield* start("first", 2)
        yield* Effect.promise(() => first.line("first: round 2"))
        const second = yield* start("second", 1)
        yield* Effect.promise(() => second.line("second is there"))
        first.kill("SIGTERM")
        assert.strictEqual(yield* Effect.promise(() => first.ended), 0, first.said())
        const last = Number([...first.said().matchAll(/round (\d+)/g)].at(-1)?.[1])
        assert.include(first.said(), "first leads no more")
        const line = yield* Effect.promise(() => second.line("second: round"))
        // The last one may be written, and its number not said any more.
        assert.include([last + 1, last + 2], Number(line.split("round ")[1]))
      }))
  )
})
