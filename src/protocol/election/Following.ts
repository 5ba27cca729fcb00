/**
 * By what path a reign is followed. A server follows a leader that it hears and that hears it; or, in the group's own election,
 * **through** a member with which it has a path both ways and which knows that the leader lives (`LeaderLife`).
 *
 * With a lease the votes say whether a leader is heard: a leader that is heard is followed, whomever it hears.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Membership from "../membership/Membership.ts"
import * as Paths from "../membership/Paths.ts"
import * as Election from "../model/Election.ts"
import * as Member from "../model/Member.ts"
import type * as Message from "../model/Message.ts"
import * as Reign from "../model/Reign.ts"
import type { Known } from "../model/State.ts"
import type { StepContext } from "../model/StepContext.ts"
import * as Timing from "../model/Timing.ts"
import type * as ElectionContext from "./ElectionContext.ts"
import * as LeaderLife from "./LeaderLife.ts"

type Context = ElectionContext.ElectionContext

type Path = LeaderLife.Path

/**
 * Whether what a member says may change a reign that is followed, or a term that was heard of: always where leaders are voted for,
 * else where the member is known to hear this server.
 */
export const isBothWays = (election: Context, id: Member.NodeId): boolean =>
  election.traits.isVotedFor || Paths.isHeardBy(election.context, id)

/**
 * Whether a leader that is a member can be followed directly. One that is not known to hear this server can be where no member
 * is, if that leader sees more than half as many servers as this one: it is this server then that is not heard.
 *
 * Where leaders are voted for, one that only others hear cannot be: a sweep would end that path, and find the one through others
 * a little later.
 */
export const isDirect = (election: Context, id: Member.NodeId): boolean => {
  if (election.traits.isVotedFor) return !isHeardByOthersOnly(election, id)
  if (isBothWays(election, id)) return true
  const { sees } = HashMap.getUnsafe(election.state.known, id)
  return 2 * sees > election.state.members.length + 1 && Paths.isUnheard(election.context)
}

/** Whether this server has heard the leader that it follows itself, and not too long ago: not by witnesses, or through others. */
export const hearsLeader = (election: Context, { leader }: Reign.Reign): boolean => {
  const known = election.context.known(leader.id)
  return election.register.life.through === null && Option.exists(known, (known) => !isSilent(election.context, known))
}

/** Whether a member has not been heard itself for its patience. */
const isSilent = (context: StepContext, known: Known): boolean =>
  context.now.monotonic - known.heardAt > Timing.patience(context.state.timing, context.expectedInterval(known))

/**
 * Takes note of a reign that a member spoke of and of its leader's life, so that this is seen to go on. The first word alone is
 * no reason to follow through others: the leader itself, which is asked, may answer.
 */
const mention = (election: Context, message: Message.FromServer, theirs: Reign.Reign): boolean => {
  const told = LeaderLife.toldBy(election, message)
  if (
    told === null || !Paths.isHeardBy(election.context, message.sender.id) ||
    LeaderLife.numberOf(election, theirs) !== null
  ) {
    return false
  }
  const { mention: before } = election.register
  const { monotonic } = election.context.now
  const isKept = before !== null && monotonic < before.until && Reign.compare(before.reign, theirs, election.name) > 0
  if (isKept) return false
  const { members, timing } = election.state
  const until = monotonic + Timing.patience(timing, Timing.intervalBeside(timing, members.length))
  election.change({ mention: { reign: theirs, number: told.alive, until } })
  return true
}

/** By what path the reign that a message speaks of can be followed; null where there is none. */
export const pathTo = (election: Context, message: Message.FromServer, theirs: Reign.Reign): Path | null =>
  Membership.holds(election.context, theirs.leader) && isDirect(election, theirs.leader.id) &&
    !mayHaveMissedUs(election, message, theirs)
    ? { through: null }
    : pathThrough(election, message, theirs)

/**
 * Whether a greater reign is of one that would not have made it if it had heard that this server leads. What it proved before
 * says nothing of now; but one that hears this server over others only may well have missed its word, and has no other proof.
 */
const mayHaveMissedUs = (election: Context, message: Message.FromServer, theirs: Reign.Reign): boolean => {
  const { leader } = theirs
  const { timing, self } = election.state
  return election.leads && election.name === Election.ofGroup && !election.traits.isVotedFor
    && (!timing.preempt || election.outranks(self, election.rankOf(theirs)))
    && !(Member.isSameStart(message.sender, leader) && Paths.provesHearing(self, message))
    && !HashMap.getUnsafe(election.state.known, leader.id).isReached
}

/**
 * The same, of a reign that this server has followed before: its leader's own word leads back to it, or a sign of life that is
 * newer than all that were known.
 */
