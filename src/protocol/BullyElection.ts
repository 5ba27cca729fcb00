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
import type * as Event from "./Event.ts"
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
  abstainUntil: -Infinity,
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

const mayStand = (turn: Turn): boolean => {
  const { election: { abstainUntil, ending, reign }, members, phase, rules, self } = turn.state
  return phase === "Live" && ending === null && abstainUntil <= turn.now.monotonic
    && members.length + 1 >= rules.minimumMembers
    && (reign === null || (Stability.mayPreempt(turn) && Member.outranks(self, reign.leader)))
}

// --- Changes of role ---

const stopActivity = (turn: Turn): void => {
  turn.election({ activity: { _tag: "Idle" } })
  for (const key of ["stand", "ask", "ok", "wait"]) turn.clearTimer(key)
}

const becomeVacant = (turn: Turn, ended: Reign.Reign, cause: Event.Cause, askFirst = false): void => {
  const { election: { abstainUntil, last }, rules } = turn.state
  const since = turn.now.monotonic
  stopActivity(turn)
  turn.clearTimer("coordinator")
  turn.election({
    reign: null,
    last: Reign.max(last, ended),
    ending: null,
    vacancy: { cause, since, excused: null, successor: null, askFirst }
  })
  // Who resigned and does not stand looks again whether somebody leads.
  if (abstainUntil > since) turn.setTimer("abstain", rules.coordinatorTimeout, { _tag: "AbstainOver" })
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

const becomeLeader = (turn: Turn): void => {
  const { election: { heard, last }, self } = turn.state
  // A reign of ours is never above what we followed by rank alone: the term grows with each.
  const reign = Reign.make(Reign.nextTerm(Math.max(heard, last?.term ?? 0), turn.now.wall), self)
  becomeFollowerOf(turn, reign, self)
  turn.sayOften("coordinator", { type: "COORDINATOR", election }, Rules.gaps.coordinator)
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
export const observe = (turn: Turn, header: Message.Header, from: Member.Address): void => {
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
      becomeVacant(turn, mine, "Resigned")
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
    if (mine === null && byLeader && vacancy.cause !== "Resigned") follow(turn, theirs)
    return
  }
  if (order < 0) {
    if (mine !== null && (leads(turn) || byLeader)) notify(turn, sender.id, from)
    return
  }
  if (theirs.leader.id === self.id) return disown(turn, theirs)
  if (!Membership.holds(turn, theirs.leader)) return checkHearsay(turn, theirs)
  if (
    !Stability.mayPreempt(turn) || turn.state.election.abstainUntil > turn.now.monotonic
    || !Member.outranks(self, theirs.leader)
  ) {
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
  becomeVacant(turn, theirs, "Stalled")
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
  const { election: { abstainUntil, reign }, members, phase, rules, self } = turn.state
  const { sender } = message
  if (leads(turn)) return notify(turn, sender.id, from)
  if (Member.outranks(sender, self)) {
    if (reign === null) waitForHigher(turn)
    return
  }
  const withheld = phase === "Leaving" || abstainUntil > turn.now.monotonic || members.length + 1 < rules.minimumMembers
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

/**
 * The leader stays a member but leads no more. Whoever it names goes first; it does not stand in the way itself.
 *
 * @category transitions
 * @since 0.1.0
 */
export const onSteppingDown = (turn: Turn, message: Message.Of<"STEPPING_DOWN">): void => {
  const { election: { activity, last, reign, vacancy } } = turn.state
  const { sender, successor } = message
  // `observe` has vacated the place already, by the header: here it is said who goes first.
  if (reign !== null || last === null || !Member.isSameStart(last.leader, sender)) return
  if (successor === null || successor === vacancy.successor || activity._tag !== "Pending") return
  turn.election({ activity: { _tag: "Idle" }, vacancy: { ...vacancy, excused: sender.id, successor } })
  callElection(turn)
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
 * A member is gone.
 *
 * @category transitions
 * @since 0.1.0
 */
export const onRemoved = (turn: Turn, member: Member.Member, reason: Event.Reason): void => {
  const { election: { activity, reign }, members, rules, self } = turn.state
  if (reign !== null && Member.isSameStart(reign.leader, member)) {
    becomeVacant(turn, reign, reason._tag, reason._tag === "Silent")
    return callElection(turn)
  }
  if (leads(turn) && members.length + 1 < rules.minimumMembers) return endReign(turn, "TooFewMembers")
  if (activity._tag === "Waiting" && Member.outranks(member, self)) waitOver(turn)
}

// --- Giving the lead up ---

/**
 * Ends the leading work of this server; what follows, follows in {@link workEnded}.
 *
 * @category transitions
 * @since 0.1.0
 */
export const endReign = (turn: Turn, cause: Event.Cause): void => {
  if (ownReign(turn.state) === null) return
  turn.election({ ending: cause })
  turn.clearTimer("coordinator")
  if (cause === "Resigned" || cause === "WorkOverran") {
    turn.election({ abstainUntil: turn.now.monotonic + turn.state.rules.memberTimeout })
    turn.setTimer("abstain", turn.state.rules.coordinatorTimeout, { _tag: "AbstainOver" })
  }
  turn.outputs.push({ _tag: "EndWork" })
}

/**
 * The leading work has ended, or has had its time: now the others hear of it. `successor` is who outranks the others.
 *
 * @category transitions
 * @since 0.1.0
 */
export const workEnded = (turn: Turn): void => {
  const { election: { ending, reign }, members, phase } = turn.state
  if (ending === null || reign === null) return
  becomeVacant(turn, reign, ending)
  if (phase === "Leaving") return
  const successor = ending === "TooFewMembers" ? null : members[0]?.id ?? null
  turn.sayOften("stepping-down", { type: "STEPPING_DOWN", election, successor }, Rules.gaps.steppingDown)
  callElection(turn)
}

/**
 * Who resigned looks again: where nobody has taken the lead it stands after all, else it lets the successor be for as
 * long as it said.
 *
 * @category transitions
 * @since 0.1.0
 */
export const abstainOver = (turn: Turn): void => {
  const { abstainUntil, reign } = turn.state.election
  const left = abstainUntil - turn.now.monotonic
  // Whole ms: what is left of one by rounding would be no time for a timer to run.
  if (reign !== null && left > 0) return turn.setTimer("abstain", Math.ceil(left), { _tag: "AbstainOver" })
  turn.election({ abstainUntil: -Infinity })
  callElection(turn)
}

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
 * After a stall: whatever was led is over, and nothing that was begun counts.
 *
 * @category transitions
 * @since 0.1.0
 */
export const onStall = (turn: Turn): void => {
  const { reign } = turn.state.election
  if (reign !== null && leads(turn)) becomeVacant(turn, reign, "Stalled")
  stopActivity(turn)
  for (const [key] of turn.state.timers) if (key.startsWith("object:")) turn.clearTimer(key)
}
