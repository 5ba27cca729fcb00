/** The fixture itself: what happens to a database in tests really does. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { join } from "node:path"
import * as Postgres from "./Postgres.ts"

const segments = () => spawnSync("ipcs", ["-m"]).stdout.toString().split(/\s+/)

describe.skipIf(Postgres.skip)(`a Postgres of a test${Postgres.because}`, () => {
  it.live(
    "keeps what was written when it is killed, answers nothing while frozen, and leaves nothing behind",
    () =>
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        const postgres = yield* Scope.provide(Postgres.make(), scope)
        const asked = <A, E>(ask: (sql: SqlClient.SqlClient) => Effect.Effect<A, E>) =>
          SqlClient.SqlClient.use(ask).pipe(Effect.provide(postgres.client))
        yield* asked((sql) => sql`CREATE TABLE kept (word text)`)
        yield* asked((sql) => sql`INSERT INTO kept VALUES ('yes')`)

        yield* postgres.kill
        assert.isTrue(Exit.isFailure(yield* Effect.exit(asked((sql) => sql`SELECT 1`))))
        yield* postgres.start
        assert.deepStrictEqual([...yield* asked((sql) => sql`SELECT word FROM kept`)], [{ word: "yes" }])

        yield* postgres.freeze
        assert.isTrue(
          Option.isNone(
            yield* asked((sql) => sql`SELECT 1`).pipe(
              Effect.timeoutOption("300 millis"),
              Effect.orElseSucceed(Option.none)
            )
          )
        )
        yield* postgres.thaw
        assert.lengthOf(yield* asked((sql) => sql`SELECT 1`), 1)

        yield* postgres.kill
        const segment = Postgres.segmentOf(join(postgres.directory, "data"))!
        assert.include(segments(), segment)
        yield* Scope.close(scope, Exit.void)
        assert.notInclude(segments(), segment)
        assert.isFalse(existsSync(postgres.directory))
      }),
    60_000
  )
})
