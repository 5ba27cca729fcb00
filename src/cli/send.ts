/** `send`: one message to a group, without staying. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Client from "../client/Client.ts"
import * as Member from "../protocol/model/Member.ts"
import type * as Settings from "../settings/Settings.ts"
import * as NodeDatagrams from "../transport/node/NodeDatagrams.ts"
import * as Output from "./output.ts"

/** Ends once the leader has the message and has handed it on; else fails with what to check. */
export const send = Effect.fnUntraced(
  function*(
    text: string,
    settings: Settings.Settings,
    options: { readonly json: boolean; readonly timeout: Duration.Duration }
  ) {
    const [starting, client] = yield* Effect.timed(Client.fromSettings(settings))
    // Names of seeds may have taken their time; the rest is enough for those who are there.
    const rest = Duration.max(Duration.subtract(options.timeout, starting), Duration.times(options.timeout, 0.5))
    const within = Math.round(Duration.toMillis(options.timeout))
    const seq = yield* client.send(text, { within: rest }).pipe(
      Effect.catchTag(
        "NobodyLeads",
        (error) => Effect.fail(new Client.NobodyLeads(Object.assign({}, error, { within })))
      )
    )
    const reign = yield* client.reign
    if (options.json) {
      const term = reign?.term ?? null
      return yield* Output.line(JSON.stringify({ client: client.self, seq, leader: reign?.leader ?? null, term }))
    }
    const at = reign === null ? "" : ` at ${Member.formatAddress(reign.leader)}`
    return yield* Output.line(`acknowledged by the leader${at}`)
  },
  Effect.scoped,
  Effect.provide(NodeDatagrams.layer)
)
