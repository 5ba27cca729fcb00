/** A group's registry in Postgres: what a registry has to be, and what its tables promise beyond that. */
import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as RegistryCases from "../backend/RegistryCases.ts"
import * as Postgres from "./Postgres.ts"
import * as SqlCases from "./SqlCases.ts"
import * as SqlPlace from "./SqlPlace.ts"

describe.skipIf(Postgres.skip)(`a registry in Postgres${Postgres.because}`, { concurrent: true }, () => {
  const postgres = SqlPlace.shared()

  const within = <A, E>(test: (place: SqlPlace.Place) => Effect.Effect<A, E, Scope.Scope>) =>
    Effect.scoped(Effect.flatMap(Effect.flatMap(postgres, SqlPlace.on), test))

  for (const isolation of ["read committed", "serializable"]) {
    it.live(`does what every registry does, where the database's transactions are ${isolation}`, () =>
      within(Effect.fnUntraced(function*({ group, postgres, registry, schema }) {
        const startupParameters = { default_transaction_isolation: isolation }
        const sql = yield* SqlPlace.pool(postgres.clientWith({ startupParameters }))
        for (const { behaves, name } of RegistryCases.all) {
          yield* behaves(registry({ sql, group: `${group} ${name}` }), SqlCases.endSession({ schema, sql }))
        }
      })))
  }

  for (const { behaves, name } of SqlCases.all) it.live(name, () => within(behaves))
})
