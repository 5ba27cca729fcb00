/** How a server leaves the group: it ends its leading work, says goodbye, and hands on what it promised. */
import * as Delivery from "./delivery/Delivery.ts"
import * as BullyElection from "./election/BullyElection.ts"
import * as Contest from "./election/Contest.ts"
import * as Handover from "./lease/Handover.ts"
import * as LeaseClaim from "./lease/LeaseClaim.ts"
import * as Rules from "./model/Rules.ts"
import type { Timer, Turn } from "./model/Turn.ts"

/** The app wants to leave. */
export const leave = (turn: Turn): void => {
  if (turn.state.phase === "Leaving") return
  turn.state.phase = "Leaving"
  turn.clearTimer("discovery")
  for (const at of Contest.all(turn)) {
    // Who would vote for it is free again: its candidacy comes to nothing.
    BullyElection.abandon(at)
    BullyElection.endReign(at, "Left")
  }
  goOn(turn)
}

/** Says goodbye, if it is leaving and none of its work is left to end. */
export const goOn = (turn: Turn): void => {
  if (turn.state.phase !== "Leaving" || Contest.all(turn).some(({ election }) => election.ending !== null)) return
  if (turn.hasTimer("farewell")) return
  turn.sayOften("leaving", { type: "SERVER_LEAVING" }, Rules.gaps.leaving)
  Handover.leave(turn)
  turn.setTimer("farewell", Rules.gaps.leaving[0] + 1 + Delivery.lingers(turn), { _tag: "Farewell" })
}

/** The goodbye has been said. It is over, unless others still have to hear of what was promised or given back. */
export const fired = (turn: Turn, timer: Extract<Timer, { readonly _tag: "Farewell" }>): void => {
  if (Handover.isUnderWay(turn.state) || LeaseClaim.isGivingBack(turn)) {
    return turn.setTimer("farewell", Rules.gaps.leaving[0], timer)
  }
  turn.state.phase = "Left"
  turn.emit({ event: "Left" })
  turn.outputs.push({ _tag: "Farewell" })
}