export const pathBack = (election: Context, message: Message.FromServer, theirs: Reign.Reign): Path | null =>
  Member.isSameStart(message.sender, theirs.leader)
    ? isDirect(election, theirs.leader.id) ? { through: null } : null
    : pathThrough(election, message, theirs)

const pathThrough = (election: Context, message: Message.FromServer, theirs: Reign.Reign): Path | null => {
  const told = LeaderLife.toldBy(election, message)
  const before = LeaderLife.numberOf(election, theirs)
  const isNews = told !== null && (before === null ? isMadeWayFor(election, message.sender) : told.alive > before)
  return isNews && Paths.isHeardBy(election.context, message.sender.id) ? { through: message.sender.id } : null
}

/**
 * Whether a greater reign is one that the leader of the last reign followed has made way for: it takes those who followed it along.
 * Its word alone is enough: each leader gives it once, so it keeps no dead leader alive in a circle.
 */
const isMadeWayFor = (election: Context, sender: Member.Member): boolean => {
  const { last } = election.register
  return !election.traits.asksFirst && last !== null && Member.isSameStart(last.leader, sender)
}

/**
 * The leader that is followed leads no more, since it has heard of a greater reign. Until when this server waits to hear of that,
 * too: as long as its signs of life take to come over others. One that outranks its leader, where that is known, waits for
 * nothing; nor does anybody in an election in which nobody is followed through others.
 */
export const passedUntil = (election: Context, greater: Reign.Reign | null): number => {
  const { members, timing, self } = election.state
  const interval = Timing.intervalBeside(timing, members.length)
  if (election.name !== Election.ofGroup || election.traits.asksFirst) return -Infinity
  if (greater !== null && election.outranks(self, election.rankOf(greater))) return -Infinity
  return election.context.now.monotonic + Timing.patience(timing, interval) + interval
}

/** How long until this server may stand for a place that fell vacant since a greater reign was made, in ms. */
export const standsIn = (election: Context): number => {
  const { reign, vacancy } = election.register
  return reign === null ? Math.max(0, Math.ceil(vacancy.passedUntil - election.context.now.monotonic)) : 0
}

/**
 * A reign cannot be followed that somebody speaks of: who may prove that it can is asked. Answers whether anybody is asked for
 * the first time in a while, so that an answer may still come.
 */
export const request = (election: Context, message: Message.FromServer, theirs: Reign.Reign): boolean => {
  const isLeaderAsked = Membership.holds(election.context, theirs.leader) &&
    Paths.request(election.context, theirs.leader.id)
  const isSenderAsked = LeaderLife.toldBy(election, message) !== null &&
    !Paths.isHeardBy(election.context, message.sender.id)
    && Paths.request(election.context, message.sender.id)
  return mention(election, message, theirs) || isLeaderAsked || isSenderAsked
}

/**
 * A message speaks of the reign that this server follows: what it tells of its leader's life. Answers the path by which the
 * reign is followed from now on, if that is another.
 */
export const hear = (election: Context, message: Message.FromServer, byLeader: boolean): Path | null => {
  const { life } = election.register
  if (election.leads) {
    LeaderLife.noteEcho(election, message)
    return null
  }
  if (byLeader) {
    // To pass on what comes one way only would keep a leader that hears nobody in a circle of those who follow through each other.
    if (life.through !== null && !isDirect(election, message.sender.id)) {
      Paths.request(election.context, message.sender.id)
      return null
    }
    const number = Math.max(life.number, LeaderLife.aliveIn(message))
    if (number !== life.number) election.change({ life: { ...life, number } })
    return life.through === null ? null : { through: null }
  }
  // Two that began at one time to follow through each other both learn of it so.
  if (LeaderLife.isThroughUs(election, message)) LeaderLife.withdraw(election, message.sender.id)
  const told = LeaderLife.toldBy(election, message)
  if (told === null) return null
  const { relay } = life
  const isNewer = told.alive > life.number || (relay?.by === message.sender.id && told.alive > relay.number)
  // The longer of two paths may pass each number on first: servers behind this one would be told too many hops for good.
  const isShorter = life.through !== null && told.alive === life.number && told.hops + 1 < relay!.hops
  if (!isNewer && !isShorter) return null
  if (!Paths.isHeardBy(election.context, message.sender.id)) {
    if (life.through !== null || isMissed(election, told.alive)) Paths.request(election.context, message.sender.id)
    return null
  }
  const next = isNewer ? LeaderLife.relayOf(election, message) : LeaderLife.shortened(election, message, relay!)
  const isBetter = relay === null || relay.by === next.by || next.hops < relay.hops ||
    !LeaderLife.isFresh(election, relay)
  election.change({
    life: {
      ...life,
      number: Math.max(life.number, told.alive),
      relay: isBetter ? next : relay
    }
  })
  return life.through !== null && isBetter && next.by !== life.through ? { through: next.by } : null
}

