/**
 * By what path a reign is followed. A server follows a leader that it hears and that hears it; or, in the group's own election,
 * **through** a member with which it has a path both ways and which knows that the leader lives.
 *
 * What is passed on cannot keep a dead leader alive in a circle: the leader numbers its signs of life, others say the highest
 * number that they know, and for who does not hear the leader it lives as long as that number grows. After van Renesse, Minsky
 * and Hayden, *A Gossip-Style Failure Detection Service* (1998). What others say keeps a reign; it never ends one.
 *
 * With a lease the votes say whether a leader is heard: a leader that is heard is followed, whomever it hears.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Membership from "../membership/Membership.ts"
import * as Paths from "../membership/Paths.ts"
import * as Election from "../model/Election.ts"
import * as Member from "../model/Member.ts"
import * as Message from "../model/Message.ts"
import * as Reign from "../model/Reign.ts"
import * as Rules from "../model/Rules.ts"
import type { Known, Turn } from "../model/Turn.ts"
import type * as Contest from "./Contest.ts"

type At = Contest.Contest

/** A path to a leader: `through` is the member that it leads through, null where it is direct. */
export interface Path {
  readonly through: Member.NodeId | null
}

/**
 * Whether what a member says may change a reign that is followed, or a term that was heard of: with a lease whatever it says;
 * else where it is known to hear this server.
 */
export const isBothWays = (at: At, id: Member.NodeId): boolean =>
  at.state.rules.lease !== null || Paths.isHeardBy(at.turn, id)

/**
 * Whether a leader that is a member can be followed directly. One that is not known to hear this server can be where no member
 * is, if that leader sees more than half as many servers as this one: it is this server then that is not heard.
 */
export const isDirect = (at: At, id: Member.NodeId): boolean => {
  if (isBothWays(at, id)) return true
  const { sees } = HashMap.getUnsafe(at.state.known, id)
  return 2 * sees > at.state.members.length + 1 && Paths.isUnheard(at.turn)
}

/** The life that a message tells of the leader that it names, where its sender can be relied on for it. */
const toldBy = (at: At, message: Message.FromServer): { readonly alive: number; readonly hops: number } | null => {
  if (at.name !== Election.ofGroup || !("hops" in message)) return null
  const { alive, hops } = message
  return alive === undefined || hops === undefined || hops >= Message.maxHops ? null : { alive, hops }
}

const isSame = (at: At, self: Reign.Reign | null, that: Reign.Reign): boolean =>
  self !== null && Reign.compare(self, that, at.name) === 0

/** The highest number that is known of the signs of life of a reign; null of one that was not heard of before. */
const numberOf = (at: At, reign: Reign.Reign): number | null => {
  const { last, life, mention } = at.election
  if (isSame(at, last, reign)) return life.number
  return mention !== null && isSame(at, mention.reign, reign) ? mention.number : null
}

/**
 * Takes note of a reign that a member spoke of and of its leader's life, so that this is seen to go on. The first word alone is
 * no reason to follow through others: the leader itself, which is asked, may answer.
 */
const mention = (at: At, message: Message.FromServer, theirs: Reign.Reign): boolean => {
  const told = toldBy(at, message)
  if (told === null || !Paths.isHeardBy(at.turn, message.sender.id) || numberOf(at, theirs) !== null) return false
  const { mention: before } = at.election
  const { monotonic } = at.turn.now
  const isKept = before !== null && monotonic < before.until && Reign.compare(before.reign, theirs, at.name) > 0
  if (isKept) return false
  const until = monotonic + Rules.patience(at.state.rules, at.state.rules.heartbeatInterval)
  at.change({ mention: { reign: theirs, number: told.alive, until } })
  return true
}

/** By what path the reign that a message speaks of can be followed; null where there is none. */
export const pathTo = (at: At, message: Message.FromServer, theirs: Reign.Reign): Path | null =>
  Membership.holds(at.turn, theirs.leader) && isDirect(at, theirs.leader.id) && !mayHaveMissedUs(at, message, theirs)
    ? { through: null }
    : pathThrough(at, message, theirs)

/**
 * Whether a greater reign is of one that would not have made it if it had heard that this server leads. What it proved before
 * says nothing of now; but one that hears this server over others only may well have missed its word, and has no other proof.
 */
