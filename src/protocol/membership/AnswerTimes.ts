/**
 * How long members take to answer. A host that sleeps between two beacons of its Wi-Fi answers all that it was asked meanwhile at
 * once, when it wakes: five questions that are over before that are one question.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type * as Member from "../model/Member.ts"
import type { Known } from "../model/State.ts"
import type { StepContext } from "../model/StepContext.ts"
import * as Timing from "../model/Timing.ts"

/** A member that was asked nothing yet. */
export const none: Known["timed"] = { nonce: "", askedAt: -Infinity }

/** A member that never took long. */
export const quick: Known["slowest"] = { took: 0, at: -Infinity }

/** For how long a slow answer counts, in ms. */
const lately = 3_600_000

/** A member is asked directly. Of several questions by one name the first counts. */
export const asked = (context: StepContext, id: Member.NodeId, nonce: string): void => {
  context.state.known = HashMap.modify(
    context.state.known,
    id,
    (known) => ({ ...known, timed: { nonce, askedAt: context.now.monotonic } })
  )
}

/** A member answers. */
export const answered = (context: StepContext, id: Member.NodeId, nonce: string): void => {
  const known = Option.getOrUndefined(context.known(id))
  if (known === undefined || known.timed.nonce !== nonce) return
  const now = context.now.monotonic
  const took = now - known.timed.askedAt
  const isLongest = took >= known.slowest.took || now - known.slowest.at > lately
  context.state.known = HashMap.set(context.state.known, id, {
    ...known,
    timed: none,
    slowest: isLongest ? { took, at: now } : known.slowest
  })
}

/**
 * For how long a member is asked, in ms, all questions together: at least twice the longest that it took to answer lately, but
 * no longer than `most`.
 */
export const asksFor = ({ now, state: { timing } }: StepContext, { slowest }: Known, most: number): number => {
  const took = now.monotonic - slowest.at > lately ? 0 : slowest.took
  return Math.max(Timing.probeTries * timing.probeTimeout, Math.min(2 * took, most))
}
