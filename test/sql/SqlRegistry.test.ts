/** A group's registry in Postgres: what a registry has to be, and what its tables promise beyond that. */
import { describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import { randomUUID } from "node:crypto"
import type * as Registry from "../../src/registry/Registry.ts"
import * as SqlRegistry from "../../src/sql/SqlRegistry.ts"
import * as RegistryCases from "../backend/RegistryCases.ts"
import * as Postgres from "./Postgres.ts"

interface Place {
  readonly postgres: Postgres.Postgres
  readonly sql: SqlClient.SqlClient
  /** A server's registry of the group, which is the place's own unless named. */
  readonly registry: (given?: Partial<SqlRegistry.Options>) => Registry.Registry
}

const place: Effect.Effect<Place, unknown, Scope.Scope> = Effect.gen(function*() {
  const postgres = yield* Postgres.make()
  const sql = Context.get(yield* Layer.build(postgres.client), SqlClient.SqlClient)
  const group = randomUUID()
  return {
    postgres,
    sql,
    registry: (given = {}) =>
      SqlRegistry.make({
        sql,
        group,
        schema: "bellwether",
        migrate: true,
        leaseDuration: Duration.seconds(6),
        pollInterval: Duration.millis(100),
        ...given
      }).registry
  }
})

const within = <A, E>(test: (place: Place) => Effect.Effect<A, E, Scope.Scope>) =>
  Effect.scoped(Effect.flatMap(place, test))

describe.skipIf(Postgres.skip)(`a registry in Postgres${Postgres.because}`, { concurrent: true }, () => {
  it.live("does what every registry does", () =>
    within(Effect.fnUntraced(function*({ registry, sql }) {
      for (const { behaves, name } of RegistryCases.all) {
        yield* behaves(registry({ group: name }), (session) =>
          Effect.orDie(
            sql`UPDATE bellwether.sessions SET expires_at = clock_timestamp() WHERE id = ${session}`
          ))
      }
    })))
})