const mayHaveMissedUs = (at: At, message: Message.FromServer, { leader }: Reign.Reign): boolean => {
  const { rules, self } = at.state
  return at.leads && at.name === Election.ofGroup && rules.lease === null
    && (!rules.preempt || at.outranks(self, leader))
    && !(Member.isSameStart(message.sender, leader) && Paths.provesHearing(self, message))
    && !HashMap.getUnsafe(at.state.known, leader.id).isReached
}

/**
 * The same, of a reign that this server has followed before: its leader's own word leads back to it, or a sign of life that is
 * newer than all that were known.
 */
export const pathBack = (at: At, message: Message.FromServer, theirs: Reign.Reign): Path | null =>
  Member.isSameStart(message.sender, theirs.leader)
    ? isDirect(at, theirs.leader.id) ? { through: null } : null
    : pathThrough(at, message, theirs)

const pathThrough = (at: At, message: Message.FromServer, theirs: Reign.Reign): Path | null => {
  const told = toldBy(at, message)
  const before = numberOf(at, theirs)
  const isNews = told !== null && (before === null ? isMadeWayFor(at, message.sender) : told.alive > before)
  return isNews && Paths.isHeardBy(at.turn, message.sender.id) ? { through: message.sender.id } : null
}

/**
 * Whether a greater reign is one that the leader of the last reign followed has made way for: it takes those who followed it along.
 * Its word alone is enough: each leader gives it once, so it keeps no dead leader alive in a circle.
 */
const isMadeWayFor = (at: At, sender: Member.Member): boolean => {
  const { last } = at.election
  return at.state.rules.lease === null && last !== null && Member.isSameStart(last.leader, sender)
}

/**
 * The leader that is followed leads no more, since it has heard of a greater reign. Until when this server waits to hear of that,
 * too: as long as its signs of life take to come over others. One that outranks its leader, where that is known, waits for
 * nothing; nor does anybody in an election in which nobody is followed through others.
 */
export const passedUntil = (at: At, greater: Reign.Reign | null): number => {
  const { rules, self } = at.state
  if (at.name !== Election.ofGroup || rules.lease !== null) return -Infinity
  if (greater !== null && at.outranks(self, greater.leader)) return -Infinity
  return at.turn.now.monotonic + Rules.patience(rules, rules.heartbeatInterval) + rules.heartbeatInterval
}

/** How long until this server may stand for a place that fell vacant since a greater reign was made, in ms. */
export const standsIn = (at: At): number => {
  const { reign, vacancy } = at.election
  return reign === null ? Math.max(0, Math.ceil(vacancy.passedUntil - at.turn.now.monotonic)) : 0
}

/**
 * A reign cannot be followed that somebody speaks of: who may prove that it can is asked. Answers whether anybody is asked for
 * the first time in a while, so that an answer may still come.
 */
export const request = (at: At, message: Message.FromServer, theirs: Reign.Reign): boolean => {
  const isLeaderAsked = Membership.holds(at.turn, theirs.leader) && Paths.request(at.turn, theirs.leader.id)
  const isSenderAsked = toldBy(at, message) !== null && !Paths.isHeardBy(at.turn, message.sender.id)
    && Paths.request(at.turn, message.sender.id)
  return mention(at, message, theirs) || isLeaderAsked || isSenderAsked
}

// --- Signs of life ---

/** A reign is followed from now on by a message that speaks of it: what that tells of its leader's life. */
export const begun = (at: At, message: Message.FromServer, theirs: Reign.Reign, { through }: Path): Election.Life => ({
  number: Math.max(numberOf(at, theirs) ?? 0, aliveIn(message), leastOf(at, message, theirs)),
  through,
  relay: through === null ? null : relayOf(at, message)
})

/** A leader that is heard itself has given its first sign of life. */
const leastOf = (at: At, { sender }: Message.FromServer, { leader }: Reign.Reign): number =>
  at.name === Election.ofGroup && at.state.rules.lease === null && Member.isSameStart(sender, leader) ? 1 : 0

const aliveIn = (message: Message.FromServer): number => ("alive" in message ? message.alive : undefined) ?? 0

