/**
 * Who leads: the Bully over a register that only grows.
 *
 * The reign is a register that all servers hold and every message carries; the greater `(term, rank)` wins, and a Bully
 * who outranks the leader makes a greater one. Nothing else decides, so lost, doubled and late messages cannot make
 * views differ for longer than it takes to hear one message. After Garcia-Molina, *Elections in a Distributed Computing
 * System* (1982).
 *
 * ```
 *             trigger                  stagger over, a higher one is in view
 *   Idle ───────────────▶ Pending ─────────────────────────────▶ Standing
 *    ▲ ▲                    │  stagger over, none higher            │    │ OK of a higher one
 *    │ └────────────────────┴──────────▶ leads ◀────────────────────┘    ▼
 *    │                                               nobody objects    Waiting ── wait over ──▶ Pending
 *    └── a reign is followed (from any)
 * ```
 *
 * @since 0.1.0
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Event from "./Event.ts"
import * as Member from "./Member.ts"
import * as Membership from "./Membership.ts"
import * as Message from "./Message.ts"
import * as Reign from "./Reign.ts"
import * as Rules from "./Rules.ts"
import * as Stability from "./Stability.ts"
import type { Election, State, Turn } from "./Turn.ts"

/**
 * The name of the group's one leadership. What is said of another is for servers that know of it.
 *
 * @category models
 * @since 0.1.0
 */
export const election = ""

const never: Election["abstention"] = { until: -Infinity, firmly: false, heir: null }

/**
 * The register at the start of a server.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (monotonic: number): Election => ({
  reign: null,
  last: null,
  heard: 0,
  activity: { _tag: "Idle" },
  vacancy: { cause: "Start", since: monotonic, excused: null, successor: null, askFirst: false },
  ending: null,
  abstention: never,
  overrun: false,
  hearsayAt: -Infinity
})

/**
 * The reign of this server's own that lasts and is not being ended: while there is one, leading work may run.
 *
 * It does not ask the clock whether the server stood still meanwhile; whoever acts on it must.
 *
 * @category conversions
 * @since 0.1.0
 */
export const ownReign = (state: Pick<State, "self" | "election">): Reign.Reign | null =>
  state.election.reign !== null && state.election.ending === null && state.election.reign.leader.id === state.self.id
    ? state.election.reign
    : null

const leads = (turn: Turn): boolean => turn.state.election.reign?.leader.id === turn.state.self.id

/** Those whom nothing keeps from leading before us. */
const higher = (turn: Turn): ReadonlyArray<Member.Member> =>
  turn.state.members.filter((member) =>
    Member.outranks(member, turn.state.self) && member.id !== turn.state.election.vacancy.excused
  )

/** Whether others may lead before us, whoever ranks higher. */
const standsAside = (turn: Turn): boolean =>
  turn.state.election.overrun || turn.state.election.abstention.until > turn.now.monotonic

const mayStand = (turn: Turn): boolean => {
  const { election: { ending, reign }, members, phase, rules, self } = turn.state
  return phase === "Live" && ending === null && !standsAside(turn)
    && members.length + 1 >= rules.minimumMembers
    && (reign === null || (Stability.mayPreempt(turn) && Member.outranks(self, reign.leader)))
}

// --- Changes of role ---

/**
 * Whatever this server was about to do for the lead, it does not.
 *
 * @category transitions
 * @since 0.1.0
 */
export const stopActivity = (turn: Turn): void => {
  turn.election({ activity: { _tag: "Idle" } })
  for (const key of ["stand", "ask", "ok", "wait"]) turn.clearTimer(key)
}

/**
 * Nobody leads any more. `since` is the leader's last sign of life, where that was before now.
 *
 * @category transitions
 * @since 0.1.0
 */
