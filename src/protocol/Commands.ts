/**
 * What an operator commands over the network: each command is carried out once, and answered each time that it comes. Whether its
 * sender may command is decided by who opens datagrams: it has the group's key, or there is none and it is on this host.
 *
 * Nobody is evicted that answers: a server that is to remove a member asks it first.
 */
import * as Option from "effect/Option"
import * as ElectionContext from "./election/ElectionContext.ts"
import * as SteppingDown from "./election/SteppingDown.ts"
import * as Presence from "./membership/Presence.ts"
import type { Commanded, Outcome } from "./model/Command.ts"
import * as Ip from "./model/Ip.ts"
import * as Member from "./model/Member.ts"
import type * as Message from "./model/Message.ts"
import type { Known } from "./model/State.ts"
import type { StepContext } from "./model/StepContext.ts"
import type { Timer } from "./model/Timer.ts"
import * as Timing from "./model/Timing.ts"
import * as Removal from "./Removal.ts"

/** So many of the newest commands are known by their nonces, so that each is carried out once. */
const maxKept = 32

type Command = Message.Of<"COMMAND">

/**
 * Whether who commands may: it has sealed that with a key of the group, or the group has none and it is on this host. `from` is
 * where it came from.
 */
export const isAllowed = (
  from: Member.Address,
  { hasKey, isSealed }: { readonly hasKey: boolean; readonly isSealed: boolean }
): boolean => isSealed || (!hasKey && Ip.isLoopback(from.ip))

/** Whether a message answers the command of that nonce, and no other. */
export const isAnswer = (message: Message.Message, nonce: string): message is Message.Of<"COMMAND_DONE"> =>
  message.type === "COMMAND_DONE" && message.nonce === nonce

/** A command came. */
export const received = (context: StepContext, command: Command, from: Member.Address, isAllowed: boolean): void => {
  const { nonce, to } = command
  // It was meant for another server that was there, or for an earlier start of this one.
  if (!Member.isSameStart(to, context.state.self)) return
  const before = context.state.commands.find((one) => one.nonce === nonce)
  if (before !== undefined) return before.outcome === null ? undefined : answer(context, before, before.outcome)
  if (!isAllowed) {
    context.drop("CommandRefused")
    return answer(context, { nonce, from }, "NotAllowed")
  }
  const refusal = refusalOf(context, command)
  const { by, election, for: millis, member, what } = command
  context.emit({
    event: "Commanded",
    command: what,
    election,
    ...(millis === undefined ? {} : { for: millis }),
    ...(member === undefined ? {} : { target: member.id }),
    by: whoIs(by),
    from: Member.formatAddress(from),
    outcome: refusal ?? "Done"
  })
  const evicts = refusal === null && what === "Evict" && member !== undefined ? member.id : null
  const outcome = evicts === null ? refusal ?? "Done" : null
  context.state.commands = [...context.state.commands, { nonce, from, evicts, outcome }].slice(-maxKept)
  if (outcome !== null) answer(context, { nonce, from }, outcome)
  if (refusal === null) carryOut(context, command)
}

/** Why a command cannot be carried out; null where it can. */
const refusalOf = (context: StepContext, { election: name, for: millis, member, what }: Command): Outcome | null => {
  if (context.state.phase === "Leaving") return "Leaving"
  const election = ElectionContext.find(context, name)
  switch (what) {
    case "Resign":
      if (election === null) return "NoElection"
      return ElectionContext.ownReign(context.state, name) === null ? "NotLeading" : null
    case "StepDown":
      return millis === undefined ? "Unknown" : election === null ? "NoElection" : null
    case "Transfer":
      if (election === null) return "NoElection"
      if (member === undefined) return "Unknown"
      if (member.id === context.state.self.id && ElectionContext.ownReign(context.state, name) !== null) return null
      return SteppingDown.refusal(context.state, member.id, name)
    case "Evict":
      if (member === undefined) return "Unknown"
      if (Member.isSameStart(member, context.state.self)) return "Alive"
      return knownStart(context, member) === undefined ? "NoSuchMember" : null
    default:
      return "Unknown"
  }
}

const carryOut = (context: StepContext, { by, election: name, for: millis, member, what }: Command): void => {
  const election = ElectionContext.find(context, name)
  if (what === "Evict") return ask(context, member!, by, true)
  if (what === "Resign") SteppingDown.resign(election!)
  else if (what === "StepDown") SteppingDown.stepDown(election!, millis!)
  else SteppingDown.transfer(election!, member!.id)
}

const whoIs = ({ host, user }: Command["by"]): string => `${user}@${host}`

const answer = (context: StepContext, { from, nonce }: Pick<Commanded, "from" | "nonce">, outcome: Outcome): void => {
  const { id, incarnation } = context.state.self
  context.send(from, { type: "COMMAND_DONE", nonce, from: { id, incarnation }, outcome })
}

// --- Evicting ---

type Start = Pick<Member.Member, "id" | "incarnation">
type Evicting = Extract<Timer, { readonly _tag: "Evict" }>

const knownStart = (context: StepContext, { id, incarnation }: Start): Known | undefined =>
  Option.getOrUndefined(Option.filter(context.known(id), ({ member }) => member.incarnation === incarnation))

const keyOf = ({ id }: Start): string => `evict:${id}`

/** A member is said to be dead: it is asked as often as one that fell silent. The others are told if it `tells`. */
const ask = (context: StepContext, { id, incarnation }: Start, by: Command["by"], tells: boolean): void =>
  askAgain(context, {
    _tag: "Evict",
    id,
    incarnation,
    by,
    tells,
    since: context.now.monotonic,
    left: Timing.probeTries
  })

const askAgain = (context: StepContext, evicting: Evicting): void => {
  context.sayTo(evicting.id, { type: "SERVER_PROBE", nonce: context.nonce() })
  context.setTimer(keyOf(evicting), context.state.timing.probeTimeout, { ...evicting, left: evicting.left - 1 })
}

/** A question to one that is said to be dead has had its time. */
export const evictDue = (context: StepContext, evicting: Evicting): void => {
  const { by, id, incarnation, left, since, tells } = evicting
  const known = knownStart(context, evicting)
  if (known !== undefined && known.heardAt > since) return settle(context, id, "Alive")
  if (known !== undefined && left > 0) return askAgain(context, evicting)
  if (known !== undefined) Removal.remove(context, id, { _tag: "Evicted", by: whoIs(by) })
  settle(context, id, "Done")
  if (tells) context.sayOften(`evicted:${id}`, { type: "EVICTED", gone: { id, incarnation }, by }, Timing.gaps.leaving)
}

/** Answers all who wait for what becomes of a member. */
const settle = (context: StepContext, id: Member.NodeId, outcome: Outcome): void => {
  const isOfIt = (command: Commanded) => command.evicts === id && command.outcome === null
  for (const command of context.state.commands.filter(isOfIt)) answer(context, command, outcome)
  context.state.commands = context.state.commands.map((one) => isOfIt(one) ? { ...one, outcome } : one)
}

/** A member has evicted another, which may be this server: that one says that it lives. */
export const onEvicted = (context: StepContext, { by, gone }: Message.Of<"EVICTED">): void => {
  if (Member.isSameStart(gone, context.state.self)) {
    if (context.state.phase !== "Leaving") Presence.contradict(context)
    return
  }
  if (knownStart(context, gone) === undefined || context.hasTimer(keyOf(gone))) return
  ask(context, gone, by, false)
}
