/**
 * What standard output is: a terminal of some size, with or without colours, or none.
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Table from "../status/Table.ts"

const variable = (name: string) => Effect.orElseSucceed(Config.withDefault(Config.String(name), ""), () => "")

/** Whether it is a terminal on which a cursor can be moved. */
export const isScreen = Effect.map(variable("TERM"), (term) => process.stdout.isTTY && term !== "dumb")

/** How lines may look on it now. https://no-color.org: any value that is not empty means none. */
export const style: Effect.Effect<Table.Style> = Effect.gen(function*() {
  if (!process.stdout.isTTY) return Table.plain
  const color = (yield* variable("NO_COLOR")) === "" && (yield* isScreen)
  return { columns: process.stdout.columns || 80, rows: process.stdout.rows || 24, color }
})
