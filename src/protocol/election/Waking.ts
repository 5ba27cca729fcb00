/**
 * What a server does first when it has not run for a while, when its machine was set back to a snapshot, and when it goes on
 * under a higher incarnation.
 */
import * as Delivery from "../delivery/Delivery.ts"
import * as LeaseElection from "../lease/LeaseElection.ts"
import * as Membership from "../membership/Membership.ts"
import * as Presence from "../membership/Presence.ts"
import * as Watch from "../membership/Watch.ts"
import * as Rules from "../model/Rules.ts"
import type { Turn } from "../model/Turn.ts"
import * as BullyElection from "./BullyElection.ts"
import * as Contest from "./Contest.ts"
import * as Snapshot from "./Snapshot.ts"

/** A stall is not a death: not of the others, whom we could not hear, and not of us, but for our lead. */
export const wake = (turn: Turn): void => {
  const asleep = Watch.unwatchedFor(turn.state, turn.now)
  // While the machine was suspended no stamp aged: they are forgiven what the clock of stamps ran, and no more.
  const aged = turn.now.monotonic - turn.state.watchedAt
  Watch.look(turn)
  turn.emit({ event: "Stalled", for: Math.round(asleep) })
  for (const at of Contest.all(turn)) BullyElection.onStall(at, asleep)
  Membership.forgive(turn, aged)
  Delivery.forgive(turn, aged)
  if (turn.state.phase === "Leaving") return
  turn.state.phase = "Recovering"
  turn.state.drainUntil = turn.now.monotonic + Rules.watchInterval(turn.state.rules)
  Presence.probeGroup(turn)
  turn.setTimer("discovery", turn.state.rules.discoveryWindow, { _tag: "DiscoveryOver" })
}

/** What this server said and promised since a snapshot is forgotten: it counts as just started. */
export const restored = (turn: Turn): void => {
  Snapshot.startAnew(turn)
  wake(turn)
  if (turn.state.phase !== "Leaving") raised(turn)
}

/**
 * The uptime of the system went ahead and no other clock did. That may be its mistake, so nothing ends; or others have gone on
 * without us, so they are asked.
 */
export const lookAround = (turn: Turn): void => {
  const doubted = Math.round(Watch.doubtedFor(turn.state, turn.now))
  Watch.look(turn)
  turn.state.doubts = { ...turn.state.doubts, toldAt: turn.now.monotonic }
  turn.emit({ event: "Stalled", for: 0, doubted })
  if (turn.state.phase !== "Leaving") Presence.probeGroup(turn)
}

/** This server goes on under a higher incarnation. To everyone it is a new start, and they hear of it at once. */
export const raised = (turn: Turn): void => {
  Presence.sayAlive(turn)
  Contest.all(turn).forEach(turn.state.rules.lease === null ? BullyElection.onRaised : LeaseElection.onRaised)
}
