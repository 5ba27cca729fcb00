/**
 * The leader that a client talks to: that of the greatest reign that it hears of. A leader may speak and hear nothing, so
 * its own word alone takes a client neither from one that answers, nor back to itself.
 */
import * as Client from "../model/Client.ts"
import type { ClientContext } from "../model/ClientContext.ts"
import * as Member from "../model/Member.ts"
import * as Message from "../model/Message.ts"
import * as Reign from "../model/Reign.ts"
import * as Zone from "../model/Zone.ts"
import * as Flights from "./Flights.ts"

const { backoff } = Flights

/** How many leaders that did not answer are remembered, and how seldom a claimant is asked at last, in ms. */
const maxUnanswering = 8
const claimantGap = 60_000

/** A join begins at that instant, under a new nonce. */
export const beginJoin = (context: ClientContext, dueAt: number): void => {
  context.state.join = { nonce: context.nonce(), tries: 0, dueAt }
}

/** Asks all leaders to let us in, unless that is under way. */
const joinNow = (context: ClientContext): void => {
  if (context.state.phase === "Joined" && context.state.join.tries === 0) beginJoin(context, context.now.monotonic)
}

/** The reign that we follow from now on, whose leader is spoken to at this address, or with the group where it is null. */
const follow = (context: ClientContext, theirs: Reign.Reign, address: Member.Address | null, moved: number): void => {
  context.state.leaderMoved = moved
  become(context, at(theirs, address), address)
}

/** A reign whose leader is where we speak to it. */
const at = ({ leader, term }: Reign.Reign, address: Member.Address | null): Reign.Reign =>
  Reign.make(term, address === null ? leader : { ...leader, ip: Zone.without(address.ip), port: address.port })

/** Nobody is followed any more; `isOver` where the leader itself has said so. */
const leaveLeader = (context: ClientContext, reign: Reign.Reign, isOver: boolean): void => {
  context.state.last = { reign, isOver, address: context.state.address, until: context.now.monotonic }
  become(context, null, null)
}

const become = (context: ClientContext, reign: Reign.Reign | null, address: Member.Address | null): void => {
  const now = context.now.monotonic
  context.state.reign = reign
  context.state.address = address
  context.state.claimant = null
  context.state.leaderBatches = false
  context.state.leaderReads = null
  if (reign !== null) {
    context.state.last = { reign, isOver: false, address, until: Infinity }
    context.state.leaderHeardAt = now
    context.state.flights = Flights.restart(context.state.flights, now)
    // Nor has it let any join go by.
    context.state.join = { ...context.state.join, tries: 0 }
  }
  context.emit({ event: "LeaderChanged", leader: reign?.leader ?? null, term: context.state.last!.reign.term })
}

/**
 * A leader that was asked again and again since an instant, and has not been heard in any other way either, is not there.
 * One that is heard may have too much to do for messages, or be deaf: a join tells which.
 */
export const doubtLeader = (context: ClientContext, since: number): void => {
  if (context.state.reign === null) return
  if (context.state.leaderHeardAt <= since) dropUnanswering(context)
  else if (context.state.leaderAnsweredAt <= since) joinNow(context)
}

/** The leader has let our joins go by: it is dropped, and remembered. */
export const dropUnanswering = (context: ClientContext): void => {
  const { address, reign, unanswering } = context.state
  if (reign === null) return
  const { id, incarnation } = reign.leader
  const others = unanswering.filter((one) => one.id !== id)
  context.state.unanswering = [...others, { id, incarnation, address, until: context.now.monotonic }].slice(
    -maxUnanswering
  )
  leaveLeader(context, reign, false)
}

