/**
 * What `doctor --json` prints, for programs that read it: one {@link Report} as JSON, with `--watch` one a line.
 *
 * ```ts
 * import * as Diagnosis from "bellwether/Diagnosis"
 * import * as Schema from "effect/Schema"
 *
 * export const read = (line: string) => Schema.decodeUnknownSync(Diagnosis.Report)(JSON.parse(line))
 * ```
 *
 * @since 0.1.0
 */
export {
  /**
   * The findings, problems before notes, and what they come from. `healthy` where none is a problem. One of another version
   * is read too: findings and words that this version does not know are `Unknown`.
   *
   * @category schemas
   * @since 0.1.0
   */
  Report
} from "./doctor/Diagnosis.ts"
export {
  /**
   * A finding that this version knows, or an {@link UnknownFinding}.
   *
   * @category schemas
   * @since 0.1.0
   */
  AnyFinding,
  /**
   * One thing that was found, and what to do about it.
   *
   * @category schemas
   * @since 0.1.0
   */
  Finding,
  /**
   * The kinds of findings.
   *
   * @category schemas
   * @since 0.1.0
   */
  Kind,
  /**
   * A finding of another version: `told` is all that it tells.
   *
   * @category schemas
   * @since 0.1.0
   */
  UnknownFinding
} from "./doctor/Finding.ts"
export {
  /**
   * All that was seen.
   *
   * @category schemas
   * @since 0.1.0
   */
  Observations
} from "./doctor/Observations.ts"
