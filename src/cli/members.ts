/** `members`: who is in a group, asked over the network without joining it. */
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Inquiry from "../client/Inquiry.ts"
import type * as Settings from "../settings/Settings.ts"
import * as Answer from "../status/Answer.ts"
import * as NodeDatagrams from "../transport/node/NodeDatagrams.ts"
import * as Output from "./output.ts"
import * as Terminal from "./terminal.ts"

export const members = Effect.fnUntraced(function*(
  settings: Settings.Settings,
  { json, thisHost, timeout }: {
    readonly json: boolean
    readonly timeout: Duration.Duration
    readonly thisHost: boolean
  }
) {
  const answer = yield* Inquiry.members(settings, { timeout, thisHost })
  if (json) {
    const { leader, members, term } = answer
    return yield* Output.line(JSON.stringify({ members, leader, term, answeredBy: Answer.answeredBy(answer) }))
  }
  const style = yield* Terminal.style
  const lines = Answer.members(answer, yield* Clock.currentTimeMillis, { ...style, rows: Infinity })
  return yield* Output.line(lines.join("\n"))
}, Effect.provide(NodeDatagrams.layer))
