/** Why a statement has no answer to use, and what that means for what it asked for. */
import * as Schema from "effect/Schema"
import type * as SqlError from "effect/sql/SqlError"
import { isObject, messageOr, shortened } from "../registry/FailureText.ts"
import * as Registry from "../registry/Registry.ts"
import { SqlRefused } from "./SqlRefused.ts"

/**
 * - `NotDone`: it was not carried out, and may be later. `Unknown`: it may have been, or may still be.
 * - `Auth`, `Rights`, `Missing`: it never will be, as the database is: see `SqlRefused`. `Wrong`: nor will this statement.
 */
export const Kind = Schema.Literals(["NotDone", "Unknown", "Auth", "Rights", "Missing", "Wrong"])

export type Kind = typeof Kind.Type

export class SqlFailed extends Schema.TaggedError<SqlFailed>()("SqlFailed", {
  kind: Kind,
  detail: Schema.String
}) {
  override get message() {
    return this.detail
  }
}

/** The states of SQL, by their table in the manual of Postgres: `EPIPE` and other codes of Node are none. */
const sqlState = /^(\d[\dA-Z]|F0|HV|P0|XX)[\dA-Z]{3}$/

/** The first code of SQL in an error and what caused it, with its text. */
const stateIn = (error: unknown, depth = 0): { readonly state: string; readonly text: string } | undefined => {
  if (!isObject(error) || depth > 4) return undefined
  const { cause, code, message } = error
  if (typeof code === "string" && sqlState.test(code)) {
    return { state: code, text: messageOr(message, code) }
  }
  return stateIn(cause, depth + 1)
}

/** What failed at the bottom: drivers say only which of their parts it was. */
const textIn = (error: unknown, text: string, depth = 0): string => {
  if (!isObject(error) || depth > 4) return text
  const { cause, errors, message } = error
  const own = messageOr(message, text)
  // Each address of a name has an error of its own: one will do.
  return textIn(Array.isArray(errors) ? errors[0] : cause, own, depth + 1)
}

/** A statement that ends by an error has changed nothing, but where the server ends too it is not known when that was. */
const kindOf = (state: string): Kind => {
  if (/^(08|57P0[124])/.test(state) || state === "40003") return "Unknown"
  if (state.startsWith("28") || state === "3D000") return "Auth"
  if (state === "42501") return "Rights"
  if (["3F000", "42P01", "42703", "42883"].includes(state)) return "Missing"
  // What was said is wrong, or the database does not have what is needed for it.
  return /^(0A|22|23|42|P0)/.test(state) ? "Wrong" : "NotDone"
}

/** What the client says. */
export const of = ({ reason }: SqlError.SqlError): SqlFailed => {
  const found = stateIn(reason)
  if (found !== undefined) {
    const kind = kindOf(found.state)
    // Before there was a connection nothing was asked for.
    const isUnsent = reason.operation === "connect" && kind === "Unknown"
    return new SqlFailed({ kind: isUnsent ? "NotDone" : kind, detail: shortened(found.text) })
  }
  const kind = reason._tag === "AuthenticationError" ? "Auth" : reason.operation === "connect" ? "NotDone" : "Unknown"
  return new SqlFailed({ kind, detail: shortened(textIn(reason.cause, reason.message)) })
}

/** What is known of a statement that was given up. */
export const ofTime = (ms: number): SqlFailed =>
  new SqlFailed({ kind: "Unknown", detail: `no answer within ${Math.round(ms)} ms` })

/** An answer that cannot be read. */
export const ofNonsense: SqlFailed = new SqlFailed({
  kind: "Missing",
  detail: "an answer that is none of the functions of bellwether"
})

/** What a failure is to those who need the database as it has to be; null where waiting may mend it. */
export const refusal = ({ detail, kind }: SqlFailed): SqlRefused | null => {
  switch (kind) {
    case "NotDone":
    case "Unknown":
      return null
    case "Auth":
      return new SqlRefused({ reason: "auth", detail })
    case "Rights":
      return new SqlRefused({ reason: "rights", detail })
    default:
      return new SqlRefused({ reason: "schema", detail })
  }
}

/** What a failure is to those who asked for a renewal or a change: what was not answered they do again. */
export const failedIn =
  (during: Registry.RegistryFailed["during"]) => ({ detail, kind }: SqlFailed): Registry.RegistryFailed =>
    new Registry.RegistryFailed({
      during,
      kind: kind === "NotDone"
        ? "Unreachable"
        : kind === "Unknown"
        ? during === "commit" ? "Unknown" : "Unreachable"
        : "Refused",
      detail
    })
