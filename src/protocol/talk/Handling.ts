/** The handlers of an app: how many run at once, and who may answer as the leader. */
import * as Algorithms from "../election/Algorithms.ts"
import * as ElectionContext from "../election/ElectionContext.ts"
import * as Election from "../model/Election.ts"
import type * as Member from "../model/Member.ts"
import type { StepContext } from "../model/StepContext.ts"
import { limits } from "../model/Talk.ts"

/** A question that is there in full. */
export interface Question {
  readonly from: Member.Member
  readonly seq: number
  readonly question: string
  readonly lead: boolean
  readonly text: string
}

/** Why a question is not handled. The asker may ask another, or later. */
export type Refusal = "NotLeading" | "Busy"

/** Has a question handled, unless there is a reason not to. */
export const begin = (context: StepContext, { from, lead, question, seq, text }: Question): Refusal | null => {
  const { talk } = context.state
  if (lead && !leads(context)) return "NotLeading"
  if (talk.handling >= limits.handling) return "Busy"
  context.state.talk = { ...talk, handling: talk.handling + 1 }
  context.outputs.push({ _tag: "Handle", from, seq, question, text })
  return null
}

/** Whether this server leads now. That it was paused, or its lease is over, has ended its reign before in this step. */
const leads = ({ now, state }: StepContext): boolean =>
  ElectionContext.ownReign(state) !== null && Algorithms.of(state).lasts(state, Election.ofGroup, now)
