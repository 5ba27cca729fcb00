/** The conformance cases over one real Postgres, each with a group of its own, and each server with a pool of its own. */
import { describe } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as SqlRegistry from "../../src/sql/SqlRegistry.ts"
import { conformance } from "../backend/Conformance.ts"
import * as Ground from "../backend/harness/Ground.ts"
import * as Process from "../cli/process.ts"
import * as Postgres from "./Postgres.ts"
import * as SqlPlace from "./SqlPlace.ts"

// Fifteen servers run in this process at once, each with renewals that must not be late.
Process.goFirst()

describe.skipIf(Postgres.skip)(`Postgres${Postgres.because}`, { concurrent: true }, () => {
  const postgres = SqlPlace.shared()
  const leaseDuration = Duration.seconds(8)
  const pollInterval = Duration.millis(200)
  const lag = SqlRegistry.lagOf(pollInterval)
  const ground = Effect.gen(function*() {
    const { postgres: { client }, registry } = yield* SqlPlace.on(yield* postgres)
    const connect = Effect.map(SqlPlace.pool(client), (sql) => registry({ sql, leaseDuration, pollInterval }))
    return yield* Ground.overRegistry({ connect, leaseDuration, lag, pass: (millis) => Effect.sleep(millis) })
  })

  conformance("a group in it", ground, Effect.scoped)
})
