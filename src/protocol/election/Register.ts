/**
 * What every message says of the register of who leads, and what this server makes of it: it follows, goes on, objects by a
 * notice, or finds that it must stand. A greater reign wins where there is a path both ways to its leader.
 */
import * as Voter from "../lease/Voter.ts"
import * as Identity from "../membership/Identity.ts"
import * as Membership from "../membership/Membership.ts"
import * as Paths from "../membership/Paths.ts"
import * as Stability from "../membership/Stability.ts"
import * as Event from "../model/Event.ts"
import * as Member from "../model/Member.ts"
import * as Message from "../model/Message.ts"
import * as Reign from "../model/Reign.ts"
import * as Candidacy from "./Candidacy.ts"
import * as Damping from "./Damping.ts"
import type * as ElectionContext from "./ElectionContext.ts"
import * as Following from "./Following.ts"
import * as LeaderLife from "./LeaderLife.ts"
import * as LeaderNotice from "./LeaderNotice.ts"
import * as Roles from "./Roles.ts"
import * as SecondHand from "./SecondHand.ts"

type Context = ElectionContext.ElectionContext

/** Takes note of the highest term that a message speaks of, unless there is no path both ways to who says it. */
export const hearTerm = (election: Context, header: Message.Header): void => {
  const { heard } = election.register
  if (!Following.isBothWays(election, header.sender.id)) return
  if (header.term > heard || header.heard > heard) election.change({ heard: Math.max(header.term, header.heard) })
}

/**
 * What every message of a member means for the lead, before anything else that it says. Rule by rule as in the protocol. To
 * a question by unicast (`isAnswered`) a leader says nothing besides its answer, which tells of its reign.
 */
export const observe = (
  election: Context,
  message: Message.FromServer,
  from: Member.Address,
  isAnswered = false
): void => {
  hearTerm(election, message)
  const { last, reign: mine } = election.register
  const theirs = Message.reignOf(message)
  if (theirs === null) return followsNobody(election, message, isAnswered ? null : from)
  const { id } = theirs.leader
  if (Membership.contradicts(election.context, theirs.leader) || Voter.isForeign(election.context, id)) return
  const before = mine ?? last
  const order = before === null ? 1 : Reign.compare(theirs, before, election.name)
  if (order === 0) return followsOurs(election, message, theirs)
  if (mine !== null && !election.leads) LeaderLife.withdraw(election, message.sender.id)
  if (order < 0) return followsLower(election, message, theirs, isAnswered && election.leads ? null : from)
  if (id === election.state.self.id) return disown(election, theirs)
  followsGreater(election, message, theirs, from)
}

/** It follows nobody, or no more: our own leader may say so of itself. */
const followsNobody = (election: Context, message: Message.FromServer, from: Member.Address | null): void => {
  const { reign: mine } = election.register
  if (mine === null) return
  if (election.leads) return leadAnew(election, mine, message, from)
  LeaderLife.withdraw(election, message.sender.id)
  // What the leader said before it led can come late: it had not heard of its own term then.
  if (!Member.isSameStart(mine.leader, message.sender) || message.heard < mine.term) return
  const cause = Event.causeOf(message.type === "STEPPING_DOWN" ? message.cause : undefined)
  // A leader that gives its own reign up may have heard of a later one; only one that followed it has made way for it.
  const isPassed = message.term > mine.term
  Roles.becomeVacant(election, mine, cause, isPassed ? { passedUntil: Following.passedUntil(election, null) } : {})
  Candidacy.callElection(election)
}

/** It follows the reign that we follow, or followed last. */
const followsOurs = (election: Context, message: Message.FromServer, theirs: Reign.Reign): void => {
  const { reign: mine, vacancy } = election.register
  // A leader that was only silent leads on; one that gave its reign up does not, not even by what it said before and comes late.
  if (mine !== null) {
    const other = Following.hear(election, message, isByLeader(message, theirs))
    if (other !== null) Following.goBy(election, mine, other)
  } else if (mayLiveAfter.has(vacancy.cause)) {
    const path = Following.pathBack(election, message, theirs)
    if (path !== null) follow(election, message, theirs, path)
    else Following.request(election, message, theirs)
  }
}

/** It follows a lower reign than ours. */
const followsLower = (
  election: Context,
  message: Message.FromServer,
  theirs: Reign.Reign,
  from: Member.Address | null
): void => {
  const { last, reign: mine } = election.register
  const byLeader = isByLeader(message, theirs)
  if (from !== null && mine !== null && (election.leads || byLeader)) {
    LeaderNotice.send(election, message.sender.id, from)
  }
  // It takes a new one by what we say of ours; but in one term it could not tell: then we speak of the next.
  if (byLeader && theirs.term === last?.term && mine === null) wantTermAbove(election, last.term)
}