const relayOf = (at: At, message: Message.FromServer): Election.Relay => {
  const { alive, hops } = toldBy(at, message)!
  return { by: message.sender.id, number: alive, hops: hops + 1, until: at.turn.now.monotonic + lasts(at.turn, hops) }
}

/**
 * For how long a leader is followed through others without a new sign of life, in ms: as long as it takes those who hear it to
 * remove it, and a heartbeat for each server on the way.
 */
const lasts = ({ state: { rules } }: Turn, hops: number): number =>
  Rules.patience(rules, rules.heartbeatInterval) + rules.cleanupInterval + Rules.probeTries * rules.probeTimeout
  + (hops + 1) * rules.heartbeatInterval

/** How long ago the leader gave a sign of life by this path, if it does so with each heartbeat. */
const isFresh = (at: At, { hops, until }: Election.Relay): boolean =>
  until - at.turn.now.monotonic >= lasts(at.turn, hops - 1) - 2 * at.state.rules.heartbeatInterval

/**
 * A message speaks of the reign that this server follows: what it tells of its leader's life. Answers the path by which the
 * reign is followed from now on, if that is another.
 */
export const hear = (at: At, message: Message.FromServer, byLeader: boolean): Path | null => {
  const { life } = at.election
  if (at.leads) {
    noteEcho(at, message)
    return null
  }
  if (byLeader) {
    const number = Math.max(life.number, aliveIn(message))
    if (number !== life.number) at.change({ life: { ...life, number } })
    if (life.through === null) return null
    if (isDirect(at, message.sender.id)) return { through: null }
    Paths.request(at.turn, message.sender.id)
    return null
  }
  const told = toldBy(at, message)
  if (told === null) return null
  const { relay } = life
  const grows = told.alive > life.number || (relay?.by === message.sender.id && told.alive > relay.number)
  if (!grows) return null
  if (!Paths.isHeardBy(at.turn, message.sender.id)) {
    if (life.through !== null || isMissed(at, told.alive)) Paths.request(at.turn, message.sender.id)
    return null
  }
  const next = relayOf(at, message)
  const isBetter = relay === null || relay.by === next.by || next.hops < relay.hops || !isFresh(at, relay)
  at.change({
    life: {
      ...life,
      number: Math.max(life.number, told.alive),
      relay: isBetter ? next : relay
    }
  })
  return life.through !== null && isBetter && next.by !== life.through ? { through: next.by } : null
}

/**
 * Whether another knows of a later sign of life of a leader that is silent here: with a lease some of those who do are asked for a
 * path before the promise runs out. Without one the sweeps see to that.
 */
const isMissed = ({ election: { life, reign }, state: { members, rules }, turn }: At, alive: number): boolean =>
  rules.lease !== null && alive > life.number && Option.exists(
    turn.known(reign!.leader.id),
    ({ heardAt, interval }) => turn.now.monotonic - heardAt >= interval
  ) && turn.random() * members.length < askedAtOnce

/** A server that follows a reign of ours and knows its newest signs of life is reached by us, over others or not. */
const noteEcho = (at: At, message: Message.FromServer): void => {
  const alive = aliveIn(message)
  if (alive > 0 && alive >= at.election.life.number - echoes) Paths.noteHeardBy(at.turn, message.sender.id)
}

/** With each heartbeat a leader gives a sign of life. */
export const beat = (at: At): void => {
  const { life } = at.election
  if (at.leads) at.change({ life: { ...life, number: Math.min(Message.maxAlive, life.number + 1) } })
}

/** About so many members of a large group are asked at a time for a path around the leader's silence. */
const askedAtOnce = 3

/** An older number than this many ago proves nothing of now. */
const echoes = 3

/**
 * The member through which a reign is followed follows it no more itself. That ends nothing; but another has to vouch for it
 * soon.
 */
export const withdraw = (at: At, id: Member.NodeId): void => {
  const { life } = at.election
  if (life.relay?.by !== id) return
  const soon = at.turn.now.monotonic + 2 * at.state.rules.heartbeatInterval
  at.change({ life: { ...life, relay: { ...life.relay, until: Math.min(life.relay.until, soon) } } })
}

