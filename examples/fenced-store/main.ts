/**
 * `npm run example fenced-store`: tells the story line by line, then shows the table. It needs no network.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Console, Effect } from "effect"
import * as Invoices from "./Invoices.ts"
import { split } from "./Split.ts"

const program = Effect.gen(function*() {
  yield* split(Console.log)
  const { all } = yield* Invoices.Invoices
  for (const { by, number, token } of yield* all) yield* Console.log(`${number} by ${by}, token ${token}`)
})

program.pipe(
  Effect.provideServiceEffect(Invoices.Invoices, Invoices.open),
  Effect.scoped,
  NodeRuntime.runMain()
)
