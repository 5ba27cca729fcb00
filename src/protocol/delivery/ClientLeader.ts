/**
 * Whom a client talks to: the leader of the greatest reign that it hears of. A leader may speak and hear nothing, so its own
 * word alone takes a client neither from one that answers, nor back to itself.
 */
import type { Turn } from "../model/ClientTurn.ts"
import * as Member from "../model/Member.ts"
import * as Message from "../model/Message.ts"
import * as Reign from "../model/Reign.ts"
import * as Zone from "../model/Zone.ts"

/** The first wait for an answer and the longest, in ms; it doubles in between. */
export const backoff = { first: 200, longest: 2_000 } as const
/** How many leaders that did not answer are remembered, and how seldom a claimant is asked at last, in ms. */
const maxUnanswering = 8
const claimantGap = 60_000

/** A join begins at that instant, under a new nonce. */
export const beginJoin = (turn: Turn, dueAt: number): void => {
  turn.state.join = { nonce: turn.nonce(), tries: 0, dueAt }
}

/** Asks all who lead to let us in, unless that is under way. */
const joinNow = (turn: Turn): void => {
  if (turn.state.phase === "Joined" && turn.state.join.tries === 0) beginJoin(turn, turn.now.monotonic)
}

/** The reign that we follow from now on, whose leader is spoken to at this address, or with the group where it is null. */
const follow = (turn: Turn, theirs: Reign.Reign, address: Member.Address | null, moved: number): void => {
  turn.state.leaderMoved = moved
  become(turn, at(theirs, address), address)
}

/** A reign whose leader is where we speak to it. */
const at = ({ leader, term }: Reign.Reign, address: Member.Address | null): Reign.Reign =>
  Reign.make(term, address === null ? leader : { ...leader, ip: Zone.without(address.ip), port: address.port })

/** Nobody is followed any more; `isOver` where the leader itself has said so. */
const leaveLeader = (turn: Turn, reign: Reign.Reign, isOver: boolean): void => {
  turn.state.last = { reign, isOver, address: turn.state.address, until: turn.now.monotonic }
  become(turn, null, null)
}

const become = (turn: Turn, reign: Reign.Reign | null, address: Member.Address | null): void => {
  const now = turn.now.monotonic
  turn.state.reign = reign
  turn.state.address = address
  turn.state.claimant = null
  if (reign !== null) {
    turn.state.last = { reign, isOver: false, address, until: Infinity }
    turn.state.leaderHeardAt = now
    // It has not acknowledged anything yet: it is given all there is, at once.
    turn.state.flights = turn.state.flights.map((flight) => ({ ...flight, tries: 0, since: now, dueAt: now }))
    // Nor has it let any join go by.
    turn.state.join = { ...turn.state.join, tries: 0 }
  }
  turn.emit({ event: "LeaderChanged", leader: reign?.leader ?? null, term: turn.state.last!.reign.term })
}

/**
 * Whom we asked again and again since an instant, and who has not been heard in any other way either, is not there. One that
 * is heard may have too much to do for messages, or be deaf: a join tells.
 */
export const doubtLeader = (turn: Turn, since: number): void => {
  if (turn.state.reign === null) return
  if (turn.state.leaderHeardAt <= since) dropUnanswering(turn)
  else if (turn.state.leaderAnsweredAt <= since) joinNow(turn)
}

/** The leader has let our joins go by: it is dropped, and remembered. */
export const dropUnanswering = (turn: Turn): void => {
  const { address, reign, unanswering } = turn.state
  if (reign === null) return
  const { id, incarnation } = reign.leader
  const others = unanswering.filter((one) => one.id !== id)
  turn.state.unanswering = [...others, { id, incarnation, address, until: turn.now.monotonic }].slice(-maxUnanswering)
  leaveLeader(turn, reign, false)
}