/** The direct path to the leader is lost. The path through another that knows of newer signs of life, if there is one. */
export const around = (at: At): Path | null => {
  const { relay } = at.election.life
  return relay !== null && isFresh(at, relay) && Paths.isHeardBy(at.turn, relay.by) ? { through: relay.by } : null
}

/**
 * Since when there has been no path to the leader, on the monotonic clock: where it is followed through others, and has given
 * no sign of life for too long; or directly, and others hear it and this server does not. Null while there is a path.
 */
export const endedAt = (at: At, reign: Reign.Reign): number | null => {
  const { relay, through } = at.election.life
  if (through === null) return notHeardSince(at, reign)
  return relay !== null && at.turn.now.monotonic > relay.until ? relay.until : null
}

/** A witness keeps a member; it keeps no path to it. In a named election there is no other path, and with a lease the votes say. */
const notHeardSince = (at: At, { leader }: Reign.Reign): number | null => {
  const { now, state: { rules } } = at.turn
  if (at.leads || at.name !== Election.ofGroup || rules.lease !== null) return null
  const notHeard = Option.filter(
    at.turn.known(leader.id),
    ({ heardAt, interval, isLinkMissing }) => isLinkMissing && now.monotonic - heardAt > Rules.patience(rules, interval)
  )
  return Option.getOrNull(Option.map(notHeard, ({ heardAt }) => heardAt))
}

/** Whether one stands through which the leader was followed: it follows nobody, and this server goes before it. */
export const isPathOver = (at: At, { leader, sender }: Message.Of<"ELECTION">): boolean =>
  leader === null && at.election.life.through === sender.id && at.outranks(at.state.self, sender)

/**
 * With each heartbeat: whom the path to the leader rests on is asked in time whether it hears this server. A leader by a lease
 * that is heard need not.
 */
export const keep = (at: At): void => {
  const { life: { through }, reign } = at.election
  if (reign === null || at.leads || (through === null && at.state.rules.lease !== null)) return
  Paths.keep(at.turn, through ?? reign.leader.id)
}

/** After a pause of so many ms: nobody is judged for what could not be heard. */
export const forgive = (at: At, millis: number): void => {
  const { life } = at.election
  if (life.relay !== null) {
    at.change({ life: { ...life, relay: { ...life.relay, until: life.relay.until + millis } } })
  }
}

// --- Telling ---

/** How an event says by what path a reign is followed. */
export const told = (at: At, { through }: Path): { readonly through?: Member.Member } | undefined =>
  through === null
    ? undefined
    : Option.getOrUndefined(Option.map(at.turn.known(through), ({ member }) => ({ through: member })))

/** The reign that is followed is so by another path from now on. Its leader may have moved while it was no member. */
export const goBy = (at: At, reign: Reign.Reign, path: Path, removed?: Member.Member): void => {
  const leader = removed ?? leaderOf(at.turn, reign)
  const { ip, port } = leader
  const { term } = reign
  at.change({
    reign: { term, leader: { ...reign.leader, ip, port } },
    life: { ...at.election.life, ...path }
  })
  at.emitChange({ leader, from: reign.leader, term, cause: "PathChanged", without: 0, ...told(at, path) })
}

// --- Objecting for the sake of a leader ---

/**
 * Whether this server objects to a candidate for the sake of the leader that it follows: not where it follows that through the
 * candidate itself, nor where the candidate has followed a later reign, that is over, and cannot go back to this one.
 */
export const vouchesTo = (at: At, reign: Reign.Reign, candidate: Message.Header): boolean =>
  at.election.life.through !== candidate.sender.id
  && !(candidate.leader === null && Reign.isPassed(reign, candidate, at.state.rules.lease !== null))

/**
 * The leader of a reign as a member, also where it is none that this server hears: of that only its rank and place are known,
 * and its address stands for its name.
 */
export const leaderOf = (turn: Turn, { leader }: Reign.Reign): Member.Member => {
  const known: Known | undefined = Option.getOrUndefined(turn.known(leader.id))
  if (known !== undefined && Member.isSameStart(known.member, leader)) return known.member
  const name = Member.formatAddress(leader)
  return { ...leader, hostname: name, name, tags: {} }
}
