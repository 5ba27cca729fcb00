/** What somebody says of a leader whom we do not know: it is believed when the leader itself is heard, so it is asked. */
import * as Option from "effect/Option"
import type * as Member from "../model/Member.ts"
import type * as Reign from "../model/Reign.ts"
import * as Zone from "../model/Zone.ts"
import type * as Contest from "./Contest.ts"

/**
 * Asks the leader of a reign that somebody spoke of, by unicast and at most once in `probeTimeout`; not one that is known
 * to have started again since.
 */
export const check = (at: Contest.Contest, theirs: Reign.Reign, from: Member.Address): void => {
  const { rules } = at.state
  const { hearsayAt } = at.election
  const known = at.turn.known(theirs.leader.id)
  if (Option.isSome(known) && known.value.member.incarnation > theirs.leader.incarnation) return
  if (at.turn.now.monotonic - hearsayAt < rules.probeTimeout) return
  const to = Zone.heardOfFrom(theirs.leader, from)
  if (to === null) return
  at.change({ hearsayAt: at.turn.now.monotonic })
  at.turn.say(to, { type: "SERVER_PROBE", nonce: at.turn.nonce() })
}
