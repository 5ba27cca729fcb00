/** The example of a group in Postgres, as its user runs it: two processes, a Postgres, the package by its name and from `dist`. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Postgres from "../sql/Postgres.ts"
import * as Process from "./Process.ts"
import * as Rounds from "./Rounds.ts"

describe.skipIf(Postgres.skip)(`the example of a group in Postgres${Postgres.because}`, () => {
  it.live.runIf(Process.runsTypeScript)(
    "runs on the leader, and goes on on the other once that is stopped",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const { url } = yield* Postgres.make()
        const { last, next } = yield* Rounds.handover("examples/sql/main.ts", { DATABASE_URL: url })
        // The last one may be written, and its number not said any more.
        assert.include([last + 1, last + 2], next)
      }))
  )
})
