/**
 * Why a database cannot be used as it is.
 *
 * @since 0.1.0
 */
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"

/**
 * The database cannot be used as it is, and waiting changes nothing. Programs exit with 2.
 *
 * - `dialect`: it is none of Postgres.
 * - `version`: it is older than Postgres 13.
 * - `auth`: the name or the password is wrong, or there is no such database, or it lets nobody in from here.
 * - `rights`: the user may not make the tables, or not use them.
 * - `schema`: the tables are not there and `migrate` is off, or they are others.
 *
 * A database that is away is none of these: it is waited for.
 *
 * @category errors
 * @since 0.1.0
 */
export class SqlRefused extends Schema.TaggedError<SqlRefused>()("SqlRefused", {
  reason: Schema.Literals(["dialect", "version", "auth", "rights", "schema"]),
  /** What the database has said, or what it is. */
  detail: Schema.String
}) {
  override readonly [Runtime.errorExitCode] = 2
  override get message() {
    return `the database cannot keep the group: ${this.detail}${hints[this.reason]}`
  }
}

const hints = {
  dialect: "; Postgres 13 or later can",
  version: "; Postgres 13 or later can",
  auth: "",
  rights: "; the user needs the right to use the schema and its tables, and to make them unless migrate is off",
  schema: "; the migrations make what is needed"
}