export const becomeVacant = (
  turn: Turn,
  ended: Reign.Reign,
  cause: Event.Cause,
  { askFirst = false, since = turn.now.monotonic }: { readonly askFirst?: boolean; readonly since?: number } = {}
): void => {
  const { election: { abstention: { firmly, heir, until }, last }, rules } = turn.state
  stopActivity(turn)
  turn.clearTimer("coordinator")
  turn.election({
    reign: null,
    last: Reign.max(last, ended),
    ending: null,
    vacancy: { cause, since, excused: null, successor: null, askFirst }
  })
  if (heir === ended.leader.id) abstainNoLonger(turn)
  // Who resigned and does not stand looks again whether somebody leads.
  else if (until > turn.now.monotonic && !firmly) {
    turn.setTimer("abstain", rules.coordinatorTimeout, { _tag: "AbstainOver" })
  }
  turn.emit({ event: "LeaderChanged", leader: null, from: ended.leader, term: ended.term, cause, without: 0 })
}

const becomeFollowerOf = (turn: Turn, reign: Reign.Reign, leader: Member.Member): void => {
  const { election: { last, reign: before, vacancy } } = turn.state
  stopActivity(turn)
  turn.clearTimer("coordinator")
  turn.clearTimer("stepping-down")
  turn.election({
    reign,
    last: Reign.max(last, reign),
    heard: Math.max(turn.state.election.heard, reign.term),
    ending: null,
    vacancy: { ...vacancy, excused: null, successor: null }
  })
  turn.emit({
    event: "LeaderChanged",
    leader,
    from: (before ?? last)?.leader ?? null,
    term: reign.term,
    cause: before === null ? vacancy.cause : Member.outranks(reign.leader, before.leader) ? "HigherRank" : "Superseded",
    without: before === null && last !== null ? Math.round(turn.now.monotonic - vacancy.since) : 0
  })
}

/** Whether the last leader handed the lead to us. */
const wasNamed = ({ state: { election: { reign, vacancy }, self } }: Turn): boolean =>
  reign === null && vacancy.cause === "Transferred" && vacancy.successor === self.id

const becomeLeader = (turn: Turn): void => {
  const { election: { heard, last }, self } = turn.state
  const isHeir = wasNamed(turn)
  // A reign of ours is never above what we followed by rank alone: the term grows with each.
  const reign = Reign.make(Reign.nextTerm(Math.max(heard, last?.term ?? 0), turn.now.wall), self)
  becomeFollowerOf(turn, reign, self)
  const cause = isHeir ? { cause: "Transferred" } : {}
  turn.sayOften("coordinator", { type: "COORDINATOR", election, ...cause }, Rules.gaps.coordinator)
}

// --- Standing ---

/**
 * Something calls for an election: this server will stand when its stagger is over. While it is about to, stands, or
 * waits for a higher one, this is the same election.
 *
 * @category transitions
 * @since 0.1.0
 */
export const callElection = (turn: Turn): void => {
  const { activity, vacancy } = turn.state.election
  if (activity._tag !== "Idle" || !mayStand(turn)) return
  turn.election({ activity: { _tag: "Pending" } })
  const before = vacancy.successor === turn.state.self.id
    ? 0
    : higher(turn).length + (vacancy.successor !== null && higher(turn).length === 0 ? 1 : 0)
  const after = Math.min(1_000, turn.state.rules.electionStagger * before) + turn.random() * 5
  turn.setTimer("stand", after, { _tag: "Stand" })
}

/**
 * The stagger is over.
 *
 * @category transitions
 * @since 0.1.0
 */
export const stand = (turn: Turn): void => {
  turn.election({ activity: { _tag: "Idle" } })
  if (!mayStand(turn)) return
  const { election: { last, reign, vacancy }, rules } = turn.state
  // The leader itself named us: nobody need be asked.
  if (wasNamed(turn)) return becomeLeader(turn)
  if (higher(turn).length > 0) return canvass(turn, rules.okTimeout)
  if (reign === null && vacancy.askFirst) return canvass(turn, 2 * rules.probeTimeout)
  if (last === null && !Stability.mayPreempt(turn)) return canvass(turn, rules.okTimeout)
  becomeLeader(turn)
}

