/**
 * How a server finds out that a member hears it which cannot answer it directly: its question goes to the group, and whoever hears it says it
 * again, once and over three servers at most. Who is heard saying it again is reached, over whichever servers.
 *
 * A server asks so only where a member that it hears, and has to rely on, let direct questions go by: where links pass one way
 * only. In a group that is whole, or whose links pass both ways or none, nobody does.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type * as Member from "../model/Member.ts"
import * as Message from "../model/Message.ts"
import * as Rules from "../model/Rules.ts"
import type { PathProbes, Turn } from "../model/Turn.ts"

/** Nothing was asked yet. */
export const none: PathProbes = { nonce: "", until: -Infinity, wait: 0, relayed: [], since: -Infinity, count: 0 }

/** About so many servers of a large group ask at a time. */
const askers = 8

/** So many questions of others are told apart, and so many are said again in a second. */
const maxRelayed = 64
const relayedInASecond = 20

const patience = ({ state: { rules } }: Turn): number => Rules.patience(rules, rules.heartbeatInterval)

/** By how much longer a proof lasts where only about `askers` of a larger group ask at a time. */
const scale = ({ state: { members } }: Turn): number => Math.max(1, (members.length + 1) / askers)

/** Asks over others, if it is time to: ever more rarely while nobody is found, up to once in the patience. */
export const ask = (turn: Turn): void => {
  const { pathProbes: before, rules } = turn.state
  const now = turn.now.monotonic
  if (now < before.until) return
  const isNew = now > before.until + 4 * patience(turn)
  const wait = isNew
    ? rules.heartbeatInterval
    : Math.min(patience(turn), Math.max(rules.heartbeatInterval, 2 * before.wait))
  turn.state.pathProbes = { ...before, wait, until: now + wait }
  if (turn.random() * scale(turn) >= 1) return
  const nonce = turn.nonce()
  turn.state.pathProbes = { ...turn.state.pathProbes, nonce }
  const { id, incarnation } = turn.state.self
  turn.say(null, { type: "PATH_PROBE", origin: { id, incarnation }, nonce, over: 0 })
}

/** Whether a proof that came over others has to be renewed. */
export const isDue = (turn: Turn, hearsUsAt: number): boolean =>
  hearsUsAt - turn.now.monotonic < patience(turn) * scale(turn)

/** Somebody asks over others, or says such a question again. */
export const hear = (turn: Turn, { nonce, origin, over, sender }: Message.Of<"PATH_PROBE">): void => {
  const { pathProbes: before, self } = turn.state
  if (origin.id === self.id) {
    if (origin.incarnation === self.incarnation && nonce === before.nonce) reached(turn, sender.id)
    return
  }
  const question = `${origin.id} ${nonce}`
  if (over >= Message.maxHops || before.relayed.includes(question)) return
  const isSameSecond = turn.now.monotonic - before.since < 1_000
  const count = isSameSecond ? before.count + 1 : 1
  if (count > relayedInASecond) return turn.drop("PathProbesFull")
  turn.state.pathProbes = {
    ...before,
    relayed: [...before.relayed, question].slice(-maxRelayed),
    since: isSameSecond ? before.since : turn.now.monotonic,
    count
  }
  turn.say(null, { type: "PATH_PROBE", origin, nonce, over: over + 1 })
}

/** A member said a question of ours again: it hears us. That is not found out as often as other proofs, and lasts longer. */
const reached = (turn: Turn, id: Member.NodeId): void => {
  const known = Option.getOrUndefined(turn.known(id))!
  const hearsUsAt = turn.now.monotonic + 2 * patience(turn) * scale(turn)
  turn.state.known = HashMap.set(turn.state.known, id, { ...known, hearsUsAt, isReached: true })
  turn.state.provenAt = hearsUsAt
  turn.state.pathProbes = { ...turn.state.pathProbes, wait: 0, until: turn.now.monotonic }
}
