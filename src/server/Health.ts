/**
 * Whether a server is well: what a health route of an app answers.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import type * as Status from "../protocol/Status.ts"
import type * as Settings from "../settings/Settings.ts"

/**
 * One thing that is not well, and why, in a sentence.
 *
 * - `pulse`: it has sent nothing for three heartbeats. To be started again may help.
 * - `joined`: it does not know its group yet, or was paused just now, or it leaves or has left, as it does when it failed.
 * - `votes`: it does not vote yet, as it has just started. Only with leases, and not of one that has no vote.
 *
 * @category models
 * @since 0.1.0
 */
export interface Unwell {
  readonly reason: "pulse" | "joined" | "votes"
  readonly why: string
}

/**
 * Whether a server is well: it is if nothing is not. Whether somebody leads is not asked: who serves without a leader stays in
 * service.
 *
 * @category models
 * @since 0.1.0
 */
export interface Health {
  readonly healthy: boolean
  readonly reasons: ReadonlyArray<Unwell>
}

/**
 * Whether it has sent something lately, as it does with every heartbeat. Three missed ones are too many, as they are to the others.
 *
 * @internal
 */
export const pulse = (
  pulse: number,
  { heartbeatInterval }: Pick<Settings.Settings, "heartbeatInterval">
): Unwell | null => {
  const most = 3 * Duration.toMillis(heartbeatInterval)
  return pulse <= most
    ? null
    : { reason: "pulse", why: `nothing was sent for ${Math.round(pulse)} ms, at most ${most} are well` }
}

/**
 * Whether it knows its group, and votes where there are leases. So a rolling restart that waits for it never takes the group its
 * majority.
 *
 * @internal
 */
export const ready = ({ phase, votesIn }: Pick<Status.Status, "phase" | "votesIn">): Unwell | null => {
  if (phase !== "Live") return { reason: "joined", why: `it is ${phase.toLowerCase()}` }
  return votesIn !== null && votesIn > 0
    ? { reason: "votes", why: `it does not vote yet: in ${votesIn} ms at the latest` }
    : null
}

/**
 * All that is not well.
 *
 * @internal
 */
export const of = (
  status: Pick<Status.Status, "phase" | "votesIn">,
  sentAgo: number,
  settings: Pick<Settings.Settings, "heartbeatInterval">
): Health => {
  const reasons = [pulse(sentAgo, settings), ready(status)].filter((unwell) => unwell !== null)
  return { healthy: reasons.length === 0, reasons }
}
