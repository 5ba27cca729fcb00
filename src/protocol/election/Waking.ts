/**
 * What a server does first when it has not run for a while, when its machine was set back to a snapshot, and when it goes on
 * under a higher incarnation.
 */
import * as Delivery from "../delivery/Delivery.ts"
import * as CrashLinks from "../membership/CrashLinks.ts"
import * as FailureDetector from "../membership/FailureDetector.ts"
import * as PauseDetector from "../membership/PauseDetector.ts"
import * as Presence from "../membership/Presence.ts"
import type { StepContext } from "../model/StepContext.ts"
import * as Timing from "../model/Timing.ts"
import * as Algorithms from "./Algorithms.ts"
import * as Departures from "./Departures.ts"
import * as ElectionContext from "./ElectionContext.ts"
import * as Snapshot from "./Snapshot.ts"

/** A stall is not a death: not of the others, whom we could not hear, and not of us, but for our lead. */
export const wake = (
  context: StepContext,
  isLeadOver = PauseDetector.isLeadOver(context.state, context.now)
): void => {
  const pausedFor = PauseDetector.pausedFor(context.state, context.now)
  // While the machine was suspended no stamp aged: they are forgiven what the clock of stamps ran, and no more.
  const aged = context.now.monotonic - context.state.lookedAt
  PauseDetector.look(context)
  if (isLeadOver) PauseDetector.signNoMore(context)
  context.emit({ event: "Stalled", for: Math.round(pausedFor) })
  for (const election of ElectionContext.all(context)) Departures.onPause(election, pausedFor, isLeadOver)
  FailureDetector.forgive(context, aged)
  CrashLinks.forgive(context)
  Delivery.forgive(context, aged)
  if (context.state.phase === "Leaving") return
  context.state.phase = "Recovering"
  context.state.drainUntil = context.now.monotonic + Timing.drainFor(context.state.timing)
  Presence.probeGroup(context)
  context.setTimer("discovery", context.state.timing.discoveryWindow, { _tag: "DiscoveryOver", times: 0 })
}

/** What this server said and promised since a snapshot is forgotten: it counts as just started. */
export const restored = (context: StepContext): void => {
  Snapshot.startAnew(context)
  wake(context, true)
  if (context.state.phase !== "Leaving") raised(context)
}

/**
 * The uptime of the system went ahead and no other clock did. That may be its mistake, so nothing ends; or others have gone on
 * without us, so they are asked.
 */
export const lookAround = (context: StepContext): void => {
  const doubted = Math.round(PauseDetector.doubtedFor(context.state, context.now))
  PauseDetector.look(context)
  context.state.doubts = { ...context.state.doubts, toldAt: context.now.monotonic }
  context.emit({ event: "Stalled", for: 0, doubted })
  if (context.state.phase !== "Leaving") Presence.probeGroup(context)
}

/** This server goes on under a higher incarnation. To everyone it is a new start, and they hear of it at once. */
export const raised = (context: StepContext): void => {
  Presence.sayAlive(context)
  ElectionContext.all(context).forEach(Algorithms.of(context.state).onRaised)
}
