/**
 * The named elections that a server takes part in, beside the group's own: how it enters and leaves them, and how the
 * others know. Each then goes by the rules of the group's own, among those who take part.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Election from "../model/Election.ts"
import type * as Member from "../model/Member.ts"
import type * as Message from "../model/Message.ts"
import * as PromiseRecord from "../model/PromiseRecord.ts"
import type { State } from "../model/State.ts"
import type { StepContext } from "../model/StepContext.ts"
import * as Timing from "../model/Timing.ts"
import * as Candidacy from "./Candidacy.ts"
import * as Departures from "./Departures.ts"
import * as ElectionContext from "./ElectionContext.ts"
import * as LeaderNotice from "./LeaderNotice.ts"
import * as Roles from "./Roles.ts"
import * as SteppingDown from "./SteppingDown.ts"

/** Whether a server can take part in one more election of that name: it does already, or there is room for it. */
export const hasRoom = (state: Pick<State, "named">, name: string): boolean =>
  HashMap.has(state.named, name)
  || Array.from(HashMap.values(state.named)).filter(({ withdrawn }) => !withdrawn).length < Election.maxNamed

/** The sign of life, with what this server takes part in. */
export const sign = (context: StepContext): Pick<Message.Of<"SERVER_ALIVE">, "interval" | "elections"> => {
  const interval = context.heartbeatInterval()
  if (HashMap.isEmpty(context.state.named)) return { interval }
  const elections: Array<string> = []
  // While its work ends, who withdraws still leads.
  for (const [name, { ending, withdrawn }] of context.state.named) {
    if (!withdrawn || ending !== null) elections.push(Election.tag(name))
  }
  return elections.length === 0 ? { interval } : { interval, elections: elections.slice(0, Election.maxNamed) }
}

/** Who has said goodbye, or is about to, gives no sign of life any more. */
const announce = (context: StepContext): void => {
  if (context.state.phase !== "Leaving") context.say(null, { type: "SERVER_ALIVE", ...sign(context) })
}

/**
 * The app wants to lead what goes by this name. A name that may not be one, or one too many, is ignored: the caller
 * asks first ({@link hasRoom}, `Election.isName`).
 */
export const campaign = (context: StepContext, name: string): void => {
  if (!Election.isName(name) || !hasRoom(context.state, name)) return
  const before = ElectionContext.find(context, name)
  if (before !== null && !before.register.withdrawn) return
  if (before === null) {
    context.state.named = HashMap.set(context.state.named, name, {
      ...Election.make(context.now.monotonic),
      heard: PromiseRecord.heardBefore(context.state, name)
    })
  }
  const election = new ElectionContext.ElectionContext(context, name)
  election.change({ withdrawn: false })
  election.clearTimer("withdrawn")
  announce(context)
  Candidacy.enter(election)
}

/** The app wants it no more: leading work is ended first, then the others hear of it. */
export const withdraw = (context: StepContext, name: string): void => {
  const election = name === Election.ofGroup ? null : ElectionContext.find(context, name)
  if (election === null || election.register.withdrawn) return
  election.change({ withdrawn: true })
  Roles.abandon(election)
  if (ElectionContext.ownReign(context.state, name) !== null) return Roles.endReign(election, "Left")
  if (election.register.ending === null) ended(election)
}

/** The leading work of an election has ended (`finished`), or has had its time. */
export const workEnded = (election: ElectionContext.ElectionContext, finished: boolean): void => {
  SteppingDown.workEnded(election, finished)
  if (election.register.withdrawn) ended(election)
}

/** The register is kept until all that is said of it has been. */
const ended = (election: ElectionContext.ElectionContext): void => {
  announce(election.context)
  election.setTimer("withdrawn", 2 * Timing.gaps.steppingDown[0], { _tag: "Withdrawn" })
}

/** All is said: the register is forgotten. */
export const forget = (election: ElectionContext.ElectionContext): void => {
  election.clearTimers("")
  election.state.named = HashMap.remove(election.state.named, election.name)
}

/**
 * With each heartbeat: a leader says again what it leads, since no other message carries the reigns of named elections.
 */
export const heartbeat = (context: StepContext): void => {
  for (const name of HashMap.keys(context.state.named)) {
    if (ElectionContext.ownReign(context.state, name) !== null) {
      context.say(null, { type: "COORDINATOR", election: name })
    }
  }
}

/**
 * A member was heard. Who has just begun to take part is told by the leader at once; who does no longer neither leads nor
 * is waited for. `before` are the tags of what it took part in before.
 */
export const onHeard = (
  context: StepContext,
  member: Member.Member,
  before: ReadonlyArray<string>,
  from: Member.Address
): void => {
  const now = Option.match(context.known(member.id), { onNone: () => before, onSome: ({ elections }) => elections })
  if (now === before) return
  for (const name of HashMap.keys(context.state.named)) {
    const election = new ElectionContext.ElectionContext(context, name)
    const tag = Election.tag(name)
    const takesPart = now.includes(tag)
    if (takesPart === before.includes(tag)) continue
    if (!takesPart) Departures.onWithdrawn(election, member)
    else if (election.leads) LeaderNotice.send(election, member.id, from)
  }
}
