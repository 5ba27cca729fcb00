/** The messages by which an operator commands one server, and its answer; and the word of a member that was evicted. */
import * as Schema from "effect/Schema"
import * as Member from "./Member.ts"
import { ElectionName, header, kind, Nonce, start } from "./MessageFields.ts"

/** A text, since later versions may know more than this one. */
const Word = Schema.String.check(Schema.isPattern(/^[A-Za-z]{1,32}$/))

/** Who commands, as it says of itself. Only the key of the group proves that it may. */
export const Commander = Schema.Struct({
  user: Member.Member.fields.name,
  host: Member.Member.fields.hostname
})

/** */
export type Commander = typeof Commander.Type

/** The longest time that a server is told to step down for, 24 hours in ms. */
export const longestFor = 86_400_000

/** By unicast, from who is no member, and back; but `EVICTED` is of a member, to the group. */
export const kinds = [
  /**
   * That start of a server is to do `what`, in that election: `Resign`, `StepDown` (`for` so many ms), `Transfer` (to `member`),
   * `Evict` (`member`). Said again until it is answered; one `nonce` is one command.
   */
  kind("COMMAND", {
    nonce: Nonce,
    to: start,
    what: Word,
    election: ElectionName,
    for: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: longestFor }))),
    member: Schema.optionalKey(start),
    by: Commander
  }),
  /** What came of the command of that nonce: `Done`, or why not. */
  kind("COMMAND_DONE", { nonce: Nonce, from: start, outcome: Word }),
  /** That start of a member did not answer me, and somebody says that it is dead: ask it, and remove it if it does not answer. */
  kind("EVICTED", { ...header, gone: start, by: Commander })
] as const
