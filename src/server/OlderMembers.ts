/** What is refused while members are there that are too old to understand it. */
import * as Schema from "effect/Schema"
import * as Member from "../protocol/model/Member.ts"

/**
 * Members are too old for what was asked for: they would go on by what they knew before. Nothing was changed. It can be done once
 * they run a later version, or have left.
 *
 * @category errors
 * @since 0.1.0
 */
export class OlderMembers extends Schema.TaggedError<OlderMembers>()("OlderMembers", {
  /** What was asked for, such as `setPriority`. */
  what: Schema.String,
  members: Schema.Array(Member.Member)
}) {
  override get message() {
    const who = this.members.map((member) => `${member.name} (${Member.formatAddress(member)})`)
    const shown = who.length > 5 ? [...who.slice(0, 5), `${who.length - 5} more`] : who
    return `${this.what} is refused while members of an older version are there: ${shown.join(", ")}`
  }
}
