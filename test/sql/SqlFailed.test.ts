/** What a failure of a client of SQL means for what was asked for. */
import { assert, describe, it } from "@effect/vitest"
import * as SqlError from "effect/sql/SqlError"
import * as SqlFailed from "../../src/sql/SqlFailed.ts"

const ofState = (code: string, operation = "query") => {
  const cause = Object.assign(new Error("as Postgres says it"), { code })
  return SqlFailed.of(
    new SqlError.SqlError({ reason: new SqlError.UnknownError({ cause, message: "it failed", operation }) })
  )
}

const ofConnection = (cause: unknown, operation: string) =>
  SqlFailed.of(
    new SqlError.SqlError({ reason: new SqlError.ConnectionError({ cause, message: "Connection closed", operation }) })
  )

describe("a failure of SQL", () => {
  it("is known not to be done where Postgres says an error, but for those of its own end", () => {
    const kinds: ReadonlyArray<readonly [SqlFailed.Kind, ReadonlyArray<string>]> = [
      ["NotDone", ["40001", "40P01", "55P03", "57014", "57P03", "25006", "25P03", "53300", "53100", "XX000"]],
      ["Unknown", ["08006", "08003", "57P01", "57P02", "57P04", "40003"]],
      ["Auth", ["28P01", "28000", "3D000"]],
      ["Rights", ["42501"]],
      ["Missing", ["3F000", "42P01", "42883"]],
      ["Wrong", ["22P02", "23505", "42601", "0A000"]]
    ]
    for (const [kind, states] of kinds) {
      for (const state of states) assert.strictEqual(ofState(state).kind, kind, state)
    }
    assert.strictEqual(ofState("40001").detail, "as Postgres says it")
  })

  it("is unknown where the connection ends after something was sent, and not done before there was one", () => {
    assert.strictEqual(ofState("57P01", "connect").kind, "NotDone")
    const reset = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" })
    assert.deepInclude(ofConnection(reset, "query"), { kind: "Unknown", detail: "read ECONNRESET" })
    // Five capital letters are no state of SQL.
    assert.strictEqual(
      ofConnection(Object.assign(new Error("write EPIPE"), { code: "EPIPE" }), "query").kind,
      "Unknown"
    )
    assert.deepInclude(ofConnection({ errors: [new Error("connect ECONNREFUSED ::1:5432")] }, "connect"), {
      kind: "NotDone",
      detail: "connect ECONNREFUSED ::1:5432"
    })
    assert.deepInclude(ofConnection(undefined, "query"), { kind: "Unknown", detail: "Connection closed" })
  })

  it("is unknown to a commit and unreachable to the others, until somebody mends what is refused", () => {
    const kindOf = (kind: SqlFailed.Kind, during: "commit" | "renew") =>
      SqlFailed.failedIn(during)(new SqlFailed.SqlFailed({ kind, detail: "" })).kind
    assert.strictEqual(kindOf("Unknown", "commit"), "Unknown")
    assert.strictEqual(kindOf("Unknown", "renew"), "Unreachable")
    assert.strictEqual(kindOf("NotDone", "commit"), "Unreachable")
    for (const kind of ["Auth", "Rights", "Missing", "Wrong"] as const) {
      assert.strictEqual(kindOf(kind, "renew"), "Refused")
      assert.isNotNull(SqlFailed.refusal(new SqlFailed.SqlFailed({ kind, detail: "" })))
    }
    for (const kind of ["NotDone", "Unknown"] as const) {
      assert.isNull(SqlFailed.refusal(new SqlFailed.SqlFailed({ kind, detail: "" })))
    }
  })
})
