/** How a member goes out of the view, and what that means for all that this server takes part in. */
import * as HashMap from "effect/HashMap"
import * as Departures from "./election/Departures.ts"
import * as ElectionContext from "./election/ElectionContext.ts"
import * as Contacts from "./membership/Contacts.ts"
import * as CrashLinks from "./membership/CrashLinks.ts"
import * as FailureDetector from "./membership/FailureDetector.ts"
import * as Membership from "./membership/Membership.ts"
import type * as Event from "./model/Event.ts"
import type * as Member from "./model/Member.ts"
import type { StepContext } from "./model/StepContext.ts"

/** Removes a member, which must be there. */
export const remove = (context: StepContext, id: Member.NodeId, reason: Event.Reason): void => {
  const known = HashMap.getUnsafe(context.state.known, id)
  const since = reason._tag === "Crashed" ? CrashLinks.crashed(context, id) : null
  Membership.remove(context, id, reason)
  if (reason._tag !== "Left") Contacts.lose(context, known)
  for (const election of ElectionContext.all(context)) {
    Departures.onRemoved(election, known.member, reason, since ?? known.heardAt, since !== null)
  }
}

/** A member let a direct question go by. Where all went by it goes, or leads no more here. */
export const onUnanswered = (context: StepContext, id: Member.NodeId): void => {
  const verdict = FailureDetector.unanswered(context, id)
  if (verdict !== "LeadsNoMore") return removeIf(context, id, verdict)
  const { heardAt, member } = HashMap.getUnsafe(context.state.known, id)
  for (const election of ElectionContext.all(context)) Departures.onSilent(election, member, heardAt)
}

/** Removes a member where there is a reason. */
export const removeIf = (context: StepContext, id: Member.NodeId, reason: Event.Reason | null): void => {
  if (reason !== null) remove(context, id, reason)
}
