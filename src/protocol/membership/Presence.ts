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

const signOfLife = (context: StepContext) => ({
  ...NamedElections.sign(context),
  ...Contacts.viewOf(context.state)
})

/** Answers a probe. */
export const respond = (
  context: StepContext,
  to: Member.Address,
  nonce: string,
  more: { readonly preVote?: Message.PreVote } = {}
): void => context.say(to, { type: "SERVER_RESPONSE", nonce, ...signOfLife(context), ...more })
