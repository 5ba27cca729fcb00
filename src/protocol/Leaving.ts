/** How a server leaves the group: it ends its leading work, says goodbye, and hands over what it promised. */
import * as HashMap from "effect/HashMap"
import * as Relaying from "./delivery/Relaying.ts"
import * as Algorithms from "./election/Algorithms.ts"
import * as ElectionContext from "./election/ElectionContext.ts"
import * as Roles from "./election/Roles.ts"
import * as Claiming from "./grants/Claiming.ts"
import type { StepContext } from "./model/StepContext.ts"
import type { Timer } from "./model/Timer.ts"
import * as Timing from "./model/Timing.ts"
import * as Asking from "./talk/Asking.ts"

/** The app wants to leave. */
export const leave = (context: StepContext): void => {
  if (context.state.phase === "Leaving") return
  context.state.phase = "Leaving"
  context.clearTimer("discovery")
  for (const election of ElectionContext.all(context)) {
    // Who would vote for it is free again: its candidacy comes to nothing.
    Roles.abandon(election)
    Roles.endReign(election, "Left")
  }
  Claiming.leave(context)
  if (!HashMap.isEmpty(context.state.grants.holdings)) {
    context.setTimer(grants, context.state.timing.stopTimeout, { _tag: "GrantsEnded" })
  }
  goOn(context)
}

const grants = "grants ended"

/** How long the leader has to hear that the sessions of a server that leaves are over, in ms: it is asked three times. */
const heardWithin = 200

/** What is done under a grant has its time to end. Then the leader hears of it, as long as it listens: once it has heard the goodbye, it does not. */
const holds = (context: StepContext): boolean => {
  if (!context.hasTimer(grants)) return false
  if (Claiming.holdsAny(context.state)) return true
  if (context.dueAt(grants) > context.now.monotonic + heardWithin) {
    context.setTimer(grants, heardWithin, { _tag: "GrantsEnded" })
  }
  return Claiming.hasToTell(context)
}

/** Says goodbye, if it is leaving and none of its work is left to end. */
export const goOn = (context: StepContext): void => {
  if (
    context.state.phase !== "Leaving" || ElectionContext.all(context).some(({ register }) => register.ending !== null)
  ) return
  if (context.hasTimer("farewell") || holds(context)) return
  context.sayOften("leaving", { type: "SERVER_LEAVING" }, Timing.gaps.leaving)
  Algorithms.of(context.state).onLeave(context)
  context.setTimer("farewell", Timing.gaps.leaving[0] + 1 + Relaying.lingers(context), { _tag: "Farewell" })
}

/** The goodbye has been said. It is over, unless others still have to hear of what was promised or given back. */
export const fired = (context: StepContext, timer: Extract<Timer, { readonly _tag: "Farewell" }>): void => {
  if (Algorithms.of(context.state).delaysGoodbye(context)) {
    return context.setTimer("farewell", Timing.gaps.leaving[0], timer)
  }
  context.state.phase = "Left"
  Asking.close(context)
  context.emit({ event: "Left" })
  context.outputs.push({ _tag: "Farewell" })
}
