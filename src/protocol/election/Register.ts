/**
 * What every message says of the register of who leads, and what this server makes of it: it follows, goes on, objects by a
 * notice, or finds that it must stand. A greater reign wins where there is a path both ways to its leader.
 */
import * as Voter from "../lease/Voter.ts"
import * as Identity from "../membership/Identity.ts"
import * as Membership from "../membership/Membership.ts"
import * as Paths from "../membership/Paths.ts"
import * as Stability from "../membership/Stability.ts"
import * as Election from "../model/Election.ts"
import * as Event from "../model/Event.ts"
import * as Member from "../model/Member.ts"
import * as Message from "../model/Message.ts"
import * as Reign from "../model/Reign.ts"
import * as BullyElection from "./BullyElection.ts"
import type * as Contest from "./Contest.ts"
import * as Damping from "./Damping.ts"
import * as Following from "./Following.ts"
import * as Hearsay from "./Hearsay.ts"

type At = Contest.Contest

/** Takes note of the highest term that a message speaks of, unless there is no path both ways to who says it. */
export const hearTerm = (at: At, header: Message.Header): void => {
  const { heard } = at.election
  if (!Following.isBothWays(at, header.sender.id)) return
  if (header.term > heard || header.heard > heard) at.change({ heard: Math.max(header.term, header.heard) })
}

/**
 * What every message of a member means for the lead, before anything else that it says. Rule by rule as in the protocol. To
 * a question by unicast (`isAnswered`) a leader says nothing besides its answer, which tells of its reign.
 */
export const observe = (
  at: At,
  message: Message.FromServer,
  from: Member.Address,
  isAnswered = false
): void => {
  const header: Message.Header = message
  hearTerm(at, header)
  const { self } = at.state
  const { last, reign: mine, vacancy } = at.election
  const { sender } = header
  const theirs = Message.reignOf(header)
  if (
    theirs !== null && (Membership.contradicts(at.turn, theirs.leader) || Voter.isForeign(at.turn, theirs.leader.id))
  ) return
  if (theirs === null) {
    if (mine === null) return
    if (at.leads) return leadAnew(at, mine, header, isAnswered ? null : from)
    Following.withdraw(at, sender.id)
    // What the leader said before it led can come late: it had not heard of its own term then.
    if (Member.isSameStart(mine.leader, sender) && header.heard >= mine.term) {
      const cause = Event.causeOf(message.type === "STEPPING_DOWN" ? message.cause : undefined)
      // A leader that gives its own reign up may have heard of a later one; only one that followed it has made way for it.
      const isPassed = header.term > mine.term
      BullyElection.becomeVacant(at, mine, cause, isPassed ? { passedUntil: Following.passedUntil(at, null) } : {})
      BullyElection.callElection(at)
    }
    return
  }
  const byLeader = Member.isSameStart(theirs.leader, sender)
  const order = mine === null
    ? last === null ? 1 : Reign.compare(theirs, last, at.name)
    : Reign.compare(theirs, mine, at.name)
  if (order === 0) {
    // A leader that was only silent leads on; one that gave its reign up does not, whatever it said before and comes late.
    if (mine !== null) {
      const other = Following.hear(at, message, byLeader)
      if (other !== null) Following.goBy(at, mine, other)
    } else if (mayLiveAfter.has(vacancy.cause)) {
      const path = Following.pathBack(at, message, theirs)
      if (path !== null) follow(at, message, theirs, path)
      else Following.request(at, message, theirs)
    }
    return
  }
  if (mine !== null && !at.leads) Following.withdraw(at, sender.id)
  if (order < 0) {
    if (mine !== null && (at.leads || byLeader)) BullyElection.notify(at, sender.id, from)
    // It takes a new one by what we say of ours; but in one term it could not tell: then we speak of the next.
    if (byLeader && theirs.term === last?.term && mine === null) wantTermAbove(at, last.term)
    return
  }
  if (theirs.leader.id === self.id) return disown(at, theirs)
  // Who missed the former leader's word hears from the heir itself that nobody is to stand in its way.
  if (byLeader && message.type === "COORDINATOR" && message.cause === "Transferred") {
    BullyElection.abstain(at, at.state.rules.memberTimeout, { heir: sender.id })
  }
  const path = Following.pathTo(at, message, theirs)
  if (path === null) return cannotFollow(at, message, theirs, from)
  if (
    !Damping.mayPreempt(at) || Election.standsAside(at.election, at.turn.now.monotonic) ||
    !at.outranks(self, theirs.leader)
  ) {
    return follow(at, message, theirs, path)
  }
  // Who leads by a lease takes no greater reign at will. That it hears of one is against all that is assumed: it yields.
  if (at.leads && mayLeadOn(at) && Damping.forgivesFirst(at)) return BullyElection.becomeLeader(at)
  const betterPlaced = mine !== null && !at.leads && Membership.holds(at.turn, mine.leader)
    && at.outranks(mine.leader, self) && Stability.isStable(at.turn, mine.leader.id)
  follow(at, message, theirs, path)
  if (!betterPlaced) BullyElection.callElection(at)
}

