/**
 * `leader`: who leads a group, asked over the network without joining it.
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

export const leader = Effect.fnUntraced(function*(
  settings: Settings.Settings,
  options: { readonly json: boolean; readonly timeout: Duration.Duration }
) {
  const { leader, members, term } = yield* Inquiry.members(settings, options)
  // A leader that the answering server has just lost, or not yet met, is in no list.
  const known = members.find(({ id }) => id === leader?.id)
  if (options.json) return yield* Output.line(JSON.stringify({ leader: known ?? leader, term }))
  if (leader === null) return yield* Output.line("nobody leads")
  const row = { name: leader.id, heard: 0, ...leader, ...known, term }
  const style = yield* Terminal.style
  return yield* Output.line(Table.table([row], yield* Clock.currentTimeMillis, style).join("\n"))
}, Effect.provide(NodeDatagrams.layer))