/** Asks at 0, a quarter and a half of the time who objects; leads when it is over. */
const canvass = (turn: Turn, time: number): void => {
  const standing = Reign.nextTerm(turn.state.election.heard, turn.now.wall)
  turn.election({ activity: { _tag: "Standing", standing } })
  turn.sayOften("ask", { type: "ELECTION", election, standing }, [time / 4, time / 4])
  turn.setTimer("ok", time, { _tag: "NoObjection" })
}

/**
 * Nobody objected in time.
 *
 * @category transitions
 * @since 0.1.0
 */
export const noObjection = (turn: Turn): void => {
  stopActivity(turn)
  if (mayStand(turn)) becomeLeader(turn)
}

const waitForHigher = (turn: Turn): void => {
  stopActivity(turn)
  turn.election({ activity: { _tag: "Waiting" } })
  const time = turn.state.rules.coordinatorTimeout
  turn.setTimer("wait", time + turn.random() * time / 4, { _tag: "WaitOver" })
}

/**
 * The higher one has not led in time: this server stands again.
 *
 * @category transitions
 * @since 0.1.0
 */
export const waitOver = (turn: Turn): void => {
  stopActivity(turn)
  callElection(turn)
}

// --- What others say ---

/**
 * Tells a server the reign that this one follows, at most once in 100 ms.
 *
 * @category transitions
 * @since 0.1.0
 */
const notify = (turn: Turn, id: Member.NodeId, to: Member.Address): void => {
  const known = HashMap.getUnsafe(turn.state.known, id)
  if (turn.now.monotonic - known.noticedAt < Rules.noticeInterval) return
  turn.state.known = HashMap.set(turn.state.known, id, { ...known, noticedAt: turn.now.monotonic })
  turn.say(to, { type: "COORDINATOR", election })
}

/**
 * Takes note of the highest term that a message speaks of.
 *
 * @category transitions
 * @since 0.1.0
 */
export const hearTerm = (turn: Turn, header: Message.Header): void => {
  const { heard } = turn.state.election
  if (header.term > heard || header.heard > heard) turn.election({ heard: Math.max(header.term, header.heard) })
}

/**
 * What every message of a member means for the lead, before anything else that it says. Rule by rule as in the protocol,
 * section 5.
 *
 * @category transitions
 * @since 0.1.0
 */
export const observe = (turn: Turn, message: Message.FromServer, from: Member.Address): void => {
  const header: Message.Header = message
  hearTerm(turn, header)
  const { election: { last, reign: mine, vacancy }, self } = turn.state
  const { sender } = header
  const theirs = Message.reignOf(header)
  if (theirs !== null && Membership.contradicts(turn, theirs.leader)) return
  if (theirs === null) {
    if (mine === null) return
    if (leads(turn)) return notify(turn, sender.id, from)
    // What the leader said before it led can come late: it had not heard of its own term then.
    if (Member.isSameStart(mine.leader, sender) && header.heard >= mine.term) {
      becomeVacant(turn, mine, Event.causeOf(message.type === "STEPPING_DOWN" ? message.cause : undefined))
      callElection(turn)
    }
    return
  }
  const byLeader = Member.isSameStart(theirs.leader, sender)
  const order = mine === null
    ? last === null ? 1 : Reign.compare(theirs, last)
    : Reign.compare(theirs, mine)
  if (order === 0) {
    // A leader that was only silent leads on; one that gave its reign up does not, whatever it said before and comes late.
    const mayLive = vacancy.cause === "Silent" || vacancy.cause === "Crashed"
    if (mine === null && byLeader && mayLive) follow(turn, theirs)
    return
  }
  if (order < 0) {
    if (mine !== null && (leads(turn) || byLeader)) notify(turn, sender.id, from)
    return
  }
  if (theirs.leader.id === self.id) return disown(turn, theirs)
  if (!Membership.holds(turn, theirs.leader)) return checkHearsay(turn, theirs)
  // Who missed the former leader's word hears from the heir itself that nobody is to stand in its way.
  if (byLeader && message.type === "COORDINATOR" && message.cause === "Transferred") {
    abstain(turn, turn.state.rules.memberTimeout, { heir: sender.id })
  }
  if (!Stability.mayPreempt(turn) || standsAside(turn) || !Member.outranks(self, theirs.leader)) {
    return follow(turn, theirs)
  }
  if (leads(turn) && mayLeadOn(turn)) return becomeLeader(turn)
  const betterPlaced = mine !== null && !leads(turn) && Membership.holds(turn, mine.leader)
    && Member.outranks(mine.leader, self) && Stability.isStable(turn, mine.leader.id)
  follow(turn, theirs)
  if (!betterPlaced) callElection(turn)
}

