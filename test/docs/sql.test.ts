/**
 * docs/sql-tables.sql is what the migrations say. `npm run docs:write` writes it.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Path from "node:path"
import * as SqlOptions from "../../src/sql/SqlOptions.ts"
import * as SqlTables from "../../src/sql/SqlTables.ts"
import * as Page from "./Page.ts"

const head = `-- The tables and functions of groups in Postgres, for those who make them themselves: see docs/sql.md.
-- Made from the migrations of bellwether/Sql by \`npm run docs:write\`.
`

describe("docs/sql-tables.sql", () => {
  it("is what the migrations make", async () => {
    const statements = SqlTables.statements(SqlOptions.settings.schema.default("standard"))
    const text = `${head}\nBEGIN;\n\n${statements.map((statement) => `${statement};\n\n`).join("")}COMMIT;\n`
    await expect(text).toMatchFileSnapshot(Path.join(Page.root, "docs/sql-tables.sql"))
  })
})
