/**
 * Groups in Postgres: see `sql/Sql.ts`.
 *
 * @since 0.1.0
 */
export * from "./sql/Sql.ts"
