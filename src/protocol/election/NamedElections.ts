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
import * as Rules from "../model/Rules.ts"
import type { State, Turn } from "../model/Turn.ts"
import * as BullyElection from "./BullyElection.ts"
import * as Contest from "./Contest.ts"
import * as SteppingDown from "./SteppingDown.ts"

/** Whether a server can take part in one more election of that name: it does already, or there is room for it. */
export const hasRoom = (state: Pick<State, "named">, name: string): boolean =>
  HashMap.has(state.named, name)
  || Array.from(HashMap.values(state.named)).filter(({ withdrawn }) => !withdrawn).length < Election.maxNamed

/** The sign of life, with what this server takes part in. */
export const sign = (turn: Turn): Pick<Message.Of<"SERVER_ALIVE">, "interval" | "elections"> => {
  const interval = turn.state.rules.heartbeatInterval
  if (HashMap.isEmpty(turn.state.named)) return { interval }
  const elections: Array<string> = []
  // While its work ends, who withdraws still leads.
  for (const [name, { ending, withdrawn }] of turn.state.named) {
    if (!withdrawn || ending !== null) elections.push(Election.tag(name))
  }
  return elections.length === 0 ? { interval } : { interval, elections: elections.slice(0, Election.maxNamed) }
}

/** Who has said goodbye, or is about to, gives no sign of life any more. */
const announce = (turn: Turn): void => {
  if (turn.state.phase !== "Leaving") turn.say(null, { type: "SERVER_ALIVE", ...sign(turn) })
}

/**
 * The app wants to lead what goes by this name. A name that may not be one, or one too many, is ignored: whoever steps
 * this asks first ({@link hasRoom}, `Election.isName`).
 */
export const campaign = (turn: Turn, name: string): void => {
  if (!Election.isName(name) || !hasRoom(turn.state, name)) return
  const before = Contest.find(turn, name)
  if (before !== null && !before.election.withdrawn) return
  if (before === null) {
    turn.state.named = HashMap.set(turn.state.named, name, {
      ...Election.make(turn.now.monotonic),
      heard: PromiseRecord.heardBefore(turn.state, name)
    })
  }
  const at = new Contest.Contest(turn, name)
  at.change({ withdrawn: false })
  at.clearTimer("withdrawn")
  announce(turn)
  BullyElection.enter(at)
}

/** The app wants it no more: leading work is ended first, then the others hear of it. */
export const withdraw = (turn: Turn, name: string): void => {
  const at = name === Election.ofGroup ? null : Contest.find(turn, name)
  if (at === null || at.election.withdrawn) return
  at.change({ withdrawn: true })
  BullyElection.abandon(at)
  if (Contest.ownReign(turn.state, name) !== null) return BullyElection.endReign(at, "Left")
  if (at.election.ending === null) ended(at)
}

/** The leading work of an election has ended (`finished`), or has had its time. */
export const workEnded = (at: Contest.Contest, finished: boolean): void => {
  SteppingDown.workEnded(at, finished)
  if (at.election.withdrawn) ended(at)
}

/** The register is kept until all that is said of it has been. */
const ended = (at: Contest.Contest): void => {
  announce(at.turn)
  at.setTimer("withdrawn", 2 * Rules.gaps.steppingDown[0], { _tag: "Withdrawn" })
}

/** All is said: the register is forgotten. */
export const forget = (at: Contest.Contest): void => {
  at.clearTimers("")
  at.state.named = HashMap.remove(at.state.named, at.name)
}

/**
 * With each heartbeat: a leader says again what it leads, since no other message carries the reigns of named elections.
 */
export const heartbeat = (turn: Turn): void => {
  for (const name of HashMap.keys(turn.state.named)) {
    if (Contest.ownReign(turn.state, name) !== null) turn.say(null, { type: "COORDINATOR", election: name })
  }
}

/**
 * A member was heard. Who has just begun to take part is told by the leader at once; who does no longer neither leads nor
 * is waited for. `before` are the tags of what it took part in before.
 */
export const onHeard = (
  turn: Turn,
  member: Member.Member,
  before: ReadonlyArray<string>,
  from: Member.Address
): void => {
  const now = Option.match(turn.known(member.id), { onNone: () => before, onSome: ({ elections }) => elections })
  if (now === before) return
  for (const name of HashMap.keys(turn.state.named)) {
    const at = new Contest.Contest(turn, name)
    const tag = Election.tag(name)
    const takesPart = now.includes(tag)
    if (takesPart === before.includes(tag)) continue
    if (!takesPart) BullyElection.onWithdrawn(at, member)
    else if (at.leads) BullyElection.notify(at, member.id, from)
  }
}
