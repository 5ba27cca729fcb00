/**
 * The end of a server or a client that cannot go on.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * So many deaths of fibers within a minute are one too many.
 *
 * @internal
 */
export const maxDeaths = 5

/**
 * The group is not served any more, and the server has stepped down and left: its fibers died again and again, or the app gave
 * up what it names (`isGivenUp`).
 *
 * @category errors
 * @since 0.1.0
 */
export class GroupFailed extends Schema.TaggedError<GroupFailed>()("GroupFailed", {
  fiber: Schema.String,
  cause: Schema.Defect(),
  isGivenUp: Schema.optionalKey(Schema.Literal(true))
}) {
  override get message() {
    if (this.isGivenUp) return `${this.fiber} has failed, and is not started again`
    return `${this.fiber} died ${maxDeaths} times within a minute`
  }
}