/**
 * There is no path both ways to the leader of a greater reign: it changes nothing. But a leader that follows a greater reign
 * itself leads no more, whether or not that one can be followed from here.
 */
const cannotFollow = (at: At, message: Message.FromServer, theirs: Reign.Reign, from: Member.Address): void => {
  const { reign } = at.election
  if (!Membership.holds(at.turn, theirs.leader)) Hearsay.check(at, theirs, from)
  if (Following.request(at, message, theirs)) return
  if (reign === null || at.leads || !Member.isSameStart(reign.leader, message.sender)) return
  const cause = at.outranks(theirs.leader, reign.leader) ? "HigherRank" : "Superseded"
  BullyElection.becomeVacant(at, reign, cause, { passedUntil: Following.passedUntil(at, theirs) })
  BullyElection.callElection(at)
}

/** After these a leader may be there all the same, only not heard by us. */
const mayLiveAfter: ReadonlySet<Event.Cause> = new Set(["Silent", "Crashed", "LeaseLost", "Deaf"])

/** Where a reign of ours was passed by one that is over. A lease lets nobody go on in another term: it is claimed anew, above. */
const leadAnew = (at: At, mine: Reign.Reign, header: Message.Header, from: Member.Address | null): void => {
  const { sender } = header
  const isPassed = Reign.isPassed(mine, header, at.state.rules.lease !== null)
  const isBothWays = Following.isBothWays(at, sender.id)
  if (isPassed && isBothWays) {
    if (mayLeadOn(at)) return BullyElection.becomeLeader(at)
    if (at.election.ending === null && !Voter.isForeign(at.turn, sender.id)) {
      return BullyElection.endReign(at, "Superseded")
    }
  }
  // It follows nobody, so nothing else would tell whether it hears us.
  if (isPassed && !isBothWays) Paths.request(at.turn, sender.id)
  if (from !== null) BullyElection.notify(at, sender.id, from)
}

const wantTermAbove = (at: At, term: number): void =>
  at.change({ heard: Math.max(at.election.heard, Reign.nextTerm(term, 0)), toExceed: Reign.nextTerm(term, 0) })

const mayLeadOn = (at: At): boolean =>
  at.state.phase === "Live" && at.election.ending === null && at.state.rules.lease === null

const follow = (at: At, message: Message.FromServer, theirs: Reign.Reign, path: Following.Path): void => {
  const leader = Following.leaderOf(at.turn, theirs)
  BullyElection.becomeFollowerOf(
    at,
    Reign.make(theirs.term, leader),
    leader,
    Following.begun(at, message, theirs, path)
  )
}

/** Others follow a reign of ours that we do not hold: it is over, and we stand to say so. */
const disown = (at: At, theirs: Reign.Reign): void => {
  BullyElection.becomeVacant(at, theirs, Member.isSameStart(theirs.leader, at.state.self) ? "Stalled" : "Replaced")
  if (Identity.isOwnAddress(at.turn, theirs.leader)) Identity.raise(at.turn, theirs.leader.incarnation)
  BullyElection.callElection(at)
}