/** It follows a greater reign than ours: we follow it too, where there is a path, and take the lead back where it is ours. */
const followsGreater = (
  election: Context,
  message: Message.FromServer,
  theirs: Reign.Reign,
  from: Member.Address
): void => {
  const { reign: mine } = election.register
  const { self } = election.state
  // Who missed the former leader's word hears from the transferee itself that nobody is to stand in its way.
  if (isByLeader(message, theirs) && message.type === "COORDINATOR" && message.cause === "Transferred") {
    Roles.becomeIneligible(election, election.state.timing.memberTimeout, { transferee: message.sender.id })
  }
  const path = Following.pathTo(election, message, theirs)
  if (path === null) return cannotFollow(election, message, theirs, from)
  if (
    !Damping.mayPreempt(election) || Roles.isIneligible(election) || !election.outranks(self, election.rankOf(theirs))
  ) {
    return follow(election, message, theirs, path)
  }
  // Who leads by a lease takes no greater reign at will. That it hears of one is against all that is assumed: it yields.
  if (election.leads && mayLeadOn(election) && Damping.forgivesFirst(election)) {
    return Roles.becomeLeader(election)
  }
  const betterPlaced = mine !== null && !election.leads && Membership.holds(election.context, mine.leader)
    && election.outranks(election.rankOf(mine), self) && Stability.isStable(election.context, mine.leader.id)
  follow(election, message, theirs, path)
  if (!betterPlaced) Candidacy.callElection(election)
}

const isByLeader = ({ sender }: Message.Header, { leader }: Reign.Reign): boolean => Member.isSameStart(leader, sender)

/**
 * There is no path both ways to the leader of a greater reign: it changes nothing. But a leader that follows a greater reign
 * itself leads no more, whether or not that one can be followed from here.
 */
const cannotFollow = (
  election: Context,
  message: Message.FromServer,
  theirs: Reign.Reign,
  from: Member.Address
): void => {
  const { reign } = election.register
  if (!Membership.holds(election.context, theirs.leader)) SecondHand.check(election, theirs, from)
  if (Following.request(election, message, theirs)) return
  if (reign === null || election.leads || !Member.isSameStart(reign.leader, message.sender)) return
  const cause = election.outranks(theirs.leader, election.rankOf(reign)) ? "HigherRank" : "Superseded"
  Roles.becomeVacant(election, reign, cause, { passedUntil: Following.passedUntil(election, theirs) })
  Candidacy.callElection(election)
}

/** After these a leader may be there all the same, only not heard by us. */
const mayLiveAfter: ReadonlySet<Event.Cause> = new Set(["Silent", "Crashed", "LeaseLost", "Deaf"])

/** Where a reign of ours was passed by one that is over, this server leads on by one above it, or ends its own. */
const leadAnew = (election: Context, mine: Reign.Reign, header: Message.Header, from: Member.Address | null): void => {
  const { sender } = header
  const isPassed = Reign.isPassed(mine, header, election.traits.claimsTerms)
  const isBothWays = Following.isBothWays(election, sender.id)
  if (isPassed && isBothWays) {
    if (mayLeadOn(election)) return Roles.becomeLeader(election)
    if (election.register.ending === null && !Voter.isForeign(election.context, sender.id)) {
      return Roles.endReign(election, "Superseded")
    }
  }
  // It follows nobody, so nothing else would tell whether it hears us.
  if (isPassed && !isBothWays) Paths.request(election.context, sender.id)
  if (from !== null) LeaderNotice.send(election, sender.id, from)
}

const wantTermAbove = (election: Context, term: number): void =>
  election.change({
    heard: Math.max(election.register.heard, Reign.nextTerm(term, 0)),
    toExceed: Reign.nextTerm(term, 0)
  })

const mayLeadOn = (election: Context): boolean =>
  election.state.phase === "Live" && election.register.ending === null && !election.traits.claimsTerms

const follow = (election: Context, message: Message.FromServer, theirs: Reign.Reign, path: LeaderLife.Path): void => {
  const leader = Following.leaderOf(election.context, theirs)
  const { ip, port } = leader
  Roles.becomeFollowerOf(
    election,
    { term: theirs.term, leader: { ...theirs.leader, ip, port } },
    leader,
    LeaderLife.begun(election, message, theirs, path)
  )
}

/** Others follow a reign of ours that we do not hold: it is over, and we stand to say so. */
const disown = (election: Context, theirs: Reign.Reign): void => {
  Roles.becomeVacant(
    election,
    theirs,
    Member.isSameStart(theirs.leader, election.state.self) ? "Stalled" : "Replaced"
  )
  if (Identity.isOwnAddress(election.context, theirs.leader)) {
    Identity.raise(election.context, theirs.leader.incarnation)
  }
  Candidacy.callElection(election)
}
