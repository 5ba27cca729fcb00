/**
 * How a server finds out that a member hears it which cannot answer it directly: its question goes to the group, and each member that hears it says it
 * again, once and over three servers at most. Who is heard saying it again is reached, over any servers.
 *
 * A server asks so only where a member that it hears, and has to rely on, let direct questions go by: where links pass one way
 * only. In a group that is whole, or whose links pass both ways or none, nobody does.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type * as Member from "../model/Member.ts"
import * as Message from "../model/Message.ts"
import type { PathProbes } from "../model/State.ts"
import type { StepContext } from "../model/StepContext.ts"
import * as Timing from "../model/Timing.ts"

/** Nothing was asked yet. */
export const none: PathProbes = { nonce: "", until: -Infinity, wait: 0, relayed: [], since: -Infinity, count: 0 }

/** About so many servers of a large group ask at a time. */
const askers = 8

/** So many questions of others are told apart, and so many are said again in a second. */
const maxRelayed = 64
const relayedInASecond = 20

const patience = ({ state: { timing } }: StepContext): number => Timing.patience(timing, timing.heartbeatInterval)

/** By how much longer a proof lasts where only about `askers` of a larger group ask at a time. */
const scale = ({ state: { members } }: StepContext): number => Math.max(1, (members.length + 1) / askers)

/** Asks over others, if it is time to: ever more rarely while nobody is found, up to once in the patience. */
export const ask = (context: StepContext): void => {
  const { pathProbes: before, timing } = context.state
  const now = context.now.monotonic
  if (now < before.until) return
  const isNew = now > before.until + 4 * patience(context)
  const wait = isNew
    ? timing.heartbeatInterval
    : Math.min(patience(context), Math.max(timing.heartbeatInterval, 2 * before.wait))
  context.state.pathProbes = { ...before, wait, until: now + wait }
  if (context.random() * scale(context) >= 1) return
  const nonce = context.nonce()
  context.state.pathProbes = { ...context.state.pathProbes, nonce }
  const { id, incarnation } = context.state.self
  context.say(null, { type: "PATH_PROBE", origin: { id, incarnation }, nonce, over: 0 })
}

/** Whether a proof that came over others has to be renewed. */
export const isDue = (context: StepContext, hearsUsAt: number): boolean =>
  hearsUsAt - context.now.monotonic < patience(context) * scale(context)

/** Somebody asks over others, or says such a question again. */
export const hear = (context: StepContext, { nonce, origin, over, sender }: Message.Of<"PATH_PROBE">): void => {
  const { pathProbes: before, self } = context.state
  if (origin.id === self.id) {
    if (origin.incarnation === self.incarnation && nonce === before.nonce) reached(context, sender.id)
    return
  }
  const question = `${origin.id} ${nonce}`
  if (over >= Message.maxHops || before.relayed.includes(question)) return
  const isSameSecond = context.now.monotonic - before.since < 1_000
  const count = isSameSecond ? before.count + 1 : 1
  if (count > relayedInASecond) return context.drop("PathProbesFull")
  context.state.pathProbes = {
    ...before,
    relayed: [...before.relayed, question].slice(-maxRelayed),
    since: isSameSecond ? before.since : context.now.monotonic,
    count
  }
  context.say(null, { type: "PATH_PROBE", origin, nonce, over: over + 1 })
}

/** A member said a question of ours again: it hears us. That is not found out as often as other proofs, and lasts longer. */
const reached = (context: StepContext, id: Member.NodeId): void => {
  const known = Option.getOrUndefined(context.known(id))!
  const hearsUsAt = context.now.monotonic + 2 * patience(context) * scale(context)
  context.state.known = HashMap.set(context.state.known, id, { ...known, hearsUsAt, isReached: true })
  context.state.provenAt = hearsUsAt
  context.state.pathProbes = { ...context.state.pathProbes, wait: 0, until: context.now.monotonic }
}
