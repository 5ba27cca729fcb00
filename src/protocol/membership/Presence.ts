/**
 * What a server says of itself so that others know that it is there: its signs of life, its question who else is, and its
 * answer to theirs.
 */
import * as HashMap from "effect/HashMap"
import * as LeaderPace from "../election/LeaderPace.ts"
import * as NamedElections from "../election/NamedElections.ts"
import type * as Member from "../model/Member.ts"
import type * as Message from "../model/Message.ts"
import type { StepContext } from "../model/StepContext.ts"
import type { Timer } from "../model/Timer.ts"
import * as Timing from "../model/Timing.ts"
import * as Contacts from "./Contacts.ts"
import * as HeartbeatPace from "./HeartbeatPace.ts"

/** Asks the group who is there. */
export const probeGroup = (context: StepContext): void => {
  context.state.probe = context.nonce()
  context.sayOften("probe", { type: "SERVER_PROBE", nonce: context.state.probe }, Timing.gaps.probe)
}

/** So late, in ms, may the end of a discovery window be noticed without a doubt, and so often is the window longer. */
const lateness = 10
const timesMore = 3

/**
 * A discovery window is over, noticed so many ms late. Where that is on a busy host, what others answered may wait in the socket:
 * answers whether it is listened for a while more.
 */
export const listensOn = (
  context: StepContext,
  { times }: Extract<Timer, { readonly _tag: "DiscoveryOver" }>,
  late: number
): boolean => {
  if (late <= lateness || times === timesMore) return false
  context.setTimer("discovery", context.state.timing.discoveryWindow / 3, { _tag: "DiscoveryOver", times: times + 1 })
  return true
}

/** Says to the group that this server lives. */
export const sayAlive = (context: StepContext): void => {
  context.say(null, { type: "SERVER_ALIVE", ...signOfLife(context) })
  HeartbeatPace.said(context)
  LeaderPace.goOn(context)
}

/** Between its heartbeats a leader says no more than that it lives and leads. Views are compared with heartbeats. */
export const sayLeads = (context: StepContext): void => {
  if (context.leadsAnything()) context.say(null, { type: "SERVER_ALIVE", ...NamedElections.sign(context) })
  LeaderPace.goOn(context)
}

/** Somebody says that this server has crashed. It says that it lives, and once more only when that was heard. */
export const contradict = (context: StepContext): void => {
  const body = { type: "SERVER_ALIVE", ...signOfLife(context) } as const
  if (!context.hasTimer("contradict")) context.sayOften("contradict", body, [Timing.leaderNoticeInterval])
}

/** When the last of a burst of probes is said. */
const movedAgain = [Timing.gaps.probe[0] + Timing.gaps.probe[1]]

/** Who knew us hears where we are, and who is there now is asked: it may be another network. */
export const sayMoved = (context: StepContext): void => {
  if (context.state.phase === "Leaving") return
  // The sockets may still be opening anew, and what is said meanwhile is lost.
  context.sayOften("moved", { type: "SERVER_ALIVE", ...signOfLife(context) }, Timing.gaps.probe)
  probeGroup(context)
  // Who hears no multicast would go on asking for us where we were. A heartbeat by unicast would say that we hear none.
  for (const { address, member: { id } } of HashMap.values(context.state.known)) {
    context.sayOften(`moved:${id}`, { type: "SERVER_PROBE", nonce: context.nonce() }, movedAgain, address)
  }
}

/**
 * What this server says of itself is another: all hear it at once, and twice more lest it is lost. However often it changes, the group
 * hears so no more often than that; each time it is the newest that is said.
 */
export const sayChanged = (context: StepContext): void => {
  if (context.state.phase === "Leaving") return
  const body = { type: "SERVER_ALIVE", ...signOfLife(context) } as const
  if (context.hasTimer("changed")) {
    const left = context.dueAt("changed") - context.now.monotonic
    return context.setTimer("changed", left, {
      _tag: "SayAgain",
      key: "changed",
      to: null,
      body,
      gaps: Timing.gaps.probe
    })
  }
  context.sayOften("changed", body, Timing.gaps.probe)
  const { known, timing } = context.state
  for (const { address, unicastOnly, unicastUntil } of HashMap.values(known)) {
    // A heartbeat by unicast would say to one that hears no multicast of ours that we hear none of its.
    const isDeaf = timing.multicast && !unicastOnly && unicastUntil > context.now.monotonic
    if (isDeaf) context.say(address, { type: "SERVER_PROBE", nonce: context.nonce() })
  }
}

const signOfLife = (context: StepContext) => ({
  ...NamedElections.sign(context),
  ...Contacts.viewOf(context.state)
})

/**
 * A question that all heard, and how likely it was to be answered when that was last considered. It is now: the others are asked
 * too, so it is left to as many of them as are wanted.
 */
export const considerAnswer = (context: StepContext, { chance, ...question }: Question): void => {
  const size = context.state.members.length + 1
  const now = answerChance(context, size)
  if (context.random() * chance >= now) return
  const after = context.random() * Math.min(size, longestWait)
  context.setTimer(`respond:${question.id}`, after, { ...question, _tag: "Respond", chance: now })
}

/**
 * It is time to answer, unless the group has grown meanwhile: then it is considered anew (the timer reconsideration of RTCP, RFC
 * 3550, 6.3). So where many start at once, they do not all answer each other since they know few by then.
 */
export const answerDue = (context: StepContext, question: Question): void => {
  if (answerChance(context, context.state.members.length + 1) < question.chance) {
    return considerAnswer(context, question)
  }
  respond(context, question.to, question.nonce)
}

type Question = Omit<Extract<Timer, { readonly _tag: "Respond" }>, "_tag">

/** The longest time, in ms, in which it is answered. */
const longestWait = 100

/** Who has still to repeat a question of its own tells all by that that it is there: few need hear it twice. */
const answerChance = (context: StepContext, size: number): number =>
  Math.min(1, (context.hasTimer("probe") ? Timing.answersOfAskers : Timing.answersWanted) / size)

/** Answers a probe. */
export const respond = (
  context: StepContext,
  to: Member.Address,
  nonce: string,
  more: { readonly preVote?: Message.PreVote } = {}
): void => context.say(to, { type: "SERVER_RESPONSE", nonce, ...signOfLife(context), ...more })