const mayLeadOn = (turn: Turn): boolean => turn.state.phase === "Live" && turn.state.election.ending === null

const follow = (turn: Turn, reign: Reign.Reign): void =>
  becomeFollowerOf(turn, reign, HashMap.getUnsafe(turn.state.known, reign.leader.id).member)

/** Others follow a reign of ours that we do not hold: it is over, and we stand to say so. */
const disown = (turn: Turn, theirs: Reign.Reign): void => {
  becomeVacant(turn, theirs, Member.isSameStart(theirs.leader, turn.state.self) ? "Stalled" : "Replaced")
  if (Membership.isOwnAddress(turn, theirs.leader)) Membership.raiseIncarnation(turn, theirs.leader.incarnation)
  callElection(turn)
}

/** Hearsay is believed when the leader itself is heard: it is asked. */
const checkHearsay = (turn: Turn, theirs: Reign.Reign): void => {
  const { election: { hearsayAt }, rules } = turn.state
  const known = turn.known(theirs.leader.id)
  if (Option.isSome(known) && known.value.member.incarnation > theirs.leader.incarnation) return
  if (turn.now.monotonic - hearsayAt < rules.probeTimeout) return
  turn.election({ hearsayAt: turn.now.monotonic })
  turn.say(theirs.leader, { type: "SERVER_PROBE", nonce: turn.nonce() })
}

/**
 * Somebody stands.
 *
 * @category transitions
 * @since 0.1.0
 */
export const onElection = (turn: Turn, message: Message.Of<"ELECTION">, from: Member.Address): void => {
  const { election: { reign }, members, phase, rules, self } = turn.state
  const { sender } = message
  if (leads(turn)) return notify(turn, sender.id, from)
  if (Member.outranks(sender, self)) {
    if (reign === null) waitForHigher(turn)
    return
  }
  const withheld = phase === "Leaving" || standsAside(turn) || members.length + 1 < rules.minimumMembers
  if (withheld) return
  const above = members.filter((member) => Member.outranks(member, self))
  // A newcomer that follows a leader has no claim of its own yet, so it keeps nobody from making theirs.
  if (reign === null || !turn.state.newcomer) {
    turn.setTimer(`object:${sender.id}`, 5 * above.length, {
      _tag: "Object",
      to: sender.id,
      standing: message.standing
    })
  }
  if (reign === null) return callElection(turn)
  if (reign.leader.id === sender.id || above.filter((member) => member.id !== reign.leader.id).length > 2) return
  const leader = turn.known(reign.leader.id)
  if (Option.isSome(leader) && turn.now.monotonic - leader.value.heardAt > rules.probeTimeout && phase === "Live") {
    Membership.check(turn, reign.leader.id, true)
  }
}

/**
 * The time has come to object to who stands, and nobody higher has.
 *
 * @category transitions
 * @since 0.1.0
 */
export const object = (turn: Turn, to: Member.NodeId, standing: number): void =>
  turn.say(null, { type: "OK", election, to, standing })

/**
 * Somebody objects: to us, or in our place to another.
 *
 * @category transitions
 * @since 0.1.0
 */
export const onOk = (turn: Turn, message: Message.Of<"OK">): void => {
  const { election: { activity }, self } = turn.state
  if (!Member.outranks(message.sender, self)) return
  turn.clearTimer(`object:${message.to}`)
  if (message.to === self.id && activity._tag === "Standing" && activity.standing === message.standing) {
    waitForHigher(turn)
  }
}

// --- What becomes of members ---

