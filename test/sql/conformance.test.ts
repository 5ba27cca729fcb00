/** The conformance cases over one real Postgres, each with a group of its own, and each server with a pool of its own. */
import { afterAll, beforeAll, describe } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import { randomUUID } from "node:crypto"
import * as SqlRegistry from "../../src/sql/SqlRegistry.ts"
import { conformance } from "../backend/Conformance.ts"
import * as Ground from "../backend/harness/Ground.ts"
import * as Postgres from "./Postgres.ts"

const leaseDuration = Duration.seconds(6)

describe.skipIf(Postgres.skip)(`Postgres${Postgres.because}`, { concurrent: true }, () => {
  const scope = Scope.makeUnsafe()
  let postgres: Postgres.Postgres
  beforeAll(async () => {
    postgres = await Effect.runPromise(Scope.provide(Postgres.make(), scope))
  })
  afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

  const ground = Effect.suspend(() => {
    const group = randomUUID()
    const connect = Effect.map(Layer.build(Layer.fresh(postgres.client)), (context) =>
      SqlRegistry.make({
        sql: Context.get(context, SqlClient.SqlClient),
        group,
        schema: "bellwether",
        migrate: true,
        leaseDuration,
        pollInterval: Duration.millis(300)
      }).registry)
    return Ground.overRegistry({ connect, leaseDuration, pass: (millis) => Effect.sleep(millis) })
  })

  conformance("a group in it", ground, Effect.scoped)
})
