/** One Postgres for the tests of a file, and groups in it that have nothing to do with each other. */
import { afterAll, beforeAll } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import { randomUUID } from "node:crypto"
import type * as Registry from "../../src/registry/Registry.ts"
import * as SqlRegistry from "../../src/sql/SqlRegistry.ts"
import * as Postgres from "./Postgres.ts"

/** Where servers of one group meet. */
export interface Place {
  readonly postgres: Postgres.Postgres
  readonly group: string
  readonly schema: string
  /** A client with all rights. */
  readonly sql: SqlClient.SqlClient
  /** The registry of one more server, over the client above unless another is given. */
  readonly registry: (given?: Partial<SqlRegistry.Options>) => Registry.Registry
}

/** A pool for as long as the scope lasts. */
export const pool = (client: Postgres.Client): Effect.Effect<SqlClient.SqlClient, unknown, Scope.Scope> =>
  Effect.map(Layer.build(Layer.fresh(client)), (context) => Context.get(context, SqlClient.SqlClient))

/** What a registry has unless something else is given. A statement may take a sixth of the lease: no test waits for that. */
export const settings = {
  schema: "bellwether_groups",
  migrate: true,
  leaseDuration: Duration.minutes(1),
  pollInterval: Duration.millis(100)
} as const

/** A group of its own in a Postgres. */
export const on = Effect.fnUntraced(function*(
  postgres: Postgres.Postgres,
  given: Partial<SqlRegistry.Options> = {}
): Effect.fn.Return<Place, unknown, Scope.Scope> {
  const sql = yield* pool(postgres.client)
  const group = randomUUID()
  const own = { ...settings, sql, group, ...given }
  return {
    postgres,
    group,
    schema: own.schema,
    sql,
    registry: (given = {}) => SqlRegistry.make({ ...own, ...given }).registry
  }
})

/** Call it where tests are described: the Postgres is there while these run. */
export const shared = (): Effect.Effect<Postgres.Postgres> => {
  const scope = Scope.makeUnsafe()
  let postgres: Postgres.Postgres | undefined
  beforeAll(async () => {
    postgres = await Effect.runPromise(Scope.provide(Postgres.make(), scope))
  })
  afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))
  return Effect.sync(() => postgres!)
}
