/** What somebody says of a leader whom we do not know: it is believed when the leader itself is heard, so it is asked. */
import * as Option from "effect/Option"
import type * as Member from "../model/Member.ts"
import type * as Reign from "../model/Reign.ts"
import * as Zone from "../model/Zone.ts"
import type * as ElectionContext from "./ElectionContext.ts"

/**
 * Asks the leader of a reign that somebody spoke of, by unicast and at most once in `probeTimeout`; not one that is known
 * to have started again since.
 */
export const check = (election: ElectionContext.ElectionContext, theirs: Reign.Reign, from: Member.Address): void => {
  const { timing } = election.state
  const { secondHandAt } = election.register
  const known = election.context.known(theirs.leader.id)
  if (Option.isSome(known) && known.value.member.incarnation > theirs.leader.incarnation) return
  if (election.context.now.monotonic - secondHandAt < timing.probeTimeout) return
  const to = Zone.heardOfFrom(theirs.leader, from)
  if (to === null) return
  election.change({ secondHandAt: election.context.now.monotonic })
  election.context.say(to, { type: "SERVER_PROBE", nonce: election.context.nonce() })
}
