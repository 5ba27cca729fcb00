/** The tables and functions of a group in Postgres, as statements that make them. */
import * as SqlFunctions from "./SqlFunctions.ts"

/** The newest migration. What an earlier version of this library calls stays as it is in all later ones. */
export const newest = 1

/** Rows that are often changed have room beside them, and no index on what changes. */
const tables = (schema: string): ReadonlyArray<string> => [
  `CREATE SCHEMA IF NOT EXISTS ${schema}`,
  `CREATE TABLE ${schema}.migrations (
  version integer PRIMARY KEY,
  applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
)`,
  `CREATE TABLE ${schema}.groups (
  name text COLLATE "C" PRIMARY KEY,
  revision bigint NOT NULL,
  number bigint NOT NULL
) WITH (fillfactor = 50)`,
  `CREATE TABLE ${schema}.sessions (
  group_name text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (group_name, id)
) WITH (fillfactor = 50)`,
  `CREATE TABLE ${schema}.entries (
  group_name text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  value text NOT NULL,
  version bigint NOT NULL,
  session text COLLATE "C",
  PRIMARY KEY (group_name, key)
)`,
  `CREATE INDEX entries_by_session ON ${schema}.entries (group_name, session)`,
  `CREATE TABLE ${schema}.changes (
  group_name text COLLATE "C" NOT NULL,
  revision bigint NOT NULL,
  position bigint NOT NULL,
  number bigint NOT NULL,
  kind text NOT NULL,
  key text,
  value text,
  session text,
  PRIMARY KEY (group_name, revision, position)
)`,
  `CREATE INDEX changes_by_number ON ${schema}.changes (group_name, number)`
]

/** The statements of the first migration, in their order. */
export const statements = (schema: string): ReadonlyArray<string> => [
  ...tables(schema),
  ...SqlFunctions.all(schema),
  `INSERT INTO ${schema}.migrations (version) VALUES (${newest})`
]

/**
 * All of it as one statement: it is done or not, and nobody waits for a client that is frozen in the middle. A client takes one
 * statement at a time, and this one holds the others.
 */
export const block = (schema: string): string =>
  `DO $bellwether$\nBEGIN\n${statements(schema).map((statement) => `${statement};\n`).join("")}END\n$bellwether$`
