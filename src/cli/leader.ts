/** `leader`: who leads a group, asked over the network without joining it. */
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Inquiry from "../client/Inquiry.ts"
import type * as Settings from "../settings/Settings.ts"
import * as Answer from "../status/Answer.ts"
import * as NodeDatagrams from "../transport/node/NodeDatagrams.ts"
import * as Output from "./output.ts"
import * as Terminal from "./terminal.ts"

export const leader = Effect.fnUntraced(function*(
  settings: Settings.Settings,
  { json, thisHost, timeout }: {
    readonly json: boolean
    readonly timeout: Duration.Duration
    readonly thisHost: boolean
  }
) {
  const answer = yield* Inquiry.leader(settings, { timeout, thisHost })
  if (json) {
    const leader = Answer.leaderOf(answer) ?? answer.leader
    return yield* Output.line(JSON.stringify({ leader, term: answer.term, answeredBy: Answer.answeredBy(answer) }))
  }
  const lines = Answer.leader(answer, yield* Clock.currentTimeMillis, yield* Terminal.style)
  return yield* Output.line(lines.join("\n"))
}, Effect.provide(NodeDatagrams.layer))
