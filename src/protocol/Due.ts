/** What a server does when a timer of its is due. */
import * as Commands from "./Commands.ts"
import * as Receiving from "./delivery/Receiving.ts"
import * as Relaying from "./delivery/Relaying.ts"
import * as Algorithms from "./election/Algorithms.ts"
import * as Candidacy from "./election/Candidacy.ts"
import type { ElectionTimer } from "./election/ElectionAlgorithm.ts"
import * as ElectionContext from "./election/ElectionContext.ts"
import * as Following from "./election/Following.ts"
import * as LeaderPace from "./election/LeaderPace.ts"
import * as NamedElections from "./election/NamedElections.ts"
import * as SteppingDown from "./election/SteppingDown.ts"
import * as Granting from "./grants/Granting.ts"
import * as Leaving from "./Leaving.ts"
import * as CrashLinks from "./membership/CrashLinks.ts"
import * as FailureDetector from "./membership/FailureDetector.ts"
import * as MemberLists from "./membership/MemberLists.ts"
import * as Paths from "./membership/Paths.ts"
import * as Presence from "./membership/Presence.ts"
import * as Stability from "./membership/Stability.ts"
import * as Witnesses from "./membership/Witnesses.ts"
import type { StepContext } from "./model/StepContext.ts"
import type { Timer } from "./model/Timer.ts"
import * as Timers from "./model/Timers.ts"
import * as Removal from "./Removal.ts"
import * as Asking from "./talk/Asking.ts"
import * as Runs from "./work/Runs.ts"

/** What one that fires clears or sets anew does not fire by its old setting; what it sets waits for the next step. */
export const fireDue = (context: StepContext, until: "before" | "now"): void => {
  const now = context.now.monotonic
  if (Timers.nextDue(context.state.timers) > now) return
  for (const entry of context.state.timers.filter(({ due }) => due < now || (due === now && until === "now"))) {
    if (context.state.phase === "Left" || !context.state.timers.includes(entry)) continue
    context.clearTimer(entry.key)
    fired(context, entry.timer, now - entry.due)
  }
}

const fired = (context: StepContext, timer: Timer, late: number): void => {
  switch (timer._tag) {
    case "DiscoveryOver":
      if (Presence.listensOn(context, timer, late)) return
      context.state.phase = "Live"
      Algorithms.of(context.state).onHeartbeat(context)
      keepPaths(context)
      return ElectionContext.all(context).forEach(Candidacy.callElection)
    case "Stable":
      Stability.reached(context)
      return ElectionContext.all(context).forEach(Candidacy.callElection)
    case "SayAgain":
      return context.sayOften(timer.key, timer.body, timer.gaps, timer.to)
    case "Respond":
      return Presence.answerDue(context, timer)
    case "Check":
      return Removal.onUnanswered(context, timer.id)
    case "Links":
    case "AskForRefusal":
    case "TellCrash":
    case "ConfirmCrash":
      return crashFired(context, timer)
    case "LeaderSign":
      return Presence.sayLeads(context)
    case "LeaderMissed":
      return LeaderPace.missed(context, timer.id)
    case "AskWitnesses":
      return Witnesses.ask(context)
    case "Proof":
      return unproven(context, timer)
    case "Evict":
      return Commands.evictDue(context, timer)
    case "Page":
      return MemberLists.ask(context)
    case "Repair":
      return Receiving.repairDue(context)
    case "Answer":
      return Receiving.answer(context)
    case "Publish":
    case "Holdings":
      // The end of the step says what is due.
      return
    case "NameNewest":
      return Relaying.nameNewest(context, timer.isLast)
    case "Asks":
      return Asking.due(context)
    case "Handover":
      return Algorithms.of(context.state).onHandoverTimer(context, timer)
    case "Farewell":
      return Leaving.fired(context, timer)
    case "GrantsEnded":
      return Leaving.goOn(context)
    case "Grants":
      return Granting.fired(context)
    case "Run":
      return Runs.onTimer(context, timer.request)
    default:
      return electionFired(new ElectionContext.ElectionContext(context, timer.election), timer)
  }
}

/** A member has not proved that it hears us, though it was asked so often. */
const unproven = (context: StepContext, timer: Extract<Timer, { readonly _tag: "Proof" }>): void => {
  if (!Paths.unanswered(context, timer)) return
  const { onUnproven } = Algorithms.of(context.state)
  ElectionContext.all(context).forEach((election) => onUnproven(election, timer.id))
}

/** What is due of members that may have crashed. */
const crashFired = (
  context: StepContext,
  timer: Extract<Timer, { readonly _tag: "Links" | "AskForRefusal" | "TellCrash" | "ConfirmCrash" }>
): void => {
  switch (timer._tag) {
    case "Links":
      return CrashLinks.change(context)
    case "AskForRefusal":
      return FailureDetector.askForRefusal(context, timer.id)
    case "TellCrash":
      return context.say(null, { type: "CRASHED", gone: { id: timer.id, incarnation: timer.incarnation } })
    case "ConfirmCrash":
      return CrashLinks.confirm(context, { id: timer.id, incarnation: timer.incarnation })
  }
}

const electionFired = (election: ElectionContext.ElectionContext, timer: ElectionTimer): void => {
  switch (timer._tag) {
    case "IneligibleOver":
      return SteppingDown.ineligibleOver(election)
    case "Withdrawn":
      return NamedElections.forget(election)
    default:
      return Algorithms.of(election.state).onTimer(election, timer)
  }
}

/** Whether others hear us is asked of those whom it matters of. */
export const keepPaths = (context: StepContext): void => {
  if (context.state.phase !== "Live") return
  ElectionContext.all(context).forEach(Following.keep)
  Algorithms.of(context.state).checkPaths(context)
}