/**
 * A member is new: where nobody leads, there is an election.
 *
 * @category transitions
 * @since 0.1.0
 */
export const onJoined = (turn: Turn): void => {
  if (turn.state.election.reign === null) callElection(turn)
}

/**
 * A member is gone. `heardAt` is when it was last heard.
 *
 * @category transitions
 * @since 0.1.0
 */
export const onRemoved = (turn: Turn, member: Member.Member, reason: Event.Reason, heardAt: number): void => {
  const { election: { abstention, activity, reign, vacancy }, members, rules, self } = turn.state
  if (vacancy.successor === member.id) turn.election({ vacancy: { ...vacancy, successor: null } })
  if (reign !== null && Member.isSameStart(reign.leader, member)) {
    const since = reason._tag === "Left" ? turn.now.monotonic : heardAt
    becomeVacant(turn, reign, reason._tag, { askFirst: reason._tag === "Silent", since })
    return callElection(turn)
  }
  if (leads(turn) && members.length + 1 < rules.minimumMembers) return endReign(turn, "TooFewMembers")
  // The heir is gone before it led: those who made way for it need not wait.
  if (reign === null && abstention.heir === member.id) {
    abstainNoLonger(turn)
    return callElection(turn)
  }
  if (activity._tag === "Waiting" && Member.outranks(member, self)) waitOver(turn)
}

// --- Giving the lead up ---

/**
 * Holds back from standing for so many ms: `firmly`, whoever leads or does not; else unless nobody does, or the `heir` in
 * whose favour it is. What was asked for firmly is not undone by the other.
 *
 * @category transitions
 * @since 0.1.0
 */
export const abstain = (
  turn: Turn,
  millis: number,
  { firmly = false, heir = null }: { readonly firmly?: boolean; readonly heir?: Member.NodeId | null } = {}
): void => {
  const { election: { abstention }, rules } = turn.state
  if (!firmly && abstention.firmly) return
  stopActivity(turn)
  turn.election({ abstention: { until: turn.now.monotonic + millis, firmly, heir } })
  turn.setTimer("abstain", firmly ? millis : rules.coordinatorTimeout, { _tag: "AbstainOver" })
}

/**
 * Holds back no longer.
 *
 * @category transitions
 * @since 0.1.0
 */
export const abstainNoLonger = (turn: Turn): void => {
  turn.election({ abstention: never })
  turn.clearTimer("abstain")
}

/**
 * Ends the leading work of this server; what follows, follows when it has ended.
 *
 * @category transitions
 * @since 0.1.0
 */
export const endReign = (turn: Turn, cause: Event.Cause): void => {
  if (ownReign(turn.state) === null) return
  turn.election({ ending: cause })
  turn.clearTimer("coordinator")
  turn.outputs.push({ _tag: "EndWork" })
}

/**
 * Says to all that this server leads no more, and why.
 *
 * @category transitions
 * @since 0.1.0
 */
export const sayStepsDown = (turn: Turn, cause: Event.Cause, successor: Member.NodeId | null): void =>
  turn.sayOften("stepping-down", { type: "STEPPING_DOWN", election, successor, cause }, Rules.gaps.steppingDown)

/**
 * This server goes on under a higher incarnation: a reign of its own goes on as a new one.
 *
 * @category transitions
 * @since 0.1.0
 */
export const onRaised = (turn: Turn): void => {
  if (ownReign(turn.state) !== null) becomeLeader(turn)
}

/**
 * After a stall of so many ms: whatever was led is over, and nothing that was begun counts.
 *
 * @category transitions
 * @since 0.1.0
 */
export const onStall = (turn: Turn, asleep: number): void => {
  const { reign } = turn.state.election
  if (reign !== null && leads(turn)) {
    becomeVacant(turn, reign, "Stalled", { since: turn.now.monotonic - asleep })
    // Who leaves will say so anyhow.
    if (turn.state.phase !== "Leaving") sayStepsDown(turn, "Stalled", null)
  }
  stopActivity(turn)
  for (const [key] of turn.state.timers) if (key.startsWith("object:")) turn.clearTimer(key)
}
