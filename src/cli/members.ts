/**
 * `members`: who is in a group, asked over the network without joining it.
 */
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Inquiry from "../group/Inquiry.ts"
import type * as Settings from "../group/Settings.ts"
import * as Table from "../status/Table.ts"
import * as NodeDatagrams from "../transport/NodeDatagrams.ts"
import * as Output from "./output.ts"
import * as Terminal from "./terminal.ts"

export const members = Effect.fnUntraced(function*(
  settings: Settings.Settings,
  options: { readonly json: boolean; readonly timeout: Duration.Duration }
) {
  const { leader, members, term } = yield* Inquiry.members(settings, options)
  if (options.json) return yield* Output.line(JSON.stringify({ members, leader, term }))
  const rows: Array<Table.Row> = []
  for (const member of members) rows.push({ ...member, term: member.id === leader?.id ? term : null })
  const style = yield* Terminal.style
  const lines = Table.table(rows, yield* Clock.currentTimeMillis, { ...style, rows: Infinity })
  return yield* Output.line([...lines, ...(leader === null ? ["nobody leads"] : [])].join("\n"))
}, Effect.provide(NodeDatagrams.layer))
