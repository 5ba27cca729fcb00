/**
 * A table of invoices in SQL that refuses what an older leader writes: the fencing token at work.
 *
 * One row of `fence` keeps the greatest token that was ever shown. The check and the write are one transaction, so nothing
 * can come between them; the same few statements do in PostgreSQL or MySQL. (Here it is SQLite in WebAssembly, which runs
 * on every host with Node.)
 */
import { Context, Effect, Schema } from "effect"
import initSqlJs from "sql.js"

/** Somebody else has led since: nothing was written. */
export class StaleToken extends Schema.TaggedError<StaleToken>()("StaleToken", {
  token: Schema.String,
  newest: Schema.String
}) {
  override get message() {
    return `the token ${this.token} is older than ${this.newest}`
  }
}

export interface Invoice {
  readonly number: number
  readonly customer: string
  readonly by: string
  readonly token: string
}

export class Invoices extends Context.Service<Invoices, {
  /** The first thing under a new reign: from here on nobody with an older token writes, whether or not we have. */
  readonly begin: (token: string) => Effect.Effect<void, StaleToken>
  /** Writes one invoice; its number is one more than the last one's. */
  readonly issue: (invoice: Omit<Invoice, "number">) => Effect.Effect<number, StaleToken>
  readonly all: Effect.Effect<ReadonlyArray<Invoice>>
}>()("example/Invoices") {}

const tables = `
  CREATE TABLE fence (resource TEXT PRIMARY KEY, token TEXT NOT NULL);
  CREATE TABLE invoice (number INTEGER PRIMARY KEY, customer TEXT NOT NULL, issued_by TEXT NOT NULL, token TEXT NOT NULL);
`

/** Changes no row where the token is older than the one that is kept. Tokens sort as texts, in the order of reigns. */
const raise = `
  INSERT INTO fence (resource, token) VALUES ('invoice', $token)
  ON CONFLICT (resource) DO UPDATE SET token = excluded.token WHERE excluded.token >= fence.token
`

const insert = `INSERT INTO invoice (customer, issued_by, token) VALUES ($customer, $by, $token) RETURNING number`

/** An empty table in memory, shared by all who are given it. Its scope closes it. */
export const open = Effect.gen(function*() {
  const sqlite = yield* Effect.promise(() => initSqlJs())
  const db = yield* Effect.acquireRelease(
    Effect.sync(() => new sqlite.Database()),
    (db) => Effect.sync(() => db.close())
  )
  db.run(tables)

  /** Runs statements in one transaction, for whom the fence lets in. */
  const fenced = <A>(token: string, statements: () => A): Effect.Effect<A, StaleToken> =>
    Effect.suspend(() => {
      db.run("BEGIN IMMEDIATE")
      try {
        db.run(raise, { $token: token })
        if (db.getRowsModified() === 0) {
          db.run("ROLLBACK")
          const newest = String(db.exec("SELECT token FROM fence WHERE resource = 'invoice'")[0]?.values[0]?.[0])
          return Effect.fail(new StaleToken({ token, newest }))
        }
        const result = statements()
        db.run("COMMIT")
        return Effect.succeed(result)
      } catch (cause) {
        db.run("ROLLBACK")
        return Effect.die(cause)
      }
    })

  return Invoices.of({
    begin: (token) => fenced(token, () => undefined),
    issue: ({ by, customer, token }) =>
      fenced(
        token,
        () => Number(db.exec(insert, { $customer: customer, $by: by, $token: token })[0]?.values[0]?.[0])
      ),
    all: Effect.sync(() =>
      (db.exec("SELECT number, customer, issued_by, token FROM invoice ORDER BY number")[0]?.values ?? []).map(
        ([number, customer, by, token]) => ({
          number: Number(number),
          customer: String(customer),
          by: String(by),
          token: String(token)
        })
      )
    )
  })
})
