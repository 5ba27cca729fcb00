/**
 * What observations mean: findings, each with what to do about it. Pure: the same observations give the same findings.
 */
import * as Schema from "effect/Schema"
import { AnyFinding, type Finding, sort } from "./Finding.ts"
import * as Foreign from "./ForeignFindings.ts"
import * as Group from "./GroupFindings.ts"
import * as Host from "./HostFindings.ts"
import * as Link from "./LinkFindings.ts"
import { Observations } from "./Observations.ts"
import { chosenOf, isTaken, isUnheard, leaderOf, leaderships } from "./Seen.ts"
import * as Voter from "./VoterFindings.ts"

/**
 * What `doctor --json` prints: the findings, the problems first, and what they come from. `healthy` where none is a problem.
 * A report of another version is read too: fields that this one does not know are left out, and findings and words
 * that it does not know are `Unknown`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Report = Schema.Struct({
  healthy: Schema.Boolean,
  findings: Schema.Array(AnyFinding),
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

/**
 * The findings, problems before notes, each kind in the order of `Finding.Kind`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const diagnose = (seen: Observations): ReadonlyArray<Finding> => sort(rules.flatMap((rule) => rule(seen)))

/**
 * Whether longer listening would change nothing for the better: every probe comes back, and every server that is known is
 * heard both ways. Or nothing can be listened on at all.
 *
 * @category guards
 * @since 0.1.0
 */
export const isSettled = (seen: Observations): boolean => {
  const chosen = chosenOf(seen)
  if (chosen.every(({ refusal }) => refusal !== null) || isTaken(seen)) return seen.lasted >= hopeless
  return seen.lasted >= shortest &&
    (!seen.multicast || chosen.every(({ echoed, refusal }) => refusal !== null || echoed > 0))
    && seen.servers.length > 0 &&
    seen.servers.every(({ answered, multicast }) => answered !== null && (multicast !== null || !seen.multicast))
    && seen.servers.every(({ links }) => links === undefined || Link.isTried(links))
    && leaderOf(seen) !== undefined && !isUnheard(seen)
    && new Set(leaderships(seen).map(({ leader }) => leader)).size === 1
}

/**
 * Whether some server answers but has not been heard by multicast yet: one lost heartbeat is no finding, so it is worth
 * listening for another.
 *
 * @category guards
 * @since 0.1.0
 */
export const isSuspect = (seen: Observations): boolean =>
  seen.multicast && seen.servers.some(({ answered, multicast }) => answered !== null && multicast === null)

// internal

const shortest = 1_500
const hopeless = 500

const rules = [...Host.rules, ...Foreign.rules, ...Group.rules, ...Voter.rules, ...Link.rules]
