/**
 * The report of `doctor`: what was found, and what it comes from.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { Finding } from "./Finding.ts"
import { diagnose } from "./Findings.ts"
import { Observations } from "./Observations.ts"

/**
 * What `doctor --json` prints: the findings, the problems first, and what they come from. `healthy` where none is a problem.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Report = Schema.Struct({
  healthy: Schema.Boolean,
  findings: Schema.Array(Finding),
  observations: Observations
})

/**
 * @category models
 * @since 0.1.0
 */
export type Report = typeof Report.Type

/**
 * The report on these observations.
 *
 * @category constructors
 * @since 0.1.0
 */
export const report = (observations: Observations): Report => {
  const findings = diagnose(observations)
  return { healthy: findings.every(({ severity }) => severity === "note"), findings, observations }
}