/** What a server's message means for whom we talk to. `answers`: its sender answers what we have said. */
export const observe = (turn: Turn, message: Message.FromServer, from: Member.Address, answers: boolean): void => {
  const { last, reign: mine } = turn.state
  const { sender } = message
  const theirs = Message.reignOf(message)
  if (answers) turn.state.unanswering = turn.state.unanswering.filter((one) => !Member.isSameStart(one, sender))
  const isByLeader = mine !== null && Member.isSameStart(mine.leader, sender)
  if (isByLeader && (message.type === "SERVER_LEAVING" || (theirs === null && message.heard >= mine.term))) {
    return leaveLeader(turn, mine, true)
  }
  if (isByLeader) turn.state.leaderHeardAt = turn.now.monotonic
  if (isByLeader && answers) turn.state.leaderAnsweredAt = turn.now.monotonic
  if (theirs === null || message.type === "SERVER_LEAVING") return
  const isByTheirs = Member.isSameStart(theirs.leader, sender)
  const order = last === null ? 1 : Reign.compare(theirs, last.reign)
  // Who was only silent, or leads where we have come to, is followed again by its own word.
  const isBack = mine === null && isByTheirs && !(order === 0 && last!.isOver)
  const told = isByTheirs ? from : Zone.heardOfFrom(theirs.leader, from)
  const moved = isByTheirs ? message.moved ?? 0 : 0
  if (order > 0 || isBack) {
    const isTrusted = isByLeader || (isByTheirs && answers)
      || (!isUnanswering(turn, theirs.leader) && (mine === null || !isByTheirs))
    if (isTrusted || isToldAgain(turn, message, theirs, told)) return follow(turn, theirs, told, moved)
    if (mine !== null) tryOut(turn, theirs.leader)
  } else if (order === 0 && isToldAgain(turn, message, theirs, told)) {
    follow(turn, theirs, told, moved)
  } else if (mine !== null && isByLeader && order === 0 && moved >= turn.state.leaderMoved) {
    // What it said before it moved, and comes late, does not take us back to where it was.
    turn.state.leaderMoved = moved
    if (!isSame(from, turn.state.address)) {
      turn.state.address = from
      turn.state.reign = at(mine, from)
    }
  }
}

const isUnanswering = (turn: Turn, leader: Reign.Leader): boolean =>
  turn.state.unanswering.some((one) => Member.isSameStart(one, leader))

/**
 * Somebody claims a greater reign than that of our leader, and only its own word says so: it is asked to let us in, and
 * followed when it does. Until then we speak to the leader that we have. It is asked ever more seldom.
 */
const tryOut = (turn: Turn, leader: Reign.Leader): void => {
  const { claimant } = turn.state
  const now = turn.now.monotonic
  const isKnown = claimant !== null && Member.isSameStart(claimant, leader)
  if (isKnown && now < claimant.againAt) return
  const tries = isKnown ? claimant.tries + 1 : 1
  const againAt = now + Math.min(claimantGap, backoff.first * 2 ** (tries - 1))
  turn.state.claimant = { id: leader.id, incarnation: leader.incarnation, tries, againAt }
  joinNow(turn)
}

/**
 * A leader that did not answer is told of again by another server that was asked: at another address, or after a while at the
 * same, since what we sent there may have been lost.
 */
const isToldAgain = (
  turn: Turn,
  message: Message.FromServer,
  theirs: Reign.Reign,
  told: Member.Address | null
): boolean => {
  const { reign, unanswering } = turn.state
  const before = unanswering.find((one) => Member.isSameStart(one, theirs.leader))
  if (message.type !== "COORDINATOR" || reign !== null || before === undefined || told === null) return false
  if (Member.isSameStart(theirs.leader, message.sender)) return false
  return !isSame(told, before.address) || turn.now.monotonic - before.until >= backoff.longest
}

const isSame = (one: Member.Address, other: Member.Address | null): boolean =>
  one.ip === other?.ip && one.port === other.port