/** What a server's message means for the choice of leader. `answers`: it is an answer to us. */
export const observe = (
  context: ClientContext,
  message: Message.FromServer,
  from: Member.Address,
  answers: boolean
): void => {
  const { last, reign: mine } = context.state
  const { sender } = message
  const theirs = Message.reignOf(message)
  if (answers) context.state.unanswering = context.state.unanswering.filter((one) => !Member.isSameStart(one, sender))
  const isByLeader = mine !== null && Member.isSameStart(mine.leader, sender)
  if (isByLeader && (message.type === "SERVER_LEAVING" || (theirs === null && message.heard >= mine.term))) {
    return leaveLeader(context, mine, true)
  }
  if (isByLeader) context.state.leaderHeardAt = context.now.monotonic
  if (isByLeader && answers) context.state.leaderAnsweredAt = context.now.monotonic
  if (theirs === null || message.type === "SERVER_LEAVING") return
  const isByTheirs = Member.isSameStart(theirs.leader, sender)
  const order = last === null ? 1 : Reign.compare(theirs, last.reign)
  // A leader that was only silent, or leads where we have come to, is followed again by its own word.
  const isBack = mine === null && isByTheirs && !(order === 0 && last!.isOver)
  const told = isByTheirs ? from : Zone.heardOfFrom(theirs.leader, from)
  const moved = isByTheirs ? message.moved ?? 0 : 0
  if (order > 0 || isBack) {
    const isTrusted = isByLeader || (isByTheirs && answers)
      || (!isUnanswering(context, theirs.leader) && (mine === null || !isByTheirs))
    if (isTrusted || isToldAgain(context, message, theirs, told)) return follow(context, theirs, told, moved)
    if (mine !== null) tryOut(context, theirs.leader)
  } else if (order === 0 && isToldAgain(context, message, theirs, told)) {
    follow(context, theirs, told, moved)
  } else if (mine !== null && isByLeader && order === 0 && moved >= context.state.leaderMoved) {
    // A late message from before it moved does not take us back to its former address.
    context.state.leaderMoved = moved
    if (!isSame(from, context.state.address)) {
      context.state.address = from
      context.state.reign = at(mine, from)
    }
  }
}

/** A server has relayed a message of ours. If it is the leader that we follow, that is an answer. */
export const relayed = (context: ClientContext, from: Message.Of<"CLIENT_DELIVER">["from"]): void => {
  const { reign, unanswering } = context.state
  if (reign === null || !Member.isSameStart(reign.leader, from)) return
  context.state.leaderHeardAt = context.now.monotonic
  context.state.leaderAnsweredAt = context.now.monotonic
  if (unanswering.length > 0) context.state.unanswering = unanswering.filter((one) => !Member.isSameStart(one, from))
}

/** Whether the leader followed reads several messages in one datagram, topics and parts is known by its own word alone. */
export const noteReads = (context: ClientContext, { sender }: Message.FromServer): void => {
  const { reign } = context.state
  if (reign === null || !Member.isSameStart(reign.leader, sender)) return
  context.state.leaderBatches = sender.batches === true
  if (context.state.leaderReads === null) {
    // What waited for that word goes out now.
    context.state.flights = Flights.restart(context.state.flights, context.now.monotonic, Client.isNewer)
  }
  context.state.leaderReads = sender.topics === true
}

const isUnanswering = (context: ClientContext, leader: Reign.Leader): boolean =>
  context.state.unanswering.some((one) => Member.isSameStart(one, leader))

/**
 * Somebody claims a greater reign than that of our leader, and only its own word says so: it is asked to let us in, and
 * followed when it does. Until then we speak to the leader that we have. It is asked ever more seldom.
 */
const tryOut = (context: ClientContext, leader: Reign.Leader): void => {
  const { claimant } = context.state
  const now = context.now.monotonic
  const isKnown = claimant !== null && Member.isSameStart(claimant, leader)
  if (isKnown && now < claimant.againAt) return
  const tries = isKnown ? claimant.tries + 1 : 1
  const againAt = now + Math.min(claimantGap, backoff.first * 2 ** (tries - 1))
  context.state.claimant = { id: leader.id, incarnation: leader.incarnation, tries, againAt }
  joinNow(context)
}

/**
 * A leader that did not answer is told of again by another server that was asked: at another address, or after a while at the
 * same, since what we sent there may have been lost.
 */
const isToldAgain = (
  context: ClientContext,
  message: Message.FromServer,
  theirs: Reign.Reign,
  told: Member.Address | null
): boolean => {
  const { reign, unanswering } = context.state
  const before = unanswering.find((one) => Member.isSameStart(one, theirs.leader))
  if (message.type !== "COORDINATOR" || reign !== null || before === undefined || told === null) return false
  if (Member.isSameStart(theirs.leader, message.sender)) return false
  return !isSame(told, before.address) || context.now.monotonic - before.until >= backoff.longest
}

const isSame = (one: Member.Address, other: Member.Address | null): boolean =>
  one.ip === other?.ip && one.port === other.port
