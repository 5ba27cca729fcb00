/** `resign`, `step-down`, `transfer` and `evict`: one server is told over the network what to do. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Os from "node:os"
import * as Command from "../client/Command.ts"
import type { Commander } from "../protocol/model/CommandMessages.ts"
import * as Member from "../protocol/model/Member.ts"
import type * as Settings from "../settings/Settings.ts"
import * as Text from "../status/Text.ts"
import * as NodeDatagrams from "../transport/node/NodeDatagrams.ts"
import * as Output from "./output.ts"

/** Ends once the server has answered that it does it; else fails with why not. */
export const command = Effect.fnUntraced(function*(
  settings: Settings.Settings,
  order: Command.Order,
  { json, timeout }: { readonly json: boolean; readonly timeout: Duration.Duration }
) {
  const done = yield* Command.command(settings, order, { by: commander(), timeout })
  if (!json) return yield* Output.line(Text.clean(said(order, done)))
  const { at, member } = done
  const { election, millis, what } = order
  const about = { ...millis === undefined ? {} : { for: millis }, ...member === null ? {} : { member: shown(member) } }
  return yield* Output.line(JSON.stringify({ command: what, at: shown(at), election, ...about, outcome: "Done" }))
}, Effect.provide(NodeDatagrams.layer))

const shown = ({ id, ip, name, port }: Command.Done["at"]) => ({ id, name, ip, port })

const said = ({ election, millis = 0, what }: Command.Order, { at, member }: Command.Done): string => {
  const led = election === "" ? "the lead" : `the lead of ${election}`
  const other = member === null ? "nobody" : Command.who(member)
  switch (what) {
    case "Resign":
      return `${Command.who(at)} gives ${led} up`
    case "StepDown":
      return `${Command.who(at)} does not take ${led} for ${Text.age(millis)}`
    case "Transfer":
      return `${Command.who(at)} hands ${led} to ${other}`
    case "Evict":
      return `${other} has not answered ${
        Command.who(at)
      }, which has removed it; the others ask it, and remove it too if it does not answer`
  }
}

/** A user without a name, as in some containers, has a number. */
const commander = (): Commander => {
  const host = Member.shortened(Os.hostname(), Member.limits.hostname)
  try {
    return { user: Member.shortened(Os.userInfo().username, Member.limits.name), host }
  } catch {
    return { user: `uid ${process.getuid?.() ?? "unknown"}`, host }
  }
}
