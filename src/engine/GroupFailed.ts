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
 * The group is not served any more: its fibers died again and again, so the server has stepped down and left.
 *
 * @category errors
 * @since 0.1.0
 */
export class GroupFailed extends Schema.TaggedError<GroupFailed>()("GroupFailed", {
  fiber: Schema.String,
  cause: Schema.Defect()
}) {
  override get message() {
    return `${this.fiber} died ${maxDeaths} times within a minute`
  }
}
