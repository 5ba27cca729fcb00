/**
 * What is known of the life of the leader that is followed. The leader numbers its signs of life. Others say the highest number
 * that they know, and over how many servers it came to them.
 *
 * What they say cannot keep a dead leader alive in a circle: for a server that does not hear the leader, it lives as long as that
 * number grows. After van Renesse, Minsky and Hayden, *A Gossip-Style Failure Detection Service* (1998). What others say keeps a
 * reign; it never ends one.
 */
import * as Paths from "../membership/Paths.ts"
import * as Election from "../model/Election.ts"
import * as Member from "../model/Member.ts"
import * as Message from "../model/Message.ts"
import * as Reign from "../model/Reign.ts"
import type { StepContext } from "../model/StepContext.ts"
import * as Timing from "../model/Timing.ts"
import type * as ElectionContext from "./ElectionContext.ts"

type Context = ElectionContext.ElectionContext

/** A path to a leader: `through` is the member that it leads through, null where it is direct. */
export interface Path {
  readonly through: Member.NodeId | null
}

/** The life that a message tells of the leader that it names, where its sender can be relied on for it. */
export const toldBy = (
  election: Context,
  message: Message.FromServer
): { readonly alive: number; readonly hops: number } | null => {
  if (election.name !== Election.ofGroup || !("hops" in message)) return null
  const { alive, hops } = message
  if (alive === undefined || hops === undefined || hops >= Message.maxHops) return null
  return isThroughUs(election, message) ? null : { alive, hops }
}

/** Whether what it tells of the leader came over this server: it leads back here, and nowhere else. */
export const isThroughUs = (election: Context, message: Message.FromServer): boolean =>
  "through" in message && message.through === election.state.self.id

const isSame = (election: Context, self: Reign.Reign | null, that: Reign.Reign): boolean =>
  self !== null && Reign.compare(self, that, election.name) === 0

/** The highest number that is known of the signs of life of a reign; null of one that was not heard of before. */
export const numberOf = (election: Context, reign: Reign.Reign): number | null => {
  const { last, life, mention } = election.register
  if (isSame(election, last, reign)) return life.number
  return mention !== null && isSame(election, mention.reign, reign) ? mention.number : null
}

/** A reign is followed from now on by a message that speaks of it: what that tells of its leader's life. */
export const begun = (
  election: Context,
  message: Message.FromServer,
  theirs: Reign.Reign,
  { through }: Path
): Election.Life => ({
  number: Math.max(numberOf(election, theirs) ?? 0, aliveIn(message), leastOf(election, message, theirs)),
  through,
  relay: through === null ? null : relayOf(election, message)
})

/** A leader that is heard itself has given its first sign of life. */
const leastOf = (election: Context, { sender }: Message.FromServer, { leader }: Reign.Reign): number =>
  election.name === Election.ofGroup && !election.traits.asksFirst && Member.isSameStart(sender, leader)
    ? 1
    : 0

export const aliveIn = (message: Message.FromServer): number => ("alive" in message ? message.alive : undefined) ?? 0

export const relayOf = (election: Context, message: Message.FromServer): Election.Relay => {
  const { alive, hops } = toldBy(election, message)!
  return {
    by: message.sender.id,
    number: alive,
    hops: hops + 1,
    until: election.context.now.monotonic + lasts(election.context, hops)
  }
}

/**
 * A number that is known already has come over fewer servers than by the relay of before. It is no new sign of life, so the time
 * of the old one goes on. A newer number, or the same over fewer servers, makes no circle: Perkins and Bhagwat, *Highly Dynamic
 * Destination-Sequenced Distance-Vector Routing* (1994).
 */
export const shortened = (election: Context, message: Message.FromServer, before: Election.Relay): Election.Relay => {
  const relay = relayOf(election, message)
  return { ...relay, until: Math.min(relay.until, before.until) }
}

/**
 * For how long a leader is followed through others without a new sign of life, in ms: as long as it takes those who hear it to
 * remove it, and a heartbeat for each server on the way.
 */
const lasts = ({ state: { members, timing } }: StepContext, hops: number): number =>
  Timing.patience(timing, timing.heartbeatInterval) + timing.cleanupInterval + Timing.probeTries * timing.probeTimeout
  + (hops + 1) * Timing.intervalBeside(timing, members.length)

const intervalOfOthers = ({ state: { members, timing } }: Context): number =>
  Timing.intervalBeside(timing, members.length)

/** How long ago the leader gave a sign of life by this path, if it does so with each heartbeat. */
export const isFresh = (election: Context, { hops, until }: Election.Relay): boolean =>
  until - election.context.now.monotonic >=
    lasts(election.context, hops - 1) - 2 * intervalOfOthers(election)

/** An older number than this many ago proves nothing of now. */
const echoes = 3

/** A server that follows a reign of ours and knows its newest signs of life is reached by us, over others or not. */
export const noteEcho = (election: Context, message: Message.FromServer): void => {
  const alive = aliveIn(message)
  if (alive > 0 && alive >= election.register.life.number - echoes) {
    Paths.noteHeardBy(election.context, message.sender.id)
  }
}

/** With each heartbeat a leader gives a sign of life. */
export const giveSignOfLife = (election: Context): void => {
  const { life } = election.register
  if (election.leads) election.change({ life: { ...life, number: Math.min(Message.maxAlive, life.number + 1) } })
}

/**
 * The member through which a reign is followed follows it no more itself. That ends nothing; but another has to vouch for it
 * soon.
 */
export const withdraw = (election: Context, id: Member.NodeId): void => {
  const { life } = election.register
  if (life.relay?.by !== id) return
  const soon = election.context.now.monotonic + 2 * intervalOfOthers(election)
  election.change({ life: { ...life, relay: { ...life.relay, until: Math.min(life.relay.until, soon) } } })
}

/**
 * The direct path to the leader is lost. The path through another that knows of newer signs of life, if there is one; `since` is
 * when that must have told them.
 */
export const around = (election: Context, since = -Infinity): Path | null => {
  const { relay } = election.register.life
  return relay !== null && isFresh(election, relay) && toldAt(election, relay) > since
      && Paths.isHeardBy(election.context, relay.by)
    ? { through: relay.by }
    : null
}

const toldAt = ({ context }: Context, { hops, until }: Election.Relay): number => until - lasts(context, hops - 1)

/** After a pause of so many ms: nobody is judged for what could not be heard. */
export const forgive = (election: Context, millis: number): void => {
  const { life } = election.register
  if (life.relay !== null) {
    election.change({ life: { ...life, relay: { ...life.relay, until: life.relay.until + millis } } })
  }
}
