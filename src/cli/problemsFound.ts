/** How `doctor` ends where it found a problem. */
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"

/** Problems were found, and printed on standard output. */
export class ProblemsFound extends Schema.TaggedError<ProblemsFound>()("ProblemsFound", { problems: Schema.Natural }) {
  override readonly [Runtime.errorExitCode] = 1
  override readonly [Runtime.errorReported] = false
  override get message() {
    return `${this.problems} problems found`
  }
}