/**
 * Whether another knows of a later sign of life of a leader that is silent here: some of those who do are asked for a path
 * before the promise to it runs out. Where nothing was promised the sweeps see to that.
 */
const isMissed = (
  { register: { life, reign }, state: { members }, context, traits }: Context,
  alive: number
): boolean =>
  traits.bindsFollowers && alive > life.number && Option.exists(
    context.known(reign!.leader.id),
    ({ heardAt, interval }) => context.now.monotonic - heardAt >= interval
  ) && context.random() * members.length < askedAtOnce

/** About so many members of a large group are asked at a time for a path around the leader's silence. */
const askedAtOnce = 3

/**
 * Since when there has been no path to the leader, on the monotonic clock: where it is followed through others, and has given
 * no sign of life for too long; or directly, and others hear it and this server does not. Null while there is a path.
 */
export const endedAt = (election: Context, reign: Reign.Reign): number | null => {
  const { relay, through } = election.register.life
  if (through === null) return notHeardSince(election, reign)
  return relay !== null && election.context.now.monotonic > relay.until ? relay.until : null
}

/** A witness keeps a member; it keeps no path to it. In a named election there is no other path. */
const notHeardSince = (election: Context, { leader }: Reign.Reign): number | null => {
  if (election.leads || !isHeardByOthersOnly(election, leader.id)) return null
  const notHeard = Option.filter(election.context.known(leader.id), (known) => isSilent(election.context, known))
  return Option.getOrNull(Option.map(notHeard, ({ heardAt }) => heardAt))
}

/** Whether others hear a member and this server does not, so that it is to be followed through them. */
const isHeardByOthersOnly = (election: Context, id: Member.NodeId): boolean =>
  election.name === Election.ofGroup && !isBoundTo(election, id)
  && Option.exists(election.context.known(id), ({ isLinkMissing }) => isLinkMissing)

/** Who has promised the leader something follows it until that has run out; who has not would follow it for good. */
const isBoundTo = ({ name, state: { promises } }: Context, id: Member.NodeId): boolean =>
  Option.exists(HashMap.get(promises, name), ({ to }) => to?.id === id)

/** Whether one stands through which the leader was followed: it follows nobody, and this server goes before it. */
export const isPathOver = (election: Context, { leader, sender }: Message.Of<"ELECTION">): boolean =>
  leader === null && election.register.life.through === sender.id && election.outranks(election.state.self, sender)

/**
 * With each heartbeat: the member that the path to the leader rests on is asked in time whether it hears this server. A leader
 * that was voted for and is heard need not be asked.
 */
export const keep = (election: Context): void => {
  const { life: { through }, reign } = election.register
  if (reign === null || election.leads || (through === null && election.traits.isVotedFor)) return
  Paths.keep(election.context, through ?? reign.leader.id)
}

// --- Telling ---

/** How an event says by what path a reign is followed. */
export const told = (election: Context, { through }: Path): { readonly through?: Member.Member } | undefined =>
  through === null
    ? undefined
    : Option.getOrUndefined(Option.map(election.context.known(through), ({ member }) => ({ through: member })))

/** The reign that is followed is so by another path from now on. Its leader may have moved while it was no member. */
export const goBy = (election: Context, reign: Reign.Reign, path: Path, removed?: Member.Member): void => {
  const leader = removed ?? leaderOf(election.context, reign)
  const { ip, port } = leader
  const { term } = reign
  election.change({
    reign: { term, leader: { ...reign.leader, ip, port } },
    life: { ...election.register.life, ...path }
  })
  election.emitChange({ leader, from: reign.leader, term, cause: "PathChanged", without: 0, ...told(election, path) })
}

// --- Objecting for the sake of a leader ---

/**
 * Whether this server objects to a candidate for the sake of the leader that it follows: not where it follows that through the
 * candidate itself, nor where the candidate has followed a later reign, that is over, and cannot go back to this one.
 */
export const vouchesTo = (election: Context, reign: Reign.Reign, candidate: Message.Header): boolean =>
  election.register.life.through !== candidate.sender.id
  && !(candidate.leader === null && Reign.isPassed(reign, candidate, election.traits.claimsTerms))

/**
 * The leader of a reign as a member, also where it is none that this server hears: of that only its rank and place are known,
 * and its address stands for its name.
 */
export const leaderOf = (context: StepContext, { leader }: Reign.Reign): Member.Member => {
  const known: Known | undefined = Option.getOrUndefined(context.known(leader.id))
  if (known !== undefined && Member.isSameStart(known.member, leader)) return known.member
  const name = Member.formatAddress(leader)
  return { ...leader, hostname: name, name, tags: {} }
}
