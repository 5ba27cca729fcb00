/** A leader notice: a `COORDINATOR` by unicast, which tells one server the reign that this one follows. */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type * as Member from "../model/Member.ts"
import * as Timing from "../model/Timing.ts"
import type * as ElectionContext from "./ElectionContext.ts"

/** Says it, at most once in 100 ms to each. */
export const send = (election: ElectionContext.ElectionContext, id: Member.NodeId, to: Member.Address): void => {
  const { leaderNotices } = election.register
  const { monotonic } = election.context.now
  if (monotonic - Option.getOrElse(HashMap.get(leaderNotices, id), () => -Infinity) < Timing.leaderNoticeInterval) {
    return
  }
  election.change({ leaderNotices: HashMap.set(leaderNotices, id, monotonic) })
  election.context.say(to, { type: "COORDINATOR", election: election.name, hears: id })
}
