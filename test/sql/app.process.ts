/**
 * An app for tests, with its group in Postgres: while it leads it writes, each 20 ms, its token to a store, and under the fence of its
 * reign to a table of the same database. It says in lines what becomes of that. With `HOLDS` it makes one such transaction, and
 * waits in it.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as SqlClient from "effect/sql/SqlClient"
import * as Leadership from "../../src/server/Leadership.ts"
import * as Sql from "../../src/Sql.ts"

const store = process.env["STORE"]!
const holds = process.env["HOLDS"] === "true"
const tell = (line: object) => Effect.sync(() => void process.stdout.write(`${JSON.stringify(line)}\n`))

const post = (body: object) =>
  Effect.tryPromise(async (signal) => {
    const response = await fetch(store, { method: "POST", body: JSON.stringify(body), signal })
    return await response.json() as { readonly accepted?: boolean }
  }).pipe(Effect.timeoutOption("1 second"), Effect.orElseSucceed(Option.none))

const insert = (token: string) =>
  SqlClient.SqlClient.use((sql) => sql`INSERT INTO written (token, pid) VALUES (${token}, ${process.pid})`)

/** What was or was not accepted; null where that is not known. */
const put = (token: string) =>
  Sql.fenced(insert(token)).pipe(
    Effect.as(true),
    Effect.catchTags({ NotLeading: () => Effect.succeed(false), SqlError: () => Effect.succeed(null) })
  )

const write = Effect.fnUntraced(function*(token: string) {
  const stored = yield* post({ token })
  yield* tell({ token, stored: Option.getOrUndefined(stored)?.accepted ?? null, put: yield* put(token) })
})

const hold = (token: string) =>
  Sql.fenced(Effect.andThen(insert(token), Effect.andThen(tell({ holds: token }), Effect.never)))

const work = Effect.gen(function*() {
  const { token } = yield* Leadership.Reign
  yield* tell({ leads: token })
  return yield* (holds ? hold(token) : Effect.forever(Effect.andThen(write(token), Effect.sleep("20 millis")))).pipe(
    Effect.onInterrupt(() => tell({ ended: token }))
  )
})

const app = Leadership.Leadership.use(({ whileLeader }) => whileLeader(work))

/** Its app's own statements take no connection from the group. */
const pool = () => PgClient.layer({ url: Redacted.make(process.env["DATABASE"]!), maxConnections: 3 })

void Effect.runPromise(Effect.provide(app, [Layer.provide(Sql.layerConfig(), pool()), pool()]))
